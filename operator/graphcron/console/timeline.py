"""The timeline: the next 24 hours of all GraphCrons by the minute, and what the last 24 hours brought."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from aiohttp import web

from graphcron.console.visit import Visit
from graphcron.kube.resources import Manifest
from graphcron.views import timeline as views
from graphcron.views.timeline import LEVELS, Ahead, Behind

KEPT = 16
"""Timelines, each good for one minute and one set of GraphCrons."""


class Timeline(NamedTuple):
    """Both halves of the page."""

    ahead: Ahead
    behind: Behind


class Timelines:
    """Makes timelines in a thread, one after another: of ten thousand GraphCrons one takes a second, and those who ask
    for the same meanwhile get it, too."""

    def __init__(self) -> None:
        self._known: dict[tuple[datetime, int], Timeline] = {}
        self._one_at_a_time = asyncio.Lock()

    async def of(self, graphcrons: Sequence[Manifest], now: datetime) -> Timeline:
        """The timeline of these. Outcomes in it are up to a minute old."""
        specs = hash(tuple((one["metadata"]["uid"], one["metadata"].get("generation")) for one in graphcrons))
        key = (now.replace(second=0, microsecond=0), specs)
        async with self._one_at_a_time:
            if key not in self._known:
                self._known[key] = await asyncio.to_thread(_timeline, graphcrons, now)
                while len(self._known) > KEPT:
                    del self._known[next(iter(self._known))]
            return self._known[key]


TIMELINES = web.AppKey("timelines", Timelines)


def _timeline(graphcrons: Sequence[Manifest], now: datetime) -> Timeline:
    return Timeline(views.ahead(graphcrons, now), views.behind(graphcrons, now))


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
