"""What a viewer asks of one GraphCron: run now, pause, resume, delete."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from graphcron.console.source import Changed, NotAllowed, Refused, Verb
from graphcron.console.visit import Visit
from graphcron.kube.resources import Manifest
from graphcron.views import actions

DONE = {
    "run": "It was asked to run now. The run appears below as soon as it has ended.",
    "pause": "It is paused.",
    "resume": "It is resumed.",
    "edit": "It was changed.",
    "new": "It was made.",
    "backfill": "The backfill was made.",
}
"""What a page says of a request that was sent, by its name in the address."""

ATTEMPTS = 60
POLL_SECONDS = 0.05
"""Between attempts to request a run. An operator that works carries one out in milliseconds."""


async def run(visit: Visit) -> web.StreamResponse:
    """Run it once, also while it is paused. A request waits until the one before it is recorded, and is written only
    where that is still the newest."""
    token, because = actions.token(visit.now), ""
    for _ in range(ATTEMPTS):
        try:
            return await _patched(visit, "run", lambda known: actions.run_now(known, token))
        except (actions.NotYet, Changed) as waits:
            because = str(waits)
        await asyncio.sleep(POLL_SECONDS)
    raise Refused(f"It cannot be requested to run now: {because}. Nothing was requested: try again.")


async def pause(visit: Visit) -> web.StreamResponse:
    """Fire no more until it is resumed."""
    reason, who = visit.fields.get("reason", "").strip(), visit.layout["viewer"]
    return await _patched(visit, "pause", lambda known: actions.pause(reason or None, who or None))


async def resume(visit: Visit) -> web.StreamResponse:
    """Fire again."""
    return await _patched(visit, "resume", lambda known: actions.resume(known, actions.token(visit.now)))


async def ask_to_delete(visit: Visit) -> web.StreamResponse:
    """Whether it is really meant."""
    known = await visit.graphcron()
    right = await visit.source.may(Verb.DELETE, known["metadata"]["namespace"])
    return visit.render("delete.html", graphcron=known, right=right)


async def delete(visit: Visit) -> web.StreamResponse:
    """Delete it, with its CronJob and its history."""
    known = await visit.graphcron()
    await _check(visit, Verb.DELETE, known)
    await visit.source.delete(known)
    return visit.see("overview", {"did": "delete"})


async def _patched(visit: Visit, did: str, body: Callable[[Manifest], Manifest]) -> web.StreamResponse:
    known = await visit.graphcron()
    await _check(visit, Verb.PATCH, known)
    await visit.source.patch(known, body(known))
    metadata = known["metadata"]
    return visit.see("cron", {"did": did}, namespace=metadata["namespace"], name=metadata["name"])


async def _check(visit: Visit, verb: Verb, known: Manifest) -> None:
    right = await visit.source.may(verb, known["metadata"]["namespace"])
    if not right.allowed:
        raise NotAllowed(right.why)
