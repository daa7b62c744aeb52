"""The kopf adapter: hands kopf's events to the controller. The only module that imports kopf.

kopf brings the events of GraphCrons and nothing else: no handler state, no finalizer, no annotation is ever written by
it. What belongs to them, CronJobs, Jobs and pods of ours, comes by a Reflector each, which is there before kopf starts.
Every event means the same: look at that GraphCron again.

kopf gives each object a task of its own, and each event half a millisecond of CPU. Most of what comes is what the
operator has just written itself or, when kopf lists, what is known already. So kopf is shown of the apiserver's answers
nothing that it could not parse, and of objects only what is new. A list also says what is gone, which kopf tells
nobody: so that is told from here.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Self

import aiohttp
import kopf

from graphcron.kube import jsontext
from graphcron.kube.leader_election import RELEASE_SECONDS
from graphcron.kube.paths import Manifest
from graphcron.kube.transport import UNPACKED
from graphcron.kube.watch_health import WATCH_SECONDS, Heartbeat
from graphcron.kube.write_gate import Fence
from graphcron.operator.controller import SHELVES, Controller
from graphcron.operator.object_cache import GRAPHCRONS
from graphcron.resource.identity import KIND

CONNECTIONS = 50
"""Of kopf: a watch holds one for each resource."""


class Backoffs:
    """Seconds between attempts of kopf's own requests. Without end: kopf takes the end of its list for a reason to
    give a watch up, and an apiserver may be away for longer than that."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((1, 2, 3, 5, 8, 13), itertools.repeat(20))


class NoDiffs(kopf.DiffBaseStorage):
    """kopf would copy each object at each event, to find out what has changed. We compare by ourselves."""

    def build(self, *, body: kopf.Body, extra_fields: object = None, ignored_fields: object = None) -> kopf.BodyEssence:
        return kopf.BodyEssence({})

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        pass


class NoProgress(kopf.ProgressStorage):
    """There is none to keep: no handler of ours is one that kopf tries again."""

    def fetch(self, *, key: object, body: kopf.Body) -> kopf.ProgressRecord | None:
        return None

    def store(self, *, key: object, record: kopf.ProgressRecord, body: kopf.Body, patch: kopf.Patch) -> None:
        pass

    def purge(self, *, key: object, body: kopf.Body, patch: kopf.Patch) -> None:
        pass

    def touch(self, *, body: kopf.Body, patch: kopf.Patch, value: str | None) -> None:
        pass

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence

    def flush(self) -> None:
        pass


def register(
    controller: Controller, fence: Fence, heartbeat: Heartbeat
) -> tuple[kopf.OperatorRegistry, list[asyncio.Task[None]]]:
    """Hand kopf's events to the controller. Returns also what is at work beside kopf until it ends: none may end
    before."""
    registry = kopf.OperatorRegistry()
    at_work: list[asyncio.Task[None]] = []

    @kopf.on.startup(registry=registry)
    async def _start(settings: kopf.OperatorSettings, **_: object) -> None:
        settings.posting.enabled = False  # events are ours to write
        settings.persistence.diffbase_storage = NoDiffs()
        settings.persistence.progress_storage = NoProgress()
        settings.scanning.disabled = True  # no list or watch of CRDs and namespaces
        settings.networking.request_timeout = 30
        settings.networking.error_backoffs = Backoffs()
        settings.watching.chunk_size = 500
        settings.queueing.idle_timeout = 1.0  # after which the task of an object ends; each keeps its last event
        settings.watching.server_timeout = WATCH_SECONDS

    @kopf.on.cleanup(registry=registry)
    async def _stop(**_: object) -> None:
        # What is under way is waited for: a request that is given up may be carried out all the same, and later. The
        # Lease is kept and renewed until kopf has ended, which takes it a few seconds at times.
        fence.shut()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(fence.emptied(), RELEASE_SECONDS)
        for task in at_work:
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)

    @kopf.on.login(registry=registry)
    async def _login(**given: Any) -> kopf.AiohttpSession | None:
        # The pod's own account, renewed by kopf when its token has expired; outside of a cluster, KUBECONFIG.
        found = kopf.login_with_service_account(**given) or kopf.login_with_kubeconfig(**given)
        return _session(found, heartbeat, controller) if found else None

    @kopf.on.event(*SHELVES[GRAPHCRONS], registry=registry, id="saw")
    async def _saw(event: kopf.RawEvent, **_: object) -> None:
        controller.saw(GRAPHCRONS, event)

    return registry, at_work


async def run_kopf(registry: kopf.OperatorRegistry, namespace: str | None, identity: str) -> None:
    """Run kopf until it is stopped, on one namespace or on the whole cluster for None, under this replica's name."""
    scope: dict[str, Any] = {"namespaces": [namespace]} if namespace else {"clusterwide": True}
    # Without a name, kopf asks for the user's, and a container's user id need not have one.
    scope["identity"] = identity
    await kopf.operator(registry=registry, standalone=True, **scope)


def _session(found: kopf.ConnectionInfo, heartbeat: Heartbeat, controller: Controller) -> kopf.AiohttpSession:
    """A session as kopf would make it, in which the heartbeat can listen to the watches. (kopf has the bookmarks, and
    hands them to nobody.) Of objects it brings what the controller does not know yet."""

    async def answered(_: object, __: object, params: aiohttp.TraceRequestEndParams) -> None:
        if params.url.query.get("watch") == "true" and params.response.status == 200:
            heartbeat.opened(params.url.name, params.response.content)

    tracing = aiohttp.TraceConfig()
    tracing.on_request_end.append(answered)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=found.as_ssl_context()),
        headers=UNPACKED | found.as_http_headers(),
        proxy=found.proxy_url,
        trust_env=bool(found.trust_env),
        trace_configs=[tracing],
        response_class=answers(
            is_known=lambda manifest: controller.seen.is_known(GRAPHCRONS, manifest),
            listed=lambda uids, version: controller.missing(GRAPHCRONS, uids, version),
        ),
    )
    return kopf.AiohttpSession(server=found.server, default_namespace=found.default_namespace, aiohttp_session=session)


IsKnown = Callable[[Manifest], bool]
"""Whether that very version of an object is known."""

Listed = Callable[[set[str], int], object]
"""Told the uids of all that a list has, once it is complete, and the list's resource version."""


def answers(is_known: IsKnown, listed: Listed) -> type[aiohttp.ClientResponse]:
    """For a session of kopf that lists and watches GraphCrons."""
    uids: set[str] = set()

    def read(page: Manifest, *, first: bool) -> None:
        if first:
            uids.clear()
        uids.update(item["metadata"]["uid"] for item in page["items"])
        page["items"] = [item for item in page["items"] if not is_known(item)]
        if not page["metadata"].get("continue"):
            listed(set(uids), int(page["metadata"]["resourceVersion"]))

    class Answer(aiohttp.ClientResponse):
        async def start(self, connection: Any) -> Self:
            await super().start(connection)
            self.content = _Lines(self.content, is_known)  # type: ignore[assignment]
            return self

        async def json(self, **given: Any) -> Any:
            answer = await super().json(**{"loads": jsontext.loads} | given)
            if self.ok and isinstance(answer, dict) and answer.get("kind") == f"{KIND}List":
                read(answer, first="continue" not in self.url.query)
            return answer

    return Answer


class _Lines:
    """The body of a watch, which ends lines where it ends chunks."""

    def __init__(self, stream: aiohttp.StreamReader, is_known: IsKnown) -> None:
        self._stream = stream
        self._is_known = is_known

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        rest = b""
        async for chunk in self._stream.iter_chunked(size):
            *lines, rest = (rest + chunk).split(b"\n")
            if changed := b"".join(jsontext.shallow(line) + b"\n" for line in lines if self._is_new(line)):
                yield changed
        yield rest

    def _is_new(self, line: bytes) -> bool:
        try:
            event = jsontext.loads(line)
            return event["type"] not in ("ADDED", "MODIFIED") or not self._is_known(event["object"])
        except (ValueError, LookupError, TypeError):
            return True  # no event of an apiserver: kopf says what is wrong with it
