"""What `graphcron console` shows and does: GraphCrons by the caller's kubeconfig, with no right beyond the caller's."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cachetools import TTLCache

from graphcron.commands.cluster import UserKube, sentence
from graphcron.console.source import ALLOWED, Away, Changed, Missing, NotAllowed, Refused, Right, SourceError, Verb
from graphcron.facade.store.kube_backfills import backfills_of
from graphcron.facade.store.watched_snapshot import WatchedSnapshot
from graphcron.kube import errors
from graphcron.kube.json_patch import DoesNotApply, Operation, apply, require
from graphcron.kube.reflector import Reflector
from graphcron.kube.resources import BACKFILLS, GRAPHCRONS, Manifest, Resource
from graphcron.kube.write_gate import steady_clock
from graphcron.resource.identity import KIND
from graphcron.views import glance

RIGHT_SECONDS = 30.0
"""For which an answer of the apiserver about a right is taken for true."""
RIGHTS = 4096
SILENCE_SECONDS = 90.0
"""After which a watch counts as dead that has not said so: one that works brings something once a minute."""

CREATED: dict[str, Resource] = {KIND: GRAPHCRONS, BACKFILLS.kind: BACKFILLS}
"""What pages can make, by its kind."""
_VERBS: Mapping[Verb, tuple[str, Resource]] = {
    Verb.CREATE: ("create", GRAPHCRONS),
    Verb.PATCH: ("patch", GRAPHCRONS),
    Verb.DELETE: ("delete", GRAPHCRONS),
    Verb.BACKFILL: ("create", BACKFILLS),
}


class ClusterSource:
    """All GraphCrons that the caller may see: of `namespace`, or of all namespaces for None. A reflector keeps `cache`
    up to date."""

    def __init__(
        self, kube: UserKube, cache: WatchedSnapshot, reflector: Reflector, namespace: str | None, default: str
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._reflector = reflector
        self._namespace = namespace
        self._default = namespace or default
        self._rights: TTLCache[tuple[str, str, str], Right] = TTLCache(RIGHTS, RIGHT_SECONDS, steady_clock)

    async def graphcrons(self) -> list[Manifest]:
        if self._reflector.refused is not None:
            raise NotAllowed(self._reflector.refused.message)
        if not self._reflector.listed.is_set():
            with translated():
                await self._kube.ready()
            if not await self._kube.serves_graphcrons():
                raise Away("This cluster does not know GraphCrons: the CRD is not installed. 'helm install' brings it.")
        return self._cache.manifests()

    async def graphcron(self, namespace: str, name: str) -> Manifest:
        try:
            with translated(f"Namespace {namespace} has no GraphCron {name}."):
                return await self._kube.get_graphcron(namespace, name)
        except Away:
            for known in self._cache.manifests():
                if (known["metadata"]["namespace"], known["metadata"]["name"]) == (namespace, name):
                    return glance.opened(known)
            raise

    async def cron_job(self, graphcron: Manifest) -> Manifest | None:
        metadata = graphcron["metadata"]
        try:
            with translated("there is none"):
                return await self._kube.get_cron_job(metadata["namespace"], metadata["name"])
        except Missing:
            return None
        except Away as away:
            raise NotAllowed(str(away)) from None

    async def events(self, graphcron: Manifest) -> list[Manifest]:
        metadata = graphcron["metadata"]
        with translated():
            return await self._kube.list_events(metadata["namespace"], f"involvedObject.name={metadata['name']}")

    async def backfills(self, graphcron: Manifest) -> list[Manifest]:
        metadata = graphcron["metadata"]
        with translated("This cluster does not know GraphCronBackfills."):
            return await backfills_of(self._kube, metadata["namespace"], metadata["name"])

    async def may(self, verb: Verb, namespace: str) -> Right:
        name, resource = _VERBS[verb]
        key = (name, resource.plural, namespace)
        if (known := self._rights.get(key)) is None:
            known = self._rights[key] = await self._asked(name, resource, namespace)
        return known

    async def _asked(self, verb: str, resource: Resource, namespace: str) -> Right:
        try:
            allowed, reason = await self._kube.may(verb, resource, namespace)
        except errors.KubeError as error:
            return Right(False, f"It is not known whether you may {verb} {resource}: {error.message}")
        because = f" ({reason})" if reason else ""
        return ALLOWED if allowed else Right(False, f"You may not {verb} {resource} in namespace {namespace}{because}.")

    async def namespaces(self) -> list[str]:
        if self._namespace:
            return [self._namespace]
        used = {one["metadata"]["namespace"] for one in self._cache.manifests()} - {self._default}
        return [self._default, *sorted(used)]

    async def create(self, manifest: Manifest) -> Manifest:
        with translated():
            return await self._kube.create(CREATED[manifest["kind"]], manifest)

    async def patch(self, known: Manifest, body: dict[str, Any]) -> Manifest:
        metadata = known["metadata"]
        mine = body | {"metadata": body.get("metadata", {}) | {"uid": metadata["uid"]}}
        with translated(f"{metadata['name']} was deleted meanwhile."):
            return await self._kube.merge(metadata["namespace"], metadata["name"], mine)

    async def edit(self, known: Manifest, operations: list[Operation]) -> Manifest:
        metadata = known["metadata"]
        place, gone = (metadata["namespace"], metadata["name"]), f"{metadata['name']} was deleted meanwhile."
        guarded = [require(("metadata", "uid"), metadata["uid"]), *operations]
        try:
            with translated(gone):
                return await self._kube.patch_graphcron(*place, guarded)
        except Refused:
            # The apiserver answers a patch that does not apply as one that is invalid.
            try:
                with translated(gone):
                    apply(guarded, await self._kube.get_graphcron(*place))
            except DoesNotApply as failed:
                raise Changed(f"Somebody changed {failed} meanwhile. Load the page again.") from None
            raise

    async def delete(self, known: Manifest) -> None:
        metadata = known["metadata"]
        with translated(f"{metadata['name']} was deleted already."):
            await self._kube.delete_graphcron(metadata["namespace"], metadata["name"], metadata["uid"])
        await self._cache.once(lambda snapshot: not snapshot.holds(metadata["uid"]))

    def changes(self) -> AsyncGenerator[frozenset[tuple[str, str]], None]:
        return self._cache.changes()

    def silent_seconds(self) -> float | None:
        age = self._cache.age()
        return age if age is not None and (self._reflector.broken or age > SILENCE_SECONDS) else None


@contextmanager
def translated(missing: str = "The cluster has no such resource.") -> Iterator[None]:
    """Translates the apiserver's errors to the source's; `missing` says what a 404 means."""
    try:
        yield
    except errors.NotFound:
        raise Missing(missing) from None
    except errors.Conflict as error:
        raise Changed(f"{error.message}. Load the page again.") from None
    except errors.KubeError as error:
        kind: type[SourceError] = Away if isinstance(error, errors.Unavailable) else Refused
        raise (NotAllowed if error.status == 403 else kind)(sentence(error)) from None


async def seen(kube: UserKube, namespace: str | None, default: str) -> str | None:
    """The namespace whose GraphCrons are shown, None for all: the one that was asked for, or all, or if the caller may
    not see those that of the kubeconfig. Raises NotAllowed."""
    for place in [namespace] if namespace else [None, default]:
        answers = [await kube.may(verb, GRAPHCRONS, place) for verb in ("list", "watch")]
        if all(allowed for allowed, _ in answers):
            return place
    raise NotAllowed(
        f"you may not list and watch graphcrons in namespace {namespace or default}: ask for the ClusterRole "
        "graphcron-view, or name another namespace with -n"
    )
