"""The page of costs: what was used, what the month will come to, what is dear, and what nobody may need any more."""

from aiohttp import web

from graphcron.console.minutely import Minutely
from graphcron.console.visit import Visit
from graphcron.views import costs

Pages = Minutely[costs.Page]
PAGES = web.AppKey("cost_pages", Pages)


def pages() -> Pages:
    """Makes the pages of all viewers."""
    return Minutely(costs.page)


async def show(visit: Visit) -> web.StreamResponse:
    """The page, or for htmx the part of it that changes by itself."""
    found = await visit.request.app[PAGES].of(await visit.source.graphcrons(), visit.now)
    return visit.render("costs_now.html" if visit.wants_part else "costs.html", page=found)
