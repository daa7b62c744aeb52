"""The handlers of the cron endpoints: gather, decide by `schemas`, `translation` and `search`, write through the store.

Handlers raise RestError or the store's errors; the middleware makes answers of them.
"""

import asyncio
import logging
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from aiohttp import web

from graphcron.facade import idempotency, search, translation, webhook
from graphcron.facade.auth.callers import Caller
from graphcron.facade.errors import RestError
from graphcron.facade.openapi import Document
from graphcron.facade.proxy.path_guard import deleted_by, deletes_other_threads
from graphcron.facade.proxy.upstream import AgentServer
from graphcron.facade.quota import Quota
from graphcron.facade.schemas import (
    Body,
    CronCount,
    CronCreate,
    CronPatch,
    CronSearch,
    Fields,
    ThreadCronCreate,
    read,
    read_json,
    read_uuid,
)
from graphcron.facade.store.owned_store import OwnedStore
from graphcron.facade.store.store import Changed, Manifest, Missing, Store, Unavailable
from graphcron.facade.translation import assistant_uuid, cron, new_cron_id
from graphcron.kube import jsontext
from graphcron.resource.identity import id_of

logger = logging.getLogger(__name__)

CALLER = web.RequestKey("caller", Caller)
"""Who asks: known before a handler is called."""

PATCH_ATTEMPTS = 10
"""Of one update against concurrent changes of the same cron. Each failure means that somebody else got through."""

AddressesOf = Callable[[str], Awaitable[Sequence[str]]]
"""The IP addresses of a host; none when it has none."""

CRONS_ONLY = (
    "This GraphCron facade serves crons only, since no Agent Server is configured: name one in its settings, or call "
    "the Agent Server directly"
)


class Routes:
    """`agent_server` is None when none is configured; `now` is the clock; `description` is the OpenAPI document of all
    but what is passed through; `on_conflict` is told of each update that is made again. By `addresses_of` hosts of
    webhooks are checked; without it any will do."""

    def __init__(
        self,
        crons: Store,
        now: Callable[[], datetime],
        quota: Quota,
        description: Document,
        on_conflict: Callable[[], None],
        draining: asyncio.Event | None,
        addresses_of: AddressesOf | None,
    ) -> None:
        self._crons = crons
        self._now = now
        self._quota = quota
        self._description = description
        self._on_conflict = on_conflict
        self._draining = draining
        self._addresses_of = addresses_of
        self._turns: defaultdict[str | None, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.agent_server: AgentServer | None = None

    def _crons_of(self, request: web.Request) -> Store:
        return OwnedStore(self._crons, request[CALLER])

    async def healthz(self, request: web.Request) -> web.Response:
        """The process answers."""
        return json_answer({"ok": True})

    async def readyz(self, request: web.Request) -> web.Response:
        """Crons can be read and written."""
        if self._draining is not None and self._draining.is_set():
            raise Unavailable("This facade is about to stop")
        await self._crons.ready()
        return json_answer({"ok": True})

    async def openapi(self, request: web.Request) -> web.Response:
        """The OpenAPI document of the facade's own endpoints."""
        return json_answer(self._description)

    async def create(self, request: web.Request) -> web.Response:
        return await self._create(request, CronCreate, None)

    async def create_for_thread(self, request: web.Request) -> web.Response:
        thread_id = read_uuid("thread", request.match_info["thread_id"])
        return await self._create(request, ThreadCronCreate, thread_id)

    async def _create(self, request: web.Request, fields: type[Fields], thread_id: str | None) -> web.Response:
        """The order of the checks is that of LangGraph's server, so the same mistake gets the same answer."""
        body = await _body(request, fields)
        now = self._now()
        key = idempotency.read_key(request.headers.getall(idempotency.HEADER, []))
        if key is None:
            identity = new_cron_id(now, os.urandom(10))
        else:
            identity = idempotency.cron_id(request[CALLER].owner, key)
            if (first := await self._first(request, identity)) is not None:
                # It was checked when it was made; an assistant or a quota may have changed since.
                idempotency.check_same(first, _new(body, identity, thread_id, now, key))
                return json_answer(cron(first, now))
        await self._check_webhook(body)
        await self._check_assistant(request, body["assistant_id"])
        manifest = _new(body, identity, thread_id, now, key)
        if thread_id is not None:
            await self._check_thread(request, thread_id)
        self._quota.check_schedule(manifest, now)
        try:
            made = await self._store(request, manifest)
        except (Changed, RestError):
            # Its twin was here between our look and our write, and may have taken the last room.
            if key is None or (made_meanwhile := await self._first(request, identity)) is None:
                raise
            idempotency.check_same(made_meanwhile, manifest)
            made = made_meanwhile
        return json_answer(cron(made, now))

    async def _first(self, request: web.Request, identity: str) -> Manifest | None:
        """What an earlier create with the same key has made, if it is there."""
        try:
            return await self._crons_of(request).get(identity)
        except Missing:
            return None

    async def _store(self, request: web.Request, manifest: Manifest) -> Manifest:
        crons = self._crons_of(request)
        if not self._quota.crons:
            return await crons.create(manifest)
        # One create of an owner at a time, or those at once would all find the same room.
        async with self._turns[request[CALLER].owner]:
            self._quota.check_room(len(await crons.list()))
            return await crons.create(manifest)

    async def _check_webhook(self, body: Body) -> None:
        if self._addresses_of is None or (url := body.get("webhook")) is None:
            return
        host = urlsplit(url).hostname or ""
        if complaint := webhook.refusal(host, await self._addresses_of(host)):
            raise RestError(422, f"{complaint} (facade.webhookHosts of the Helm chart can allow any)")

    async def _check_assistant(self, request: web.Request, given: str) -> None:
        if self.agent_server is None:
            return
        path = f"/assistants/{assistant_uuid(given)}"
        if not await self.agent_server.look_up(path, f"assistant '{given}'", request.headers, recently=True):
            raise RestError(404, f"Assistant '{given}' not found")

    async def _check_thread(self, request: web.Request, thread_id: str) -> None:
        if self.agent_server is None:
            return
        if not await self.agent_server.look_up(f"/threads/{thread_id}", f"thread '{thread_id}'", request.headers):
            raise RestError(
                404,
                f"Thread with ID '{thread_id}' not found. Please verify the ID is correct and the thread hasn't been "
                "deleted or expired.",
            )

    async def get(self, request: web.Request) -> web.Response:
        return json_answer(cron(await self._crons_of(request).get(_cron_id(request)), self._now()))

    async def patch(self, request: web.Request) -> web.Response:
        identity = _cron_id(request)
        body = await _body(request, CronPatch)
        if not body:
            raise RestError(400, "Request body cannot be empty")
        await self._check_webhook(body)
        crons = self._crons_of(request)
        for _ in range(PATCH_ATTEMPTS):
            try:
                manifest = translation.patch(await crons.get(identity), body, self._now())
                if "schedule" in body or body.get("enabled"):
                    self._quota.check_schedule(manifest, self._now())
                return json_answer(cron(await crons.replace(manifest), self._now()))
            except Changed:
                self._on_conflict()
                continue
            except Missing:
                raise RestError(404, f"Cron '{identity}' not found") from None
        raise Changed(f"Cron '{identity}' is being changed by others all the time")

    async def delete(self, request: web.Request) -> web.Response:
        await self._crons_of(request).delete(_cron_id(request))
        return web.Response(status=204)

    async def search(self, request: web.Request) -> web.Response:
        query = await _body(request, CronSearch)
        page = search.page(await self._crons_of(request).list(query.get("metadata", {})), query, self._now())
        headers = {"X-Pagination-Total": str(page.total)}
        if page.following is not None:
            headers["X-Pagination-Next"] = str(page.following)
        return json_answer(page.crons, headers=headers)

    async def count(self, request: web.Request) -> web.Response:
        query = await _body(request, CronCount)
        return json_answer(len(search.matching(await self._crons_of(request).list(query.get("metadata", {})), query)))

    async def pass_through(self, request: web.Request) -> web.StreamResponse:
        if self.agent_server is None:
            raise RestError(404, CRONS_ONLY)
        agent_server, crons = self.agent_server, self._crons_of(request)
        deleted = deleted_by(request.method, request.raw_path)
        at_stake: set[str] = set()
        if deletes_other_threads(request.method, request.raw_path):
            ids = {(manifest["spec"].get("threadId") or "").lower() for manifest in await crons.list()} - {""}
            at_stake = await agent_server.threads_among(sorted(ids), request.headers)

        async def cascade() -> None:
            if deleted:
                await self._delete_crons_of(crons, *deleted)
            for thread in await self._gone(agent_server, at_stake, request):
                await self._delete_crons_of(crons, "threads", thread)

        async def before_answer(status: int) -> None:
            if deleted:
                agent_server.forget()
            if (deleted or at_stake) and 200 <= status < 300:
                # To its end even when the client leaves: what they belonged to is gone already.
                await asyncio.shield(cascade())

        return await agent_server.forward(request, before_answer)

    async def _gone(self, agent_server: AgentServer, threads: set[str], request: web.Request) -> list[str]:
        """Those of these threads, which the caller saw before, that the Agent Server no longer has. Each is asked for
        by its id before its crons go: a search may leave out what is there."""
        try:
            missing = threads - await agent_server.threads_among(sorted(threads), request.headers)
            return [
                thread
                for thread in sorted(missing)
                if not await agent_server.look_up(f"/threads/{thread}", f"thread '{thread}'", request.headers)
            ]
        except RestError as error:
            logger.error("threads were deleted, and which ones could not be found out: %s", error.detail)
            raise RestError(
                503,
                "The Agent Server did as it was asked, but does not tell which threads are gone, so their crons "
                "remain: delete them by id",
            ) from None

    async def _delete_crons_of(self, crons: Store, kind: str, identity: str) -> None:
        """On LangGraph's platform a thread or an assistant takes its crons with it. Here it takes the caller's: a
        shared assistant is no way to other people's crons."""
        query = {"thread_id" if kind == "threads" else "assistant_id": identity}
        try:
            for manifest in search.matching(await crons.list(), query):
                try:
                    await crons.delete(id_of(manifest))
                except Missing:
                    continue
        except Unavailable as error:
            logger.error("%s %s was deleted, its crons could not be: %s", kind, identity, error)
            raise Unavailable(
                f"{identity} was deleted from the Agent Server, but its crons remain, since Kubernetes did not "
                f"answer; delete them by id. {error}"
            ) from None


def _cron_id(request: web.Request) -> str:
    return read_uuid("cron", request.match_info["cron_id"])


def _new(body: Body, identity: str, thread_id: str | None, now: datetime, key: str | None) -> Manifest:
    manifest = translation.create(body, cron_id=identity, thread_id=thread_id, now=now)
    return manifest if key is None else idempotency.marked(manifest)


async def _body(request: web.Request, fields: type[Fields]) -> Body:
    return read(fields, read_json(await request.read()))


def json_answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=jsontext.dumps(value), status=status, headers=headers, content_type="application/json")
