"""The form of a backfill, with a preview of the scheduled times that it would run."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web

from graphcron.console.source import NotAllowed, Refused, Verb
from graphcron.console.visit import Visit
from graphcron.kube.resources import Manifest
from graphcron.resource.backfill_plan import ends
from graphcron.views import backfill_form, glance
from graphcron.views.backfill_form import BackfillDraft


async def ask(visit: Visit) -> web.StreamResponse:
    """The form, for yesterday."""
    known = glance.opened(await visit.graphcron())
    today = visit.now.astimezone(backfill_form.zone_of(known)).replace(hour=0, minute=0, tzinfo=None)
    values = {name: f"{today - timedelta(days=days):%Y-%m-%dT%H:%M}" for name, days in (("from", 1), ("to", 0))}
    return _shown(visit, known, values, await _drafted(visit, known, values))


async def preview(visit: Visit) -> web.StreamResponse:
    """What the form comes to so far, for htmx."""
    known = glance.opened(await visit.graphcron())
    draft = await _drafted(visit, known, visit.fields)
    return visit.render("backfill_plan.html", **_context(known, visit.fields, draft))


async def create(visit: Visit) -> web.StreamResponse:
    """Make the backfill of the form."""
    known = glance.opened(await visit.graphcron())
    metadata = known["metadata"]
    right = await visit.source.may(Verb.BACKFILL, metadata["namespace"])
    if not right.allowed:
        raise NotAllowed(right.why)
    draft = await _drafted(visit, known, visit.fields)
    if draft.plan is None:
        return _shown(visit, known, visit.fields, draft, code=422)
    try:
        await visit.source.create(draft.manifest)
    except (NotAllowed, Refused) as error:
        refused = BackfillDraft(draft.manifest, draft.plan, {"": str(error)})
        return _shown(visit, known, visit.fields, refused, code=422)
    return visit.see("cron", {"did": "backfill"}, namespace=metadata["namespace"], name=metadata["name"])


async def _drafted(visit: Visit, known: Manifest, values: Mapping[str, str]) -> BackfillDraft:
    # Ten thousand times take a tenth of a second.
    return await asyncio.to_thread(backfill_form.draft, values, known, visit.now)


def _shown(
    visit: Visit, known: Manifest, values: Mapping[str, str], draft: BackfillDraft, code: int = 200
) -> web.Response:
    return visit.render("backfill.html", code=code, **_context(known, values, draft))


def _context(known: Manifest, values: Mapping[str, str], draft: BackfillDraft) -> dict[str, Any]:
    zone = backfill_form.zone_of(known)
    first, last = ends(draft.plan.slots, backfill_form.SHOWN_TIMES // 2) if draft.plan else ([], [])
    return {
        "graphcron": known,
        "zone": zone,
        "values": defaultdict(str, values),
        "errors": defaultdict(str, draft.errors),
        "plan": draft.plan,
        "first": [time.astimezone(zone) for time in first],
        "last": [time.astimezone(zone) for time in last],
    }
