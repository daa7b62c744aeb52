"""The handlers of the facade's own endpoints: parse, decide by pure functions, write to the store.

Handlers raise RestError or the store's errors; the middleware turns them into answers.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from aiohttp import web

from graphcron.facade import idempotency, search, translation, webhook
from graphcron.facade.auth.callers import Caller
from graphcron.facade.errors import BROKEN_BODY, TOO_SLOW, RestError
from graphcron.facade.json_body import FILTER_VALUES_LIMIT, VALUES_LIMIT, read_json
from graphcron.facade.openapi import document
from graphcron.facade.proxy.upstream import Upstream
from graphcron.facade.schemas import (
    Body,
    CronCount,
    CronCreate,
    CronPatch,
    CronSearch,
    RunOptions,
    ThreadCronCreate,
    read,
    read_uuid,
)
from graphcron.facade.settings import FacadeSettings
from graphcron.facade.store.owned_store import OwnedStore
from graphcron.facade.store.store import Changed, Missing, Store, StoreUnavailable
from graphcron.facade.translation import Draft, assistant_uuid, cron, new_cron_id
from graphcron.facade.unknown_fields import warning
from graphcron.facade.update import update
from graphcron.facade.v1.links import FORECAST_HEADER, header_text, status_link
from graphcron.kube import jsontext
from graphcron.kube.resources import Manifest
from graphcron.resource.advice import advice
from graphcron.resource.identity import id_of
from graphcron.schedule.fields import Schedule
from graphcron.views.forecast import forecast_of, in_words

CALLER = web.RequestKey("caller", Caller)
"""The caller of a request, set before its handler is called."""

PATCH_ATTEMPTS = 30
"""Attempts of an update whose decision depends on the rest of the cron, while others change just that."""

PART = 500
"""Crons that a search looks at before others get their turn: some milliseconds."""

Clock = Callable[[], datetime]
"""The time now, with its offset from UTC."""

Resolver = Callable[[str], Awaitable[Sequence[str]]]
"""The IP addresses of a host; none when it has none."""

AnyBody = TypeVar("AnyBody", bound=Body)


class Handlers:
    """The handlers of probes, `/openapi.json` and cron endpoints. `on_conflict` counts each update that has to be
    decided again; once `draining` is set, the facade is not ready. `upstream` is None without an Agent Server: then
    assistants and threads are not checked."""

    def __init__(
        self,
        settings: FacadeSettings,
        store: Store,
        upstream: Upstream | None,
        clock: Clock,
        resolver: Resolver,
        on_conflict: Callable[[], None],
        draining: asyncio.Event,
    ) -> None:
        self._quota = settings.quota
        self._body_timeout = settings.body_timeout
        self._resolver = resolver if settings.check_webhook_hosts else None
        self._document = document(settings.auth_mode, settings.unknown_fields)
        self._store = store
        self._upstream = upstream
        self._now = clock
        self._on_conflict = on_conflict
        self._draining = draining
        self._unknown_fields = settings.unknown_fields
        self._updating: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._creating: defaultdict[str | None, asyncio.Lock] = defaultdict(asyncio.Lock)

    def _crons_of(self, request: web.Request) -> Store:
        return OwnedStore(self._store, request[CALLER])

    async def healthz(self, request: web.Request) -> web.Response:
        """The process answers."""
        return json_answer({"ok": True})

    async def readyz(self, request: web.Request) -> web.Response:
        """Crons can be read and written."""
        if self._draining.is_set():
            raise StoreUnavailable("This facade is about to stop")
        await self._store.ready()
        return json_answer({"ok": True})

    async def openapi(self, request: web.Request) -> web.Response:
        """The OpenAPI document of the facade's own endpoints."""
        return json_answer(self._document)

    async def create(self, request: web.Request) -> web.Response:
        """A cron whose firings each run on a new thread."""
        return await self._create(request, CronCreate, None)

    async def create_for_thread(self, request: web.Request) -> web.Response:
        """A cron whose firings run on one thread."""
        thread_id = read_uuid("thread", request.match_info["thread_id"])
        return await self._create(request, ThreadCronCreate, thread_id)

    async def _create(
        self, request: web.Request, schema: type[ThreadCronCreate], thread_id: str | None
    ) -> web.Response:
        """The order of the checks is that of LangGraph's server, so the same mistake gets the same answer."""
        body = await self._body(request, schema)
        now = self._now()
        key = idempotency.read_key(request.headers.getall(idempotency.HEADER, []))
        if key is None:
            identity = new_cron_id(now, os.urandom(10))
        else:
            identity = idempotency.cron_id(request[CALLER].owner, key)
            if (first := await self._first(request, identity)) is not None:
                # It was checked when it was made; an assistant or a quota may have changed since.
                idempotency.check_same(first, _draft(body, identity, thread_id, now, key).manifest)
                return _answer_to(body, first, now)
        await self._check_webhook(body.webhook)
        await self._check_assistant(request, body.assistant_id)
        draft = _draft(body, identity, thread_id, now, key)
        if thread_id is not None:
            await self._check_thread(request, thread_id)
        self._quota.check_schedule(draft, now)
        try:
            made = await self._write(request, draft.manifest)
        except (Changed, RestError):
            # A concurrent create with the same key was stored after we looked, and may have used up the quota.
            if key is None or (first := await self._first(request, identity)) is None:
                raise
            idempotency.check_same(first, draft.manifest)
            return _answer_to(body, first, now)
        return _answer_to(body, made, now, draft.schedule)

    async def _first(self, request: web.Request, identity: str) -> Manifest | None:
        """What an earlier create with the same key has made, if it is there."""
        try:
            return await self._crons_of(request).get(identity)
        except Missing:
            return None

    async def _write(self, request: web.Request, manifest: Manifest) -> Manifest:
        crons = self._crons_of(request)
        if not self._quota.crons:
            return await crons.create(manifest)
        # One create of an owner at a time: concurrent creates would all count the same number of crons.
        async with self._creating[request[CALLER].owner]:
            self._quota.check_count(len(await crons.list()))
            return await crons.create(manifest)

    async def _check_webhook(self, url: str | None) -> None:
        if self._resolver is None or url is None:
            return
        host = urlsplit(url).hostname or ""
        if complaint := webhook.refusal(host, await self._resolver(host)):
            raise RestError(422, f"{complaint} (facade.webhookHosts of the Helm chart can allow any)")

    async def _check_assistant(self, request: web.Request, given: str) -> None:
        if self._upstream is None:
            return
        path = f"/assistants/{assistant_uuid(given)}"
        if not await self._upstream.exists(path, f"assistant '{given}'", request.headers, recently=True):
            raise RestError(404, f"Assistant '{given}' not found")

    async def _check_thread(self, request: web.Request, thread_id: str) -> None:
        if self._upstream is None:
            return
        if not await self._upstream.exists(f"/threads/{thread_id}", f"thread '{thread_id}'", request.headers):
            raise RestError(
                404,
                f"Thread with ID '{thread_id}' not found. Please verify the ID is correct and the thread hasn't been "
                "deleted or expired.",
            )

    async def get(self, request: web.Request) -> web.Response:
        """The cron of an id."""
        found = await self._crons_of(request).get(cron_id_of(request))
        return json_answer(cron(found, self._now()), headers={"Link": status_link(id_of(found))})

    async def patch(self, request: web.Request) -> web.Response:
        """An update of a cron. Conflicts are the store's business, since the client names no version."""
        identity = cron_id_of(request)
        body = await self._body(request, CronPatch)
        if not body.model_fields_set:
            raise RestError(400, "Request body cannot be empty")
        await self._check_webhook(body.webhook)
        try:
            return await self._update(self._crons_of(request), identity, body)
        except Missing:
            raise RestError(404, f"Cron '{identity}' not found") from None

    async def _update(self, crons: Store, identity: str, body: CronPatch) -> web.Response:
        # One at a time: the apiserver redoes each of many that meet, and takes the longer for all of them together.
        async with self._updating.setdefault(identity, asyncio.Lock()):
            if (remembered := crons.peek(identity)) is not None:
                with suppress(Changed, RestError):  # memory may be behind, so a refusal must be founded on more
                    return await self._patch(crons, remembered, body)
            for _ in range(PATCH_ATTEMPTS):
                with suppress(Changed):
                    return await self._patch(crons, await crons.get(identity), body)
                self._on_conflict()
        raise Changed(f"Cron '{identity}' is being changed by others all the time")

    async def _patch(self, crons: Store, known: Manifest, body: CronPatch) -> web.Response:
        """Raises Changed when the cron is no longer as it was known, in what the decision depends on."""
        asked = update(known, body, self._now())
        self._quota.check_schedule(asked.draft, self._now())
        patched = await crons.patch(known, asked.operations)
        return _answer_to(body, patched, self._now(), asked.draft.schedule)

    async def _body(self, request: web.Request, schema: type[AnyBody], limit: int = VALUES_LIMIT) -> AnyBody:
        data = await read_within(request, self._body_timeout)
        return read(schema, read_json(data, limit), self._unknown_fields)

    async def delete(self, request: web.Request) -> web.Response:
        """The deletion of a cron."""
        await self._crons_of(request).delete(cron_id_of(request))
        return web.Response(status=204)

    async def search(self, request: web.Request) -> web.Response:
        """One page of the caller's crons."""
        query = await self._body(request, CronSearch, limit=FILTER_VALUES_LIMIT)
        found: list[search.Row] = []
        async for part in self._in_parts(request, query):
            found += search.rows(part, query, self._now())
        page = search.page(found, query, self._now())
        headers = {"X-Pagination-Total": str(page.total)}
        if page.following is not None:
            headers["X-Pagination-Next"] = str(page.following)
        return json_answer(page.crons, headers=headers)

    async def count(self, request: web.Request) -> web.Response:
        """The number of the caller's crons that pass the filters."""
        query = await self._body(request, CronCount, limit=FILTER_VALUES_LIMIT)
        return json_answer(sum([len(search.matching(part, query)) async for part in self._in_parts(request, query)]))

    async def _in_parts(self, request: web.Request, query: CronCount) -> AsyncIterator[Sequence[Manifest]]:
        """The caller's crons, some at a time: others are answered in between."""
        manifests = await self._crons_of(request).list(query.metadata or {})
        for begin in range(0, max(1, len(manifests)), PART):  # once for none, so that the filters are checked
            yield manifests[begin : begin + PART]
            await asyncio.sleep(0)


async def read_within(request: web.Request, seconds: float) -> bytes:
    """The body of a request. Raises RestError 408 when it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError:
        raise RestError(408, TOO_SLOW) from None
    except web.RequestPayloadError:
        raise RestError(400, BROKEN_BODY) from None


def cron_id_of(request: web.Request) -> str:
    """The id in the path of a request. Raises RestError 422."""
    return read_uuid("cron", request.match_info["cron_id"])


def _draft(body: ThreadCronCreate, identity: str, thread_id: str | None, now: datetime, key: str | None) -> Draft:
    draft = translation.create(body, cron_id=identity, thread_id=thread_id, now=now)
    return draft if key is None else Draft(idempotency.marked(draft.manifest), draft.schedule)


def _answer_to(body: RunOptions, manifest: Manifest, now: datetime, schedule: Schedule | None = None) -> web.Response:
    """A cron that was just written. Header `Warning` says what was passed on unread, and what may not be meant so."""
    warnings = [warning(body.model_extra)] if body.model_extra else []
    if said := advice(manifest["spec"]):
        warnings.append(f'299 - "{said}"')
    headers = {"Link": status_link(id_of(manifest))} | ({"Warning": ", ".join(warnings)} if warnings else {})
    if expected := forecast_of(manifest):
        headers[FORECAST_HEADER] = header_text(in_words(expected))
    return json_answer(cron(manifest, now, schedule), headers=headers)


def json_answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer with that value as JSON."""
    return web.Response(body=jsontext.dumps(value), status=status, headers=headers, content_type="application/json")
