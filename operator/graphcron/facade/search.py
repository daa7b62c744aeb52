"""The search of crons: filters, sorts and pages a list of GraphCrons.

Pure. There may be ten thousand: a cron's JSON is made only for what is shown, its next run also for what is sorted by
it, and once (`sort_keys`). Filters and keys can be had of some crons at a time, so that a caller may do other work in
between.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from graphcron.facade import metadata_keys, translation
from graphcron.facade.schemas import CronCount, CronSearch, read_uuid
from graphcron.facade.sort_keys import SortKeys, keys_of
from graphcron.facade.translation import Cron, assistant_uuid, updated_at
from graphcron.firing.formats import parse_time
from graphcron.kube import jsontext
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import id_of


@dataclass(frozen=True)
class Page:
    """One page of a search. `following` is the offset of the next one, None on the last."""

    crons: list[Cron]
    following: int | None
    total: int
    """LangGraph's X-Pagination-Total: not the total, but one more than the crons up to this page."""


def matching(manifests: Sequence[Manifest], query: CronCount) -> list[Manifest]:
    """Those that pass the filters of a search or count. Raises RestError 422 for an id that is no UUID."""
    assistant = _id("assistant", query.assistant_id)
    thread = _id("thread", query.thread_id)
    # One filter after the other, each a plain loop: all ten thousand pass through the first at every search.
    found = list(manifests)
    if assistant is not None:
        found = [one for one in found if assistant_uuid(one["spec"]["assistantId"]) == assistant]
    if thread is not None:
        # One without a thread is on none, also not on "".
        found = [one for one in found if (bound := one["spec"].get("threadId")) and bound.lower() == thread]
    if query.enabled is not None:
        found = [one for one in found if one["spec"].get("enabled", True) is query.enabled]
    if query.metadata:
        shown = metadata_keys.shown if query.metadata.keys() & metadata_keys.FIELDS.keys() else _free_metadata
        found = [one for one in found if contains(jsontext.opened(shown(one["spec"])), query.metadata)]
    return found


def _free_metadata(spec: dict[str, Any]) -> Any:
    return spec.get("metadata", {})


Row = tuple[tuple[bool, str], tuple[str, str], Manifest]
"""What a cron is sorted by, nulls last; when it was made, and its id; the cron."""


def rows(manifests: Sequence[Manifest], query: CronSearch, now: datetime) -> list[Row]:
    """Those that pass the filters of a search, to be sorted. Raises RestError 422 as `matching` does."""
    key = _KEYS[_sorted_by(query) or "created_at"]
    found = []
    for manifest in matching(manifests, query):
        keys = keys_of(manifest)
        value = key(manifest, keys, now)
        found.append(((value is None, value or ""), keys.age(manifest), manifest))
    return found


def page(found: Sequence[Row], query: CronSearch, now: datetime) -> Page:
    """The page that a search asks for, of all that passed its filters."""
    end = query.offset + query.limit
    shown = [manifest for _, _, manifest in first(found, end, _sorted_by(query), query.sort_order)[query.offset :]]
    following = end if len(found) > end else None
    crons = [translation.cron(manifest, now) for manifest in shown]
    if chosen := query.select:
        crons = [{key: value for key, value in cron.items() if key in chosen} for cron in crons]
    return Page(crons, following, following + 1 if following is not None else query.offset + len(shown))


def first(found: Sequence[Row], number: int, by: str | None, order: str | None) -> list[Row]:
    """So many of them in order; newest first where nothing else is asked for, oldest first among equals. Nulls are
    greater than any value. An order without a field is ignored, as by LangGraph's server.
    """
    if by is not None and order == "asc":
        return heapq.nsmallest(number, found, key=itemgetter(0, 1))
    return heapq.nlargest(number, sorted(found, key=itemgetter(1)), key=itemgetter(0))


def _sorted_by(query: CronSearch) -> str | None:
    return query.sort_by if "sort_by" in query.model_fields_set else None


def contains(have: Any, want: Any) -> bool:
    """Whether a value has all that a filter names: objects may have more keys, anything else must be equal."""
    if not (isinstance(want, dict) and isinstance(have, dict)):
        return bool(have == want)
    return all(key in have and contains(have[key], value) for key, value in want.items())


def _id(kind: str, text: str | None) -> str | None:
    """An empty string is an id that nothing has, as at LangGraph's server."""
    return read_uuid(kind, text) if text else text


def _instant(text: str | None) -> str | None:
    """Times in UTC compare as text once they have the same length."""
    try:
        return None if text is None else parse_time(text).isoformat(timespec="microseconds")
    except ValueError:
        return text


_Key = Callable[[Manifest, SortKeys, datetime], str | None]


_KEYS: dict[str, _Key] = {
    "cron_id": lambda manifest, keys, now: id_of(manifest),
    "assistant_id": lambda manifest, keys, now: assistant_uuid(manifest["spec"]["assistantId"]),
    "thread_id": lambda manifest, keys, now: manifest["spec"].get("threadId"),
    "next_run_date": lambda manifest, keys, now: keys.next_run(manifest, now),
    "end_time": lambda manifest, keys, now: _instant(manifest["spec"].get("endTime")),
    "created_at": lambda manifest, keys, now: keys.age(manifest)[0],
    "updated_at": lambda manifest, keys, now: updated_at(manifest),
}
