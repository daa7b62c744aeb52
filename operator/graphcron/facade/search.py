"""The search of crons: filters, sorts and pages a list of GraphCrons.

Pure. There may be ten thousand: a cron's JSON and its next run are computed only for what is shown or sorted by.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graphcron.facade import metadata_keys, translation
from graphcron.facade.schemas import CronCount, CronSearch, read_uuid
from graphcron.facade.translation import Cron, assistant_uuid, created_at, next_run_date, updated_at
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


def page(manifests: Sequence[Manifest], query: CronSearch, now: datetime) -> Page:
    """The page that a search asks for. Raises RestError 422 as `matching` does."""
    by = query.sort_by if "sort_by" in query.model_fields_set else None
    found = in_order(matching(manifests, query), by, query.sort_order, now)
    end = query.offset + query.limit
    shown = found[query.offset : end]
    following = end if len(found) > end else None
    crons = [translation.cron(manifest, now) for manifest in shown]
    if chosen := query.select:
        crons = [{key: value for key, value in cron.items() if key in chosen} for cron in crons]
    return Page(crons, following, following + 1 if following is not None else query.offset + len(shown))


def in_order(manifests: list[Manifest], by: str | None, order: str | None, now: datetime) -> list[Manifest]:
    """Sorted; newest first where nothing else is asked for, oldest first among equals. Nulls are greater than any
    value. An order without a field is ignored, as by LangGraph's server.
    """
    key = _KEYS[by or "created_at"]

    def nulls_last(manifest: Manifest) -> tuple[bool, str]:
        value = key(manifest, now)
        return value is None, value or ""

    descending = by is None or order != "asc"
    return sorted(sorted(manifests, key=_age), key=nulls_last, reverse=descending)


def _age(manifest: Manifest) -> tuple[str, str]:
    return created_at(manifest), id_of(manifest)


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


_Key = Callable[[Manifest, datetime], str | None]


_KEYS: dict[str, _Key] = {
    "cron_id": lambda manifest, now: id_of(manifest),
    "assistant_id": lambda manifest, now: assistant_uuid(manifest["spec"]["assistantId"]),
    "thread_id": lambda manifest, now: manifest["spec"].get("threadId"),
    "next_run_date": next_run_date,
    "end_time": lambda manifest, now: _instant(manifest["spec"].get("endTime")),
    "created_at": lambda manifest, now: created_at(manifest),
    "updated_at": lambda manifest, now: updated_at(manifest),
}
