"""The calendar of one GraphCron: a month with what its firings came to and when it will fire."""

import asyncio

from aiohttp import web

from graphcron.console.visit import Visit
from graphcron.views import glance
from graphcron.views.calendar import month_of


async def show(visit: Visit) -> web.StreamResponse:
    """The month that the address names, by default that of now."""
    graphcron = glance.opened(await visit.graphcron())
    # A cron that fires each minute takes a fifth of a second.
    found = await asyncio.to_thread(month_of, graphcron, visit.request.query.get("month"), visit.now)
    metadata = graphcron["metadata"]

    def address(month: object) -> str:
        return visit.url("calendar", {"month": str(month)}, namespace=metadata["namespace"], name=metadata["name"])

    before, after = found.month.before, found.month.after
    return visit.render(
        "calendar.html",
        graphcron=graphcron,
        calendar=found,
        before=address(before) if before.is_within_calendar else None,
        after=address(after) if after.is_within_calendar else None,
    )
