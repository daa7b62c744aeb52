"""The page of one GraphCron: what it is, what it did, what is next, why it is as it is, and what can be done."""

import asyncio
import json
from typing import Any

from aiohttp import web

from graphcron.console import requests
from graphcron.console.source import NotAllowed, SourceError, Verb
from graphcron.console.visit import Visit
from graphcron.kube.resources import Manifest
from graphcron.resource.fields import clipped
from graphcron.resource.identity import owner_of
from graphcron.resource.traces import trace_url
from graphcron.views import costs, explaining, forecast, glance
from graphcron.views.backfill_request import progress
from graphcron.views.events import EventLine, newest_first
from graphcron.views.firings import history
from graphcron.views.manifest import as_yaml, for_git
from graphcron.views.spending import line_of
from graphcron.views.urgency import urgency

INPUT_LIMIT = 4000
"""Characters of an input that the page shows; the YAML below it has all of it."""

SHOWN_BACKFILLS = 10


async def show(visit: Visit) -> web.StreamResponse:
    """The page, or for htmx the part of it that changes by itself."""
    known = await visit.graphcron()
    graphcron = glance.opened(known)
    metadata = graphcron["metadata"]
    asked = await asyncio.gather(*(visit.source.may(verb, metadata["namespace"]) for verb in Verb))
    rights = dict(zip(Verb, asked, strict=True))
    events, sealed = await _events(visit, known)
    shown = {
        "graphcron": graphcron,
        "metadata": metadata,
        "spec": graphcron["spec"],
        "status": graphcron["status"],
        "urgency": urgency(graphcron),
        "steps": explaining.explain(await _facts(visit, graphcron)),
        "backfills": await _backfills(visit, known),
        "history": [(entry, _trace_of(visit.options.trace_url, graphcron, entry)) for entry in history(graphcron)],
        "costs": _costs(visit, graphcron),
        "events": events,
        "sealed": sealed,
        "may": {verb.value: right for verb, right in rights.items()},
        "reasons": sorted({right.why for right in rights.values() if not right.allowed}),
        "done": requests.DONE,
        "here": visit.url("cron", namespace=metadata["namespace"], name=metadata["name"]),
    }
    if visit.wants_part:
        return visit.render("cron_now.html", **shown)
    return visit.render("cron.html", **shown, owner=owner_of(graphcron), **_texts(graphcron))


def _trace_of(template: str, graphcron: Manifest, entry: Manifest) -> str | None:
    """By the console's template, else as it is recorded: whoever may patch the status can write any text there."""
    recorded = str(entry.get("traceUrl", ""))
    recorded = recorded if recorded.startswith(("https://", "http://")) else ""
    return trace_url(template, graphcron["metadata"], entry.get("runId"), entry.get("threadId")) or recorded or None


def _costs(visit: Visit, graphcron: Manifest) -> dict[str, Any]:
    """What it used, how full its budget is, and what it will use."""
    line, expected = line_of(graphcron), forecast.forecast_of(graphcron)
    row = costs.row_of(line, visit.now)
    return {
        "row": row,
        "priced": bool(line.currency),
        "budget": costs.filled(line, row, visit.now),
        "expected": forecast.in_words(expected) if expected else "",
    }


async def _facts(visit: Visit, graphcron: Manifest) -> explaining.Facts:
    try:
        cron_job = await visit.source.cron_job(graphcron)
    except NotAllowed:
        return explaining.Facts(graphcron, None, visit.now, asked=False)
    return explaining.Facts(graphcron, cron_job, visit.now)


async def _events(visit: Visit, graphcron: Manifest) -> tuple[list[EventLine], str]:
    """The Events, or why there are none to be seen."""
    try:
        return newest_first(await visit.source.events(graphcron)), ""
    except SourceError as error:
        return [], str(error)


async def _backfills(visit: Visit, graphcron: Manifest) -> list[tuple[Manifest, str]]:
    """The newest backfills, each with where it is. Who may not see them has the rest of the page."""
    try:
        found = await visit.source.backfills(graphcron)
    except SourceError:
        return []
    return [(one, progress(one)) for one in found[:SHOWN_BACKFILLS]]


def _texts(graphcron: Manifest) -> dict[str, Any]:
    given = graphcron["spec"].get("input")
    text = "" if given is None else json.dumps(given, indent=2, ensure_ascii=False)
    return {"yaml": as_yaml(for_git(graphcron)), "input": clipped(text, INPUT_LIMIT)}
