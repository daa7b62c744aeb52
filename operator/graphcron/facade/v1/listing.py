"""The list of `/graphcron/v1/crons`: filters, counts, sorts and pages a list of GraphCrons.

Pure. There may be ten thousand, of which all but a page are seen by their glance alone.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from graphcron.facade.translation import assistant_uuid, created_at
from graphcron.facade.v1.schemas import CronQuery
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import id_of, owner_of
from graphcron.views.glance import Glance, glance
from graphcron.views.summary import NONE_YET, summary

Listed = tuple[Glance, Manifest]


def page(manifests: Sequence[Manifest], query: CronQuery, now: datetime) -> dict[str, Any]:
    """One page, as it is answered. The counts by phase and outcome are of all that pass the other filters, so that they
    say what there is to choose."""
    found = [(glance(one), one) for one in _matching(manifests, query)]
    if query.q:
        words = query.q.casefold().split()
        found = [one for one in found if _has(one, words)]
    phases = Counter(seen.phase for seen, _ in found)
    outcomes = Counter(seen.outcome or NONE_YET for seen, _ in found)
    if query.phase:
        found = [one for one in found if one[0].phase in query.phase]
    if query.outcome:
        found = [one for one in found if (one[0].outcome or NONE_YET) in query.outcome]
    found.sort(key=_ORDERS[query.sort_by], reverse=query.sort_by == "created_at")
    end = query.offset + query.limit
    return {
        "crons": [summary(manifest, now) for _, manifest in found[query.offset : end]],
        "total": len(found),
        "next_offset": end if len(found) > end else None,
        "phases": dict(phases.most_common()),
        "outcomes": dict(outcomes.most_common()),
    }


def _matching(manifests: Sequence[Manifest], query: CronQuery) -> list[Manifest]:
    found = list(manifests)
    if query.enabled is not None:
        found = [one for one in found if (one["spec"].get("enabled") is not False) is query.enabled]
    if query.assistant_id:
        wanted = assistant_uuid(query.assistant_id)
        found = [one for one in found if assistant_uuid(str(one["spec"].get("assistantId", ""))) == wanted]
    if query.owner is not None:
        found = [one for one in found if (owner_of(one) or "") == query.owner]
    for label in query.label or ():
        found = [one for one in found if label in _labels(one)]
    return found


def _labels(manifest: Manifest) -> Iterator[str]:
    for key, value in (manifest["metadata"].get("labels") or {}).items():
        yield from (key, f"{key}={value}")


def _has(listed: Listed, words: Sequence[str]) -> bool:
    seen, manifest = listed
    metadata, spec = manifest["metadata"], manifest["spec"]
    about = (seen.name, metadata["name"], metadata["uid"], spec.get("assistantId"), spec.get("schedule"))
    text = "\n".join(map(str, (*about, owner_of(manifest) or ""))).casefold()
    return all(word in text for word in words)


_LAST = "~"
"""Sorts behind every time."""

_ORDERS: dict[str, Callable[[Listed], Any]] = {
    "attention": lambda one: (one[0].urgency, one[0].name.casefold(), id_of(one[1])),
    "name": lambda one: (one[0].name.casefold(), id_of(one[1])),
    "next_run": lambda one: (one[0].following or _LAST, one[0].name.casefold(), id_of(one[1])),
    "created_at": lambda one: (created_at(one[1]), id_of(one[1])),
}
"""Each ends with the id, so that pages neither repeat a cron nor leave one out."""
