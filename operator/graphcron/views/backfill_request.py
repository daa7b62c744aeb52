"""Backfills, as people request, preview and follow them by terminal, page and REST. Pure."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from graphcron.firing.formats import format_time, parse_time
from graphcron.kube.resources import Manifest
from graphcron.resource import backfill
from graphcron.resource.backfill import BACKFILL_NAME_LIMIT, read_backfill
from graphcron.resource.backfill_plan import SlotPlan, Timetable, plan_of, succeeded_in, until_of
from graphcron.resource.identity import API_VERSION
from graphcron.resource.spec import DEFAULT_TIMEZONE
from graphcron.resource.status import read_status
from graphcron.schedule.time_zone import read_timezone

OVER = ("Complete", "Ended", "Stalled")
"""Phases of a backfill that goes on no more."""


def manifest(graphcron: Manifest, spec: Mapping[str, Any], now: datetime) -> Manifest:
    """A GraphCronBackfill of a GraphCron, as it is created; `spec` has its other fields, those that are None apart."""
    metadata = graphcron["metadata"]
    stamp = f"-{now:%Y%m%d%H%M%S}"
    return {
        "apiVersion": API_VERSION,
        "kind": backfill.KIND,
        "metadata": {
            "name": metadata["name"][: BACKFILL_NAME_LIMIT - len(stamp)].rstrip("-.") + stamp,
            "namespace": metadata["namespace"],
        },
        "spec": {"graphCron": metadata["name"]} | {key: value for key, value in spec.items() if value is not None},
    }


def preview(graphcron: Manifest, wanted: Manifest, now: datetime) -> SlotPlan:
    """What such a backfill would run if it began now, by what the GraphCron's status knows. Raises InvalidGraphCron."""
    spec, timetable = read_backfill(wanted["spec"]), Timetable.of(graphcron)
    done = succeeded_in(read_status(graphcron.get("status")).history or ())
    return plan_of(spec, timetable, until_of(graphcron, timetable, now), done)


def moment(text: str, graphcron: Manifest) -> str:
    """A time that somebody typed, as a spec has it: RFC 3339; or a date, or a date and time without an offset, in the
    GraphCron's own zone. Raises ValueError with a sentence."""
    try:
        return format_time(parse_time(text))
    except ValueError:
        pass
    try:
        local = datetime.fromisoformat(text) if len(text) > len("2026-11-01") else _midnight(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no time: write a date (2026-11-01), a date and time (2026-11-01T09:00), or with an offset "
            "(2026-11-01T09:00:00Z)"
        ) from None
    if local.tzinfo is None:
        zone = (graphcron.get("spec") or {}).get("timezone") or DEFAULT_TIMEZONE
        local = local.replace(tzinfo=read_timezone(zone))
    return format_time(local.astimezone(UTC))


def _midnight(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), datetime.min.time())


def progress(found: Manifest) -> str:
    """Where a backfill is, in one line."""
    status = found.get("status") or {}
    complete: Mapping[str, Any] = next((one for one in status.get("conditions") or [] if one["type"] == "Complete"), {})
    counts = status.get("counts") or {}
    failed = f", {counts['failed']} failed" if counts.get("failed") else ""
    return (
        f"{status.get('phase') or 'Pending'} {status.get('progress') or '0/?'}{failed}: "
        f"{complete.get('message') or 'no operator has seen it yet'}"
    )


def succeeded(found: Manifest) -> bool:
    """Whether every scheduled time is over, and none failed."""
    status = found.get("status") or {}
    return status.get("phase") == "Complete" and not (status.get("counts") or {}).get("failed")
