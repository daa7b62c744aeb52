"""The object cache: the newest state of each watched object, from which each decision is made."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from graphcron.kube import jsontext
from graphcron.kube.versions import version_of
from graphcron.operator.conditions import PENDING, state_of
from graphcron.operator.history import is_over, job_of
from graphcron.operator.observed import Observed, owns
from graphcron.resource.identity import CRON_LABEL

Manifest = dict[str, Any]

Name = tuple[str, str]
"""Namespace and name of a GraphCron; its CronJob has the same."""

GRAPHCRONS, CRON_JOBS, JOBS, PODS = "graphcrons", "cron_jobs", "jobs", "pods"

REMEMBERED_DELETIONS = 10_000
"""Uids of deleted objects that are kept: an answer of the apiserver can come in after the news of the deletion, and
must not bring the object back. Answers are seconds late at most."""


class _Packed(NamedTuple):
    """An object, and what is asked of it without looking into it. As bytes it takes a sixth of its memory; to unpack
    one costs some microseconds."""

    uid: str
    version: int
    state: str
    data: bytes

    @classmethod
    def of(cls, shelf: str, manifest: Manifest) -> "_Packed":
        state = state_of(manifest) if shelf == GRAPHCRONS else ""
        # A copy: behind the end of its own, orjson keeps the room that it did not need, three times as much.
        data = bytes(memoryview(jsontext.dumps(manifest)))
        return cls(manifest["metadata"]["uid"], version_of(manifest), state, data)

    @property
    def manifest(self) -> Manifest:
        found: Manifest = jsontext.loads(self.data)
        return found


class Seen:
    """GraphCrons, CronJobs, Jobs and pods by GraphCron and name.

    An object that we wrote is put in as the apiserver answered it, so that the next look does not act on an older
    copy; of two copies the one with the higher resourceVersion counts. A Job or pod that is gone stays until its
    outcome was told (`told`): it is often deleted in the moment in which it ends.
    """

    def __init__(self) -> None:
        self._shelves: dict[str, dict[Name, dict[str, _Packed]]] = {GRAPHCRONS: {}, CRON_JOBS: {}, JOBS: {}, PODS: {}}
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._untold: dict[Name, set[tuple[str, str]]] = {}
        self._states: Counter[str] = Counter()

    def put(self, shelf: str, manifest: Mapping[str, Any]) -> Name | None:
        """Returns the GraphCron that it is about, None when it names none."""
        name = _graphcron_of(shelf, manifest)
        if name is not None and manifest["metadata"]["uid"] not in self._gone:
            self._place(shelf, name, _kept(shelf, manifest))
        return name

    def drop(self, shelf: str, manifest: Mapping[str, Any]) -> Name | None:
        """As `put`, for an object that is gone; `manifest` is the last that was known of it."""
        name = _graphcron_of(shelf, manifest)
        if name is None:
            return None
        key, uid = manifest["metadata"]["name"], manifest["metadata"]["uid"]
        self._gone[uid] = None
        if len(self._gone) > REMEMBERED_DELETIONS:
            self._gone.popitem(last=False)
        if shelf in (JOBS, PODS) and self._shelves[GRAPHCRONS].get(name):
            self._place(shelf, name, _kept(shelf, manifest))
            self._untold.setdefault(name, set()).add((shelf, key))
            return name
        # A namesake that was made since stays.
        known = self._shelves[shelf].get(name, {}).get(key)
        if known and known.uid == uid:
            self._forget(shelf, name, key)
        if shelf == GRAPHCRONS:
            for about, left in self._untold.pop(name, set()):
                self._forget(about, name, left)
        return name

    def told(self, name: Name) -> None:
        """The status tells all that was seen: Jobs and pods that are gone may be forgotten, a pod with its Job."""
        untold = self._untold.get(name, set())
        if not untold:
            return
        jobs = self._shelves[JOBS].get(name, {})
        gone_jobs = {key for shelf, key in untold if shelf == JOBS}
        for shelf, key in sorted(untold):
            if shelf == PODS:
                made_by = job_of(self._shelves[PODS][name][key].manifest) or ""
                job = jobs.get(made_by)
                if job and made_by not in gone_jobs and not is_over(job.manifest):
                    continue
            self._forget(shelf, name, key)
            untold.discard((shelf, key))
        if not untold:
            self._untold.pop(name, None)

    def is_known(self, shelf: str, manifest: Mapping[str, Any]) -> bool:
        """Whether that very version is here already: it was listed before, or we wrote it ourselves."""
        name = _graphcron_of(shelf, manifest)
        known = self._shelves[shelf].get(name, {}).get(manifest["metadata"]["name"]) if name else None
        return known is not None and (known.uid, known.version) == (manifest["metadata"]["uid"], version_of(manifest))

    def drop_missing(self, shelf: str, uids: set[str], version: int) -> set[Name]:
        """Drop what a list of that version no longer has; returns the GraphCrons that it is about."""
        missing = [
            known.manifest
            for place in self._shelves[shelf].values()
            for known in place.values()
            if known.uid not in uids and known.version <= version
        ]
        return {name for manifest in missing if (name := self.drop(shelf, manifest))}

    def of(self, name: Name) -> Observed | None:
        """All that is known of one GraphCron; None when there is none of that name.

        Jobs and pods of a deleted namesake bear the same label, and are none of its runs: owners decide.
        """
        graphcrons = self._all(GRAPHCRONS, name)
        if not graphcrons or graphcrons[0]["metadata"].get("deletionTimestamp"):
            return None
        graphcron = graphcrons[0]
        cron_jobs = (found for found in self._all(CRON_JOBS, name) if found["metadata"]["name"] == name[1])
        cron_job = next((found for found in cron_jobs if owns(graphcron, found)), None)
        jobs = _owned((cron_job,) if cron_job else (), self._all(JOBS, name))
        pods = _owned(jobs, self._all(PODS, name))
        return Observed(graphcron=graphcron, cron_job=cron_job, jobs=jobs, pods=pods)

    def has(self, name: Name) -> bool:
        """Whether there is a GraphCron of that name."""
        return name in self._shelves[GRAPHCRONS]

    def names(self) -> list[Name]:
        """All GraphCrons, first those that were changed since their status was written."""
        return sorted(self._shelves[GRAPHCRONS], key=lambda name: not self._is_pending(name))

    def _is_pending(self, name: Name) -> bool:
        return any(known.state == PENDING for known in self._shelves[GRAPHCRONS][name].values())

    def states(self) -> Counter[str]:
        """How many GraphCrons are in which of `conditions.STATES`."""
        return self._states

    def __len__(self) -> int:
        """How many objects are kept."""
        return sum(len(place) for shelf in self._shelves.values() for place in shelf.values())

    def _place(self, shelf: str, name: Name, kept: Manifest) -> None:
        place = self._shelves[shelf].setdefault(name, {})
        known = place.get(kept["metadata"]["name"])
        if known is None or known.version <= version_of(kept):
            place[kept["metadata"]["name"]] = packed = _Packed.of(shelf, kept)
            if shelf == GRAPHCRONS:
                self._states[packed.state] += 1
                if known:
                    self._states[known.state] -= 1

    def _all(self, shelf: str, name: Name) -> list[Manifest]:
        return [known.manifest for known in self._shelves[shelf].get(name, {}).values()]

    def _forget(self, shelf: str, name: Name, key: str) -> None:
        place = self._shelves[shelf].get(name, {})
        gone = place.pop(key, None)
        if gone and shelf == GRAPHCRONS:
            self._states[gone.state] -= 1
        if not place:
            self._shelves[shelf].pop(name, None)


def _owned(owners: Iterable[Manifest], manifests: Iterable[Manifest]) -> tuple[Manifest, ...]:
    owners = tuple(owners)
    return tuple(manifest for manifest in manifests if any(owns(owner, manifest) for owner in owners))


def _graphcron_of(shelf: str, manifest: Mapping[str, Any]) -> Name | None:
    metadata = manifest["metadata"]
    name = metadata["name"] if shelf == GRAPHCRONS else metadata.get("labels", {}).get(CRON_LABEL)
    return (metadata["namespace"], name) if name else None


_READ_OF_METADATA = (
    "name", "namespace", "uid", "labels", "ownerReferences", "creationTimestamp", "deletionTimestamp",
    "resourceVersion",
)  # fmt: skip


_SETTER = ("manager", "operation", "subresource")


def _kept(shelf: str, manifest: Mapping[str, Any]) -> Manifest:
    """What is read of it. A Job and its pod each carry the input once more, and there are many of them."""
    metadata = manifest["metadata"]
    if shelf in (GRAPHCRONS, CRON_JOBS):
        kept = {key: value for key, value in metadata.items() if key != "managedFields"}
        if shelf == CRON_JOBS:  # who has set anything; which fields is most of it, and not asked for
            setters = metadata.get("managedFields", [])
            kept["managedFields"] = [{key: entry[key] for key in _SETTER if key in entry} for entry in setters]
        return {**manifest, "metadata": kept}
    return {
        "metadata": {key: metadata[key] for key in _READ_OF_METADATA if key in metadata},
        "status": manifest.get("status", {}),
    }
