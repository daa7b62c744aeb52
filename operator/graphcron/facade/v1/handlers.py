"""The handlers of `/graphcron/v1`: parse, decide by pure functions, write to the store.

They raise RestError or the store's errors, as those of LangGraph's endpoints do.
"""

import asyncio
import os
from collections.abc import Callable
from functools import partial
from weakref import WeakValueDictionary

from aiohttp import web

from graphcron.console.minutely import Minutely
from graphcron.facade import idempotency
from graphcron.facade.errors import RestError
from graphcron.facade.handlers import CALLER, PATCH_ATTEMPTS, AnyBody, Clock, cron_id_of, json_answer, read_within
from graphcron.facade.json_body import FILTER_VALUES_LIMIT, read_json
from graphcron.facade.schemas import read
from graphcron.facade.settings import FacadeSettings
from graphcron.facade.store.owned_store import OwnedStore
from graphcron.facade.store.store import Changed, Missing, Store
from graphcron.facade.v1 import changes, listing
from graphcron.facade.v1.links import path_of, status_link
from graphcron.facade.v1.schemas import (
    ROWS_LIMIT,
    CostQuery,
    CronQuery,
    FiringQuery,
    NoFields,
    PauseRequest,
    read_query,
)
from graphcron.firing.formats import parse_time
from graphcron.kube.json_patch import Operation
from graphcron.kube.resources import Manifest
from graphcron.kube.write_gate import steady_clock
from graphcron.views import actions
from graphcron.views.costs import GROUPINGS, document, report
from graphcron.views.summary import firings, request_of, summary

PATIENCE_SECONDS = 5.0
"""How long a request to run now waits for the one before it. An operator that works carries one out in milliseconds."""
POLL_SECONDS = 0.05
RETRY_AFTER_SECONDS = 5

Decision = Callable[[Manifest], list[Operation]]
"""From a cron as it was read to the patch that an action makes of it."""


class V1Handlers:
    """The handlers of `/graphcron/v1`."""

    def __init__(self, settings: FacadeSettings, store: Store, clock: Clock) -> None:
        self._quota = settings.quota
        self._body_timeout = settings.body_timeout
        self._store = store
        self._now = clock
        self._costs = {by: Minutely(partial(report, by=by, most=ROWS_LIMIT)) for by in GROUPINGS}
        self._running: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def list(self, request: web.Request) -> web.Response:
        """One page of the caller's crons, and how many there are by phase and by last outcome."""
        query = read_query(CronQuery, list(request.query.items()))
        return json_answer(listing.page(await self._crons_of(request).list(), query, self._now()))

    async def get(self, request: web.Request) -> web.Response:
        """What a cron does and did."""
        return self._said(await self._get(self._crons_of(request), cron_id_of(request)))

    async def firings(self, request: web.Request) -> web.Response:
        """The recorded firings of a cron, the newest first."""
        query = read_query(FiringQuery, list(request.query.items()))
        found = firings(await self._get(self._crons_of(request), cron_id_of(request)))
        if query.before is not None:
            found = [entry for entry in found if parse_time(entry["scheduled_time"]) < query.before]
        return json_answer({"firings": found[: query.limit]})

    async def costs(self, request: web.Request) -> web.Response:
        """What the caller's crons used, and what the month will come to."""
        query = read_query(CostQuery, list(request.query.items()))
        found = await self._costs[query.by].of(await self._crons_of(request).list(), self._now())
        return json_answer(document(found._replace(rows=found.rows[: query.limit])))

    async def run(self, request: web.Request) -> web.Response:
        """Run a cron now, once, also while it is paused."""
        identity, now = cron_id_of(request), self._now()
        await self._body(request, NoFields)
        key = idempotency.read_key(request.headers.getall(idempotency.HEADER, []))
        # Two replicas may be asked in the same microsecond.
        token = f"{actions.token(now)}-{os.urandom(4).hex()}"
        if key is not None:
            token = idempotency.cron_id(request[CALLER].owner, key)
        requested = await self._request(self._crons_of(request), identity, token)
        headers = {"Link": status_link(identity), "Location": path_of(identity)}
        return json_answer(request_of(requested, token), 202, headers)

    async def _request(self, crons: Store, identity: str, token: str) -> Manifest:
        """The cron with that request. The annotation holds one request: each waits until the one before it is recorded,
        and is written only where that is still the newest, so that none is lost."""
        deadline = steady_clock() + PATIENCE_SECONDS
        lock = self._running.setdefault(identity, asyncio.Lock())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await lock.acquire()
        except TimeoutError:
            raise _not_yet("others wait for the operator to carry out theirs") from None
        try:
            while True:
                known = await self._get(crons, identity)
                if actions.is_known(known, token):
                    return known
                try:
                    return await crons.patch(known, changes.run(known, token))
                except actions.NotYet as waits:
                    because = str(waits)
                except Changed:
                    because = "others request runs of it all the time"
                if steady_clock() > deadline:
                    raise _not_yet(because)
                await asyncio.sleep(POLL_SECONDS)
        finally:
            lock.release()

    async def pause(self, request: web.Request) -> web.Response:
        """Pause a cron, with a reason and who did it."""
        identity = cron_id_of(request)
        body = await self._body(request, PauseRequest)
        who = changes.read_actor(request[CALLER], request.headers.getall(changes.ACTOR_HEADER, []))
        return await self._change(request, identity, lambda known: changes.pause(known, body.reason, who, self._now()))

    async def resume(self, request: web.Request) -> web.Response:
        """Resume a cron that is paused, or that maxFailures has suspended."""
        identity = cron_id_of(request)
        await self._body(request, NoFields)
        token = actions.token(self._now())
        return await self._change(
            request, identity, lambda known: changes.resume(known, token, self._quota, self._now())
        )

    async def _change(self, request: web.Request, identity: str, decide: Decision) -> web.Response:
        crons = self._crons_of(request)
        for _ in range(PATCH_ATTEMPTS):
            known = await self._get(crons, identity)
            try:
                return self._said(await crons.patch(known, decide(known)))
            except Changed:
                continue
        raise Changed(f"Cron '{identity}' is being changed by others all the time")

    async def _get(self, crons: Store, identity: str) -> Manifest:
        try:
            return await crons.get(identity)
        except Missing:
            raise RestError(404, f"Cron '{identity}' not found") from None

    def _said(self, manifest: Manifest) -> web.Response:
        return json_answer(summary(manifest, self._now()))

    def _crons_of(self, request: web.Request) -> Store:
        return OwnedStore(self._store, request[CALLER])

    async def _body(self, request: web.Request, schema: type[AnyBody]) -> AnyBody:
        """A body, which may be left out."""
        data = await read_within(request, self._body_timeout)
        return read(schema, read_json(data, FILTER_VALUES_LIMIT) if data else {})


def _not_yet(because: str) -> RestError:
    return RestError(
        409, f"It cannot be requested to run now: {because}. Nothing was requested: try again", RETRY_AFTER_SECONDS
    )
