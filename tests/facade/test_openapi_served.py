"""The OpenAPI document against the application: every route, every status."""

import asyncio
import copy
import io
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from graphcron.facade.auth.callers import Mode, read_keys
from graphcron.facade.idempotency import HEADER
from graphcron.facade.openapi import document
from graphcron.facade.store.store import StoreUnavailable
from graphcron.facade.v1 import handlers
from graphcron.facade.v1.changes import ACTOR_HEADER
from graphcron.facade.v1.links import BASE, COSTS, CRONS
from tests.support.facade_server import Client, application, serving
from tests.support.store_memory import MemoryStore
from tests.support.store_with_operator import StoreWithOperator
from tests.support.upstream_fake import UpstreamFake

DOCUMENT = document(Mode.OPEN)
DOCUMENTED = [
    (method.upper(), path, int(status))
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    for status in operation["responses"]
]
NOBODY = "00000000-0000-4000-8000-000000000000"
MINIMAL = {"assistant_id": "agent", "schedule": "27 15 * * *"}
BACKFILLS = f"{CRONS}/{{cron_id}}/backfills"
RANGE = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z"}
BODIES: dict[str, Any] = {
    "/runs/crons": MINIMAL,
    "/threads/{thread_id}/runs/crons": MINIMAL,
    "/runs/crons/search": {},
    "/runs/crons/count": {},
    BACKFILLS: RANGE,
}


class World:
    """A facade in the state that an operation needs, and one request."""

    def __init__(
        self, client: Client, store: StoreWithOperator, upstream: UpstreamFake, method: str, path: str
    ) -> None:
        self.client, self.store, self.upstream = client, store, upstream
        self.method, self.path = method, path
        self.cron_id = self.thread_id = NOBODY
        self.name = "nothing"
        self.body = {"enabled": False} if method == "PATCH" else BODIES.get(path)
        self.options: dict[str, Any] = {}

    async def prepare(self) -> None:
        """Let the request succeed, as far as the caller may do anything."""
        self.upstream.threads.add(thread := str(uuid.uuid4()))
        self.thread_id = thread
        status, cron, _ = await self.client.call("POST", "/runs/crons", MINIMAL)
        if status == 200:
            self.cron_id = cron["cron_id"]
            path = BACKFILLS.format(cron_id=self.cron_id)
            _, made, _ = await self.client.call("POST", path, RANGE, headers={HEADER: "made before"})
            self.name = made["name"]

    async def call(self) -> tuple[int, Any, Any]:
        path = self.path.format(cron_id=self.cron_id, thread_id=self.thread_id, name=self.name)
        return await self.client.call(self.method, path, self.body, **self.options)


async def _nothing(world: World) -> None:
    """The state of the facade is enough."""


async def _malformed(world: World) -> None:
    if world.method == "PATCH":
        world.body = {}
    elif world.path in (CRONS, COSTS):
        world.options["params"] = {"q": "x" * 9000}
    elif world.path.endswith("/pause"):
        world.options["headers"] = [(ACTOR_HEADER, "a"), (ACTOR_HEADER, "b")]
    else:
        world.options["headers"] = [(HEADER, "a"), (HEADER, "b")]


async def _absent(world: World) -> None:
    world.cron_id = NOBODY
    if world.method == "POST" and not world.path.startswith(BASE):
        world.body = MINIMAL | {"assistant_id": "nobody"}


async def _contested(world: World) -> None:
    if world.path.startswith(BASE):
        # By turns it has annotations and none, so that no patch fits what was read.
        known = world.store.manifests[world.cron_id]
        known["spec"]["enabled"] = False
        world.store.rivals = [copy.deepcopy(known) for _ in range(50)]
        for rival in world.store.rivals[1::2]:
            rival["metadata"]["annotations"] = {"number": "1"}
        for rival in world.store.rivals[::2]:
            rival["metadata"].pop("annotations", None)
        world.store.works = False
        known["metadata"]["annotations"] = {"graphcron.dev/run-requested": "of somebody else"}
        return
    if world.method == "PATCH":
        world.body = {"enabled": True}  # which depends on the schedule
        world.store.rivals = [copy.deepcopy(world.store.manifests[world.cron_id]) for _ in range(50)]
        for number, rival in enumerate(world.store.rivals):
            rival["spec"]["schedule"] = f"{number} * * * *"
        return
    # The first cron of this key is there, but not for this caller.
    world.options["headers"] = {HEADER: "a"}
    assert (await world.call())[0] == 200
    for manifest in world.store.manifests.values():
        manifest["metadata"].get("labels", {}).clear()


async def _large(world: World) -> None:
    world.body, world.options["data"] = None, io.BytesIO(b" " * (1024 * 1024 + 1))


async def _slow(world: World) -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    world.body, world.options["data"] = None, never()


async def _wrong(world: World) -> None:
    world.cron_id = "banana"
    world.options["params"] = {"banana": "1"} if world.path in (CRONS, COSTS) else None
    if world.body is not None:
        world.body = {"banana": 1}


async def _many(world: World) -> None:
    if world.path == BACKFILLS:
        (made,) = world.store.backfills.manifests.values()
        others = {str(number): made | {"metadata": made["metadata"] | {"name": str(number)}} for number in range(100)}
        world.store.backfills.manifests |= others


async def _away(world: World) -> None:
    world.store.fail_with = StoreUnavailable("away")


PROVOKE: dict[int, Callable[[World], Awaitable[None]]] = {
    200: _nothing, 201: _nothing, 202: _nothing, 204: _nothing, 400: _malformed, 401: _nothing, 403: _nothing,
    404: _absent, 408: _slow, 409: _contested, 413: _large, 422: _wrong, 429: _many, 503: _away,
}  # fmt: skip

LIMITS: dict[int, dict[str, Any]] = {429: {"crons_per_owner": 1}, 408: {"body_timeout": 0.2}}
KEY = "ada-key-" + "a" * 20


@asynccontextmanager
async def world(method: str, path: str, status: int) -> AsyncIterator[World]:
    store, upstream = StoreWithOperator(), UpstreamFake()
    keys, _ = read_keys({"ada": KEY.encode()})
    mode = {401: Mode.API_KEYS, 403: Mode.CLOSED, 409: Mode.API_KEYS}.get(status, Mode.OPEN)
    limits = LIMITS.get(status, {})
    headers = {} if status == 401 else {"x-api-key": KEY}
    try:
        async with (
            serving(store, await upstream.start(), mode, auth={"keys": lambda: keys}, **limits) as url,
            aiohttp.ClientSession(headers=headers) as session,
        ):
            yield World(Client(url, session), store, upstream, method, path)
    finally:
        await upstream.stop()


@pytest.mark.parametrize(("method", "path", "status"), DOCUMENTED)
async def test_every_documented_status_is_one_that_is_answered(
    method: str, path: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "PATIENCE_SECONDS", 0.1)
    async with world(method, path, status) as asked:
        await asked.prepare()
        await PROVOKE[status](asked)
        given, answer, headers = await asked.call()
        assert given == status, answer
        described = DOCUMENT["paths"][path][method.lower()]["responses"][str(status)]
        for name, header in described.get("headers", {}).items():
            assert name in headers or not header.get("required")
        if status >= 400:
            assert answer.keys() == {"detail"}
        assert headers.get("Content-Type", "").partition(";")[0] == next(iter(described.get("content", [""])))


async def test_every_route_is_in_the_document_and_none_else(store: MemoryStore) -> None:
    async with application(store) as app:
        pass
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method not in ("HEAD", "*")  # HEAD is GET; * refuses or passes through
    }
    assert served == {(method, path) for method, path, _ in DOCUMENTED}


class TestServed:
    @pytest.fixture
    async def client(self, store: MemoryStore, upstream: UpstreamFake) -> AsyncIterator[Client]:
        async with serving(store, await upstream.start()) as url, aiohttp.ClientSession() as session:
            yield Client(url, session)

    async def test_with_an_agent_server_or_without_it_is_the_facades_own(
        self, client: Client, store: MemoryStore, upstream: UpstreamFake
    ) -> None:
        assert (await client.call("GET", "/openapi.json"))[:2] == (200, DOCUMENT)
        assert not upstream.seen, "the Agent Server is not asked"
        async with serving(store, None) as url, aiohttp.ClientSession() as session:
            assert (await Client(url, session).call("GET", "/openapi.json"))[:2] == (200, DOCUMENT)

    async def test_to_those_who_may_use_the_agent_server(self, store: MemoryStore) -> None:
        """Crons are closed to all, and the description says so; with keys it takes one."""
        async with serving(store, None, Mode.CLOSED) as url, aiohttp.ClientSession() as session:
            assert (await Client(url, session).call("GET", "/openapi.json"))[0] == 200
        async with serving(store, None, Mode.API_KEYS) as url, aiohttp.ClientSession() as session:
            assert (await Client(url, session).call("GET", "/openapi.json"))[0] == 401
