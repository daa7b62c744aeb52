"""The object cache (an informer's store): the newest state of each watched object. Every decision reads it alone."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from graphcron.kube import jsontext
from graphcron.kube.outline import OBJECT_LIMIT, outline
from graphcron.kube.resources import BACKFILLS, CRON_JOBS, GRAPHCRONS, JOBS, LAST_APPLIED, PODS, Manifest, Resource
from graphcron.kube.versions import version_of
from graphcron.operator.conditions import PENDING, state_of, unmet_of
from graphcron.operator.history import is_over
from graphcron.operator.observed import Observed, owns
from graphcron.operator.other_writers import own_fields
from graphcron.operator.pauses import Pauses
from graphcron.operator.pod_status import JOB_LABEL, job_of
from graphcron.operator.shared_spending import SharedSpending
from graphcron.operator.triggers import only_trigger
from graphcron.resource.budget import SharedBudgets
from graphcron.resource.identity import BACKFILL_LABEL, CRON_LABEL, ENDED_ANNOTATION, FIELD_MANAGER, TOUCHED_ANNOTATION

WATCHED_RESOURCES = (GRAPHCRONS, CRON_JOBS, JOBS, PODS)

Name = tuple[str, str]
"""Namespace and name of a GraphCron, whose CronJob has the same, or of a backfill."""

REMEMBERED_DELETIONS = 10_000
"""Uids of deleted objects that are kept: the answer to a write can arrive after the DELETED event, and must not bring
the object back. Answers are seconds late at most."""


class _Packed(NamedTuple):
    """An object as JSON, with what is read often beside it. As bytes it takes a sixth of the memory of a dict; parsing
    it costs some microseconds."""

    uid: str
    version: int
    generation: int
    state: str
    unmet: tuple[str, ...]
    data: bytes

    @classmethod
    def of(cls, resource: Resource, manifest: Manifest) -> "_Packed":
        state = state_of(manifest) if resource == GRAPHCRONS else ""
        unmet = tuple(unmet_of(manifest)) if resource == GRAPHCRONS else ()
        text = jsontext.dumps(manifest)
        if resource == GRAPHCRONS and len(text) > OBJECT_LIMIT:
            text = jsontext.dumps(outline(manifest))
        metadata = manifest["metadata"]
        return cls(metadata["uid"], version_of(manifest), metadata.get("generation", 0), state, unmet, text)

    @property
    def manifest(self) -> Manifest:
        found: Manifest = jsontext.loads(self.data)
        return found


class ObjectCache:
    """GraphCrons, CronJobs, Jobs and pods by GraphCron and name; or backfills, Jobs and pods by backfill and name.

    An object that we wrote is put in as the apiserver answered, so that the next reconciliation does not act on an
    older copy; of two copies the one with the higher resourceVersion counts. A deleted Job or pod stays until its
    outcome is in the status (`reported`): it is often deleted in the moment in which it ends.
    """

    def __init__(self, subject: Resource = GRAPHCRONS, label: str = CRON_LABEL) -> None:
        """`subject` is what all else belongs to, by that label."""
        self._subject = subject
        self._label = label
        kinds = (subject, CRON_JOBS, JOBS, PODS)
        self._objects: dict[Resource, dict[Name, dict[str, _Packed]]] = {kind: {} for kind in kinds}
        self.pauses = Pauses()
        self.spent = SharedSpending(SharedBudgets(), None)
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._unreported: dict[Name, set[tuple[Resource, str]]] = {}
        self._states: Counter[str] = Counter()
        self._unmet: Counter[str] = Counter()

    def put(self, resource: Resource, manifest: Mapping[str, Any]) -> Name | None:
        """Returns the GraphCron that it belongs to, None when it names none."""
        name = self.subject_of(resource, manifest)
        if name is not None and manifest["metadata"]["uid"] not in self._gone:
            self._place(resource, name, _kept(resource, manifest))
        return name

    def drop(self, resource: Resource, manifest: Mapping[str, Any], deleted_at: str | None = None) -> Name | None:
        """As `put`, for a deleted object; `manifest` is its last state when it is known when it was deleted."""
        name = self.subject_of(resource, manifest)
        if name is None:
            return None
        key, uid = manifest["metadata"]["name"], manifest["metadata"]["uid"]
        self._gone[uid] = None
        if len(self._gone) > REMEMBERED_DELETIONS:
            self._gone.popitem(last=False)
        if resource in (JOBS, PODS) and self._objects[self._subject].get(name):
            gone = {"deletedAt": deleted_at} if deleted_at else {}
            self._place(resource, name, _kept(resource, manifest) | gone)
            self._unreported.setdefault(name, set()).add((resource, key))
            return name
        # A namesake that was created since stays.
        known = self._objects[resource].get(name, {}).get(key)
        if known and known.uid == uid:
            self._forget(resource, name, key)
        if resource == self._subject:
            for kind, left in self._unreported.pop(name, set()):
                self._forget(kind, name, left)
        return name

    def reported(self, name: Name) -> None:
        """The status has all that is in the cache: deleted Jobs and pods are dropped, a pod together with its Job."""
        unreported = self._unreported.get(name, set())
        if not unreported:
            return
        jobs = self._objects[JOBS].get(name, {})
        gone_jobs = {key for resource, key in unreported if resource == JOBS}
        for resource, key in list(unreported):
            if resource == PODS:
                made_by = job_of(self._objects[PODS][name][key].manifest) or ""
                job = jobs.get(made_by)
                if job and made_by not in gone_jobs and not is_over(job.manifest):
                    continue
            self._forget(resource, name, key)
            unreported.discard((resource, key))
        if not unreported:
            self._unreported.pop(name, None)

    def is_known(self, resource: Resource, manifest: Mapping[str, Any]) -> bool:
        """Whether that very version is cached already: it was listed before, or we wrote it ourselves."""
        name = self.subject_of(resource, manifest)
        known = self._objects[resource].get(name, {}).get(manifest["metadata"]["name"]) if name else None
        return known is not None and (known.uid, known.version) == (manifest["metadata"]["uid"], version_of(manifest))

    def drop_missing(self, resource: Resource, uids: set[str], version: int) -> set[Name]:
        """Drop what a list of that version lacks; returns the GraphCrons that it belongs to."""
        missing = [
            known.manifest
            for place in self._objects[resource].values()
            for known in place.values()
            if known.uid not in uids and known.version <= version
        ]
        return {name for manifest in missing if (name := self.drop(resource, manifest))}

    def of(self, name: Name) -> Observed | None:
        """Everything that belongs to one GraphCron; None when there is none of that name, or it is being deleted.

        Jobs and pods of a deleted namesake have the same label, and are none of its runs: owner references decide.
        """
        graphcrons = self._all(self._subject, name)
        if not graphcrons or graphcrons[0]["metadata"].get("deletionTimestamp"):
            return None
        graphcron = graphcrons[0]
        # Others bear the label, too, where somebody wants them to: they are not read.
        named = self._objects[CRON_JOBS].get(name, {}).get(name[1])
        cron_job = found if named and owns(graphcron, found := named.manifest) else None
        jobs = _owned((graphcron, cron_job) if cron_job else (graphcron,), self._all(JOBS, name))
        pods = _owned(jobs, self._all(PODS, name))
        pause = self.pauses.of(name[0])
        return Observed(graphcron=graphcron, cron_job=cron_job, jobs=jobs, pods=pods, pause=pause)

    def with_jobs(self, name: Name) -> tuple[Manifest, tuple[Manifest, ...], tuple[Manifest, ...]] | None:
        """A backfill with the Jobs that it owns and their pods; None when there is none of that name, or it is being
        deleted."""
        found = self._all(self._subject, name)
        if not found or found[0]["metadata"].get("deletionTimestamp"):
            return None
        jobs = _owned(found, self._all(JOBS, name))
        return found[0], jobs, _owned(jobs, self._all(PODS, name))

    def identity(self, name: Name) -> tuple[str, int] | None:
        """Uid and generation, of which nothing is parsed; None when there is none of that name."""
        for known in self._objects[self._subject].get(name, {}).values():
            return known.uid, known.generation
        return None

    def has(self, name: Name) -> bool:
        """Whether there is a GraphCron of that name."""
        return name in self._objects[self._subject]

    def names(self) -> list[Name]:
        """All GraphCrons, first those that were changed since their status was written."""
        return sorted(self._objects[self._subject], key=lambda name: not self._is_pending(name))

    def _is_pending(self, name: Name) -> bool:
        return any(known.state == PENDING for known in self._objects[self._subject][name].values())

    def graphcrons(self) -> dict[Name, _Packed]:
        """All of them, as they are kept."""
        return {name: kept for name, place in self._objects[self._subject].items() for kept in place.values()}

    def states(self) -> Counter[str]:
        """How many GraphCrons are in which of `conditions.STATES`."""
        return self._states

    def unmet(self) -> Counter[str]:
        """How many GraphCrons are not as expected, by `conditions.EXPECTATIONS`."""
        return self._unmet

    def __len__(self) -> int:
        """How many objects are kept."""
        return sum(len(place) for kind in self._objects.values() for place in kind.values())

    def _place(self, resource: Resource, name: Name, kept: Manifest) -> None:
        place = self._objects[resource].setdefault(name, {})
        known = place.get(kept["metadata"]["name"])
        if known is None or known.version <= version_of(kept):
            place[kept["metadata"]["name"]] = packed = _Packed.of(resource, kept)
            if resource == self._subject:
                self.spent.put(kept)
                self._states[packed.state] += 1
                self._unmet.update(packed.unmet)
                if known:
                    self._states[known.state] -= 1
                    self._unmet.subtract(known.unmet)

    def _all(self, resource: Resource, name: Name) -> list[Manifest]:
        return [known.manifest for known in self._objects[resource].get(name, {}).values()]

    def _forget(self, resource: Resource, name: Name, key: str) -> None:
        place = self._objects[resource].get(name, {})
        gone = place.pop(key, None)
        if gone and resource == self._subject:
            self.spent.drop(name, gone.uid)
            self._states[gone.state] -= 1
            self._unmet.subtract(gone.unmet)
        if not place:
            self._objects[resource].pop(name, None)

    @property
    def kinds(self) -> tuple[Resource, ...]:
        """Of the objects that it can have."""
        return tuple(self._objects)

    def subject_of(self, resource: Resource, manifest: Mapping[str, Any]) -> Name | None:
        """The GraphCron or backfill that an object belongs to, None when it names none."""
        metadata = manifest["metadata"]
        name = metadata["name"] if resource == self._subject else metadata.get("labels", {}).get(self._label)
        return (metadata["namespace"], name) if name else None


def _owned(owners: Iterable[Manifest], manifests: Iterable[Manifest]) -> tuple[Manifest, ...]:
    owners = tuple(owners)
    return tuple(manifest for manifest in manifests if any(owns(owner, manifest) for owner in owners))


_READ_OF_METADATA = (
    "name", "namespace", "uid", "ownerReferences", "creationTimestamp", "deletionTimestamp", "resourceVersion",
)  # fmt: skip
_READ_LABELS = (CRON_LABEL, BACKFILL_LABEL, JOB_LABEL)
_READ_ANNOTATIONS = (ENDED_ANNOTATION, TOUCHED_ANNOTATION)


_WRITER = ("manager", "operation", "subresource")
_OTHER = (*_WRITER, "fieldsV1")


def _is_known(entry: Mapping[str, Any]) -> bool:
    return entry["manager"] == FIELD_MANAGER or "subresource" in entry


def _kept(resource: Resource, manifest: Mapping[str, Any]) -> Manifest:
    """What is read of it. A Job and its pod each carry the input once more, and there are many of them."""
    metadata = manifest["metadata"]
    if resource in (JOBS, PODS):
        labels = metadata.get("labels", {})
        kept = {key: metadata[key] for key in _READ_OF_METADATA if key in metadata}
        kept["labels"] = {key: labels[key] for key in _READ_LABELS if key in labels}
        annotations = metadata.get("annotations", {})
        if read := {key: annotations[key] for key in _READ_ANNOTATIONS if key in annotations}:
            kept["annotations"] = read
        trigger = only_trigger(dict(manifest)) if resource == JOBS else {}
        return {"metadata": kept, "status": manifest.get("status", {}), **trigger}
    # Who has set any field. Which ones is most of it, and read only of CronJobs, of those who are neither we nor a
    # controller.
    writers = [
        {
            key: entry[key]
            for key in (_WRITER if resource in (GRAPHCRONS, BACKFILLS) or _is_known(entry) else _OTHER)
            if key in entry
        }
        for entry in metadata.get("managedFields", [])
    ]
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key != LAST_APPLIED}
    return own_fields(manifest) | {"metadata": metadata | {"managedFields": writers, "annotations": annotations}}
