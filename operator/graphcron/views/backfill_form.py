"""The form of a backfill: the object that comes of it, and which scheduled times that would run. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from graphcron.firing.formats import format_time
from graphcron.kube.resources import Manifest
from graphcron.resource.backfill import KIND, read_backfill
from graphcron.resource.backfill_plan import SlotPlan, Timetable, plan_of, succeeded_in, until_of
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.identity import API_VERSION
from graphcron.resource.status import read_status
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone

NEEDED = "must be a date and a time, such as 2026-11-01T00:00"
SHOWN_TIMES = 10
"""Of a plan, half of them from either end."""
_NAME_PART = 38
"""Characters of the GraphCron's name in that of the backfill, which has 63 at most."""


@dataclass(frozen=True)
class BackfillDraft:
    """What came of the form. `plan` is there when nothing is wrong; errors are by field, those of no field by ''."""

    manifest: Manifest
    plan: SlotPlan | None
    errors: Mapping[str, str]


def zone_of(graphcron: Manifest) -> ZoneInfo:
    """The zone in which its times are written; Etc/UTC for one that cannot be read."""
    try:
        return read_timezone((graphcron.get("spec") or {}).get("timezone"))
    except InvalidTimezone:
        return read_timezone(None)


def draft(values: Mapping[str, str], graphcron: Manifest, now: datetime) -> BackfillDraft:
    """Reads the form for a GraphCron as it is."""
    metadata, zone = graphcron["metadata"], zone_of(graphcron)
    spec: dict[str, object] = {"graphCron": metadata["name"]}
    errors: dict[str, str] = {}
    for name in ("from", "to"):
        try:
            spec[name] = _moment(values.get(name, ""), zone)
        except (ValueError, OverflowError):
            errors[name] = NEEDED
    if parallelism := values.get("parallelism", "").strip():
        if parallelism.isdecimal() and len(parallelism) < 10:
            spec["parallelism"] = int(parallelism)
        else:
            errors["parallelism"] = "must be a whole number"
    if values.get("order"):
        spec["order"] = values["order"]
    if values.get("rerun"):
        spec["rerun"] = True
    manifest = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": f"{metadata['name'][:_NAME_PART].rstrip('-.')}-backfill-{now:%Y%m%d%H%M%S}",
            "namespace": metadata["namespace"],
        },
        "spec": spec,
    }
    if errors:
        return BackfillDraft(manifest, None, errors)
    try:
        return BackfillDraft(manifest, _plan(spec, graphcron, now), {})
    except InvalidGraphCron as invalid:
        return BackfillDraft(manifest, None, {"": invalid.message})


def _moment(text: str, zone: ZoneInfo) -> str:
    moment = datetime.fromisoformat(text.strip())
    return format_time((moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC))


def _plan(spec: object, graphcron: Manifest, now: datetime) -> SlotPlan:
    wanted, timetable = read_backfill(spec), Timetable.of(graphcron)
    done = succeeded_in(read_status(graphcron.get("status")).history or ())
    return plan_of(wanted, timetable, until_of(graphcron, timetable, now), done)
