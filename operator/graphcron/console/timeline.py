"""The timeline: the next 24 hours of all GraphCrons by the minute, and what the last 24 hours brought."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from aiohttp import web

from graphcron.console.minutely import Minutely
from graphcron.console.visit import Visit
from graphcron.kube.resources import Manifest
from graphcron.views import timeline as views
from graphcron.views.timeline import LEVELS, Ahead, Behind


class Timeline(NamedTuple):
    """Both halves of the page."""

    ahead: Ahead
    behind: Behind


def _timeline(graphcrons: Sequence[Manifest], now: datetime) -> Timeline:
    return Timeline(views.ahead(graphcrons, now), views.behind(graphcrons, now))


class Timelines(Minutely[Timeline]):
    """Makes timelines."""

    def __init__(self) -> None:
        super().__init__(_timeline)


TIMELINES = web.AppKey("timelines", Timelines)


async def show(visit: Visit) -> web.StreamResponse:
    """The page, or for htmx the part of it that changes by itself."""
    graphcrons = await visit.source.graphcrons()
    found = await visit.request.app[TIMELINES].of(graphcrons, visit.now)
    return visit.render(
        "timeline_charts.html" if visit.wants_part else "timeline.html",
        ahead=found.ahead,
        behind=found.behind,
        levels=LEVELS,
        known=len(graphcrons),
    )
