"""The page of one GraphCron: what it is, what it did, what is next, why it is as it is, and what can be done."""

from aiohttp import web

from graphcron.console.visit import Visit


async def show(visit: Visit) -> web.StreamResponse:
    """The page, or for htmx the part of it that changes by itself."""
    graphcron = await visit.graphcron()
    return visit.render("cron.html", graphcron=graphcron)
