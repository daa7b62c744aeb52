"""The handlers of a cron's backfills. Whoever may see a cron may see its backfills, and make and end them."""

import os
from typing import Any

from aiohttp import web

from graphcron.facade import idempotency
from graphcron.facade.errors import RestError
from graphcron.facade.handlers import CALLER, cron_id_of, json_answer
from graphcron.facade.store.store import Changed, Missing
from graphcron.facade.translation import new_cron_id
from graphcron.facade.v1.handlers import V1Handlers
from graphcron.facade.v1.links import path_of
from graphcron.facade.v1.schemas import BackfillRequest
from graphcron.kube.resources import Manifest
from graphcron.resource.backfill import KIND, read_backfill
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.identity import API_VERSION, OWNER_LABEL, owner_of
from graphcron.views.backfill_summary import backfill_summary

BACKFILLS_LIMIT = 100
"""Backfills of one cron that may be there."""


class BackfillHandlers(V1Handlers):
    """The handlers of `/graphcron/v1/crons/{cron_id}/backfills`."""

    async def backfills(self, request: web.Request) -> web.Response:
        """The backfills of a cron, the newest first."""
        cron = await self._get(self._crons_of(request), identity := cron_id_of(request))
        found = await self._store.backfills.of(cron["metadata"]["name"])
        return json_answer({"backfills": [backfill_summary(one, identity) for one in found[:BACKFILLS_LIMIT]]})

    async def backfill(self, request: web.Request) -> web.Response:
        """One of them."""
        _, found = await self._found(request)
        return json_answer(backfill_summary(found, cron_id_of(request)))

    async def end_backfill(self, request: web.Request) -> web.Response:
        """End it: what it has not begun is not run."""
        _, found = await self._found(request)
        await self._store.backfills.delete(found)
        return web.Response(status=204)

    async def start_backfill(self, request: web.Request) -> web.Response:
        """Run a cron for the times between two moments."""
        identity, now = cron_id_of(request), self._now()
        body = await self._body(request, BackfillRequest)
        cron = await self._get(self._crons_of(request), identity)
        key = idempotency.read_key(request.headers.getall(idempotency.HEADER, []))
        name = new_cron_id(now, os.urandom(10))
        if key is not None:
            name = idempotency.cron_id(request[CALLER].owner, f"{identity} {key}")
        manifest = _manifest(cron, name, body)
        known = await self._store.backfills.of(cron["metadata"]["name"])
        made = next((one for one in known if one["metadata"]["name"] == name), None)
        if made is None and len(known) >= BACKFILLS_LIMIT:
            raise RestError(429, f"The limit is {BACKFILLS_LIMIT} backfills for each cron: delete some that are over")
        try:
            made = made or await self._store.backfills.create(manifest)
        except Changed:  # a concurrent request with the same key
            made = await self._store.backfills.get(name)
        if key is not None:
            idempotency.check_same(made, manifest, "backfill")
        headers = {"Location": f"{path_of(identity)}/backfills/{name}"}
        return json_answer(backfill_summary(made, identity), 201, headers)

    async def _found(self, request: web.Request) -> tuple[Manifest, Manifest]:
        cron = await self._get(self._crons_of(request), cron_id_of(request))
        name = request.match_info["name"]
        try:
            found = await self._store.backfills.get(name)
        except Missing:
            found = None
        if found is None or found["spec"].get("graphCron") != cron["metadata"]["name"]:
            raise RestError(404, f"This cron has no backfill '{name}'")
        return cron, found


def _manifest(cron: Manifest, name: str, body: BackfillRequest) -> Manifest:
    """The backfill's manifest, with the owner of the cron, by which kubectl can list it. Raises RestError 422."""
    owner = owner_of(cron)
    spec: dict[str, Any] = {"graphCron": cron["metadata"]["name"], **body.spec()}
    try:
        read_backfill(spec)
    except InvalidGraphCron as invalid:
        raise RestError(422, invalid.message) from None
    return idempotency.marked(
        {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": name} | ({"labels": {OWNER_LABEL: owner}} if owner else {}),
            "spec": spec,
        }
    )
