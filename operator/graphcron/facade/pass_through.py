"""The handler of every other path: forwards it to the Agent Server, finds threads and runs by the crons that only we
know, and deletes the crons of what was deleted there."""

import asyncio
import logging

from aiohttp import web

from graphcron.facade import cron_filter, search
from graphcron.facade.errors import RestError
from graphcron.facade.handlers import CALLER
from graphcron.facade.proxy.path_guard import deleted_by, deletes_other_threads
from graphcron.facade.proxy.request_body import RequestBody
from graphcron.facade.proxy.upstream import Upstream
from graphcron.facade.schemas import CronCount
from graphcron.facade.store.owned_store import OwnedStore
from graphcron.facade.store.store import Missing, Store, StoreUnavailable
from graphcron.resource.identity import id_of

logger = logging.getLogger(__name__)

CRONS_ONLY = (
    "This GraphCron facade serves crons only, since no Agent Server is configured: name one in its settings, or call "
    "the Agent Server directly"
)


class PassThrough:
    """Forwards requests to the Agent Server. `upstream` is None when none is configured."""

    def __init__(self, store: Store, upstream: Upstream | None) -> None:
        self._store = store
        self._upstream = upstream

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Raises RestError 404 without an Agent Server, and what `Upstream.forward` raises."""
        if self._upstream is None:
            raise RestError(404, CRONS_ONLY)
        upstream, crons = self._upstream, OwnedStore(self._store, request[CALLER])
        deleted = deleted_by(request.method, request.raw_path)
        at_stake: set[str] = set()
        if deletes_other_threads(request.method, request.raw_path):
            ids = {(manifest["spec"].get("threadId") or "").lower() for manifest in await crons.list()} - {""}
            at_stake = await upstream.threads_among(sorted(ids), request.headers)

        async def cascade() -> None:
            if deleted:
                await self._delete_crons_of(crons, *deleted)
            for thread in await self._gone(upstream, at_stake, request):
                await self._delete_crons_of(crons, "threads", thread)

        async def before_answer(status: int) -> None:
            if deleted:
                upstream.forget()
            if (deleted or at_stake) and 200 <= status < 300:
                # To its end even when the client leaves: what they belonged to is gone already.
                await asyncio.shield(cascade())

        body, query = await self._found_by_mark(request, crons, upstream.body_of(request))
        return await upstream.forward(request, before_answer, body, query)

    async def _found_by_mark(
        self, request: web.Request, crons: Store, body: RequestBody
    ) -> tuple[RequestBody, str | None]:
        """Body and query of a search of threads or runs by the id of a cron of the caller's, with the key that its runs
        have. Ids of others stay: they may be of crons that the Agent Server has itself."""
        asked = cron_filter.in_query(request.method, request.raw_path)
        if asked and await _has(crons, asked.cron_id):
            return body, asked.text
        if cron_filter.is_search(request.method, request.raw_path) and "Content-Encoding" not in request.headers:
            data = await body.ahead(cron_filter.BODY_LIMIT)
            asked = cron_filter.in_body(data or b"")
            if asked and await _has(crons, asked.cron_id):
                body.replace(asked.text.encode())
        return body, None

    async def _gone(self, upstream: Upstream, threads: set[str], request: web.Request) -> list[str]:
        """Those of these threads, which existed for the caller before, that are gone. Each is looked up by its id
        before its crons are deleted: a search may leave out threads that exist."""
        try:
            missing = threads - await upstream.threads_among(sorted(threads), request.headers)
            return [
                thread
                for thread in sorted(missing)
                if not await upstream.exists(f"/threads/{thread}", f"thread '{thread}'", request.headers)
            ]
        except RestError as error:
            logger.error("threads were deleted, and which ones could not be found out: %s", error.detail)
            raise RestError(
                503,
                "The Agent Server did as it was asked, but does not tell which threads are gone, so their crons "
                "remain: delete them by id",
            ) from None

    async def _delete_crons_of(self, crons: Store, kind: str, identity: str) -> None:
        """Deletes the caller's crons of a deleted thread or assistant, as LangGraph's platform does. Crons of other
        owners stay: they may use the same assistant."""
        query = CronCount(thread_id=identity) if kind == "threads" else CronCount(assistant_id=identity)
        try:
            for manifest in search.matching(await crons.list(), query):
                try:
                    await crons.delete(id_of(manifest))
                except Missing:
                    continue
        except StoreUnavailable as error:
            logger.error("%s %s was deleted, its crons could not be: %s", kind, identity, error)
            raise StoreUnavailable(
                f"{identity} was deleted from the Agent Server, but its crons remain, since Kubernetes did not "
                f"answer; delete them by id. {error}"
            ) from None


async def _has(crons: Store, cron_id: str) -> bool:
    try:
        await crons.get(cron_id)
    except Missing:
        return False
    return True
