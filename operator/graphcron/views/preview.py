"""What a schedule means, while somebody writes it: in words, what it will cost, and when it fires next. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graphcron.schedule.description import in_words
from graphcron.schedule.expression import is_hashed, read
from graphcron.schedule.field_syntax import InvalidSchedule, oversized_steps
from graphcron.schedule.next_runs import next_times
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone
from graphcron.views import forecast

COUNT = 5
EXAMPLE = "H is another value for each GraphCron, and this is an example."
TEXT_LIMIT = 1000
"""Characters of a schedule that are read at all; a GraphCron has at most 256."""


@dataclass(frozen=True)
class Preview:
    """What there is to say of a schedule and a zone. Times are in that zone, and none when either is wrong."""

    words: str = ""
    forecast: str = ""
    times: tuple[datetime, ...] = ()
    notes: tuple[str, ...] = ()
    fault: str = ""
    zone_fault: str = ""


NO_STATUS: Mapping[str, Any] = {}


def preview(text: str, timezone: str, now: datetime, seed: str = "", status: Mapping[str, Any] = NO_STATUS) -> Preview:
    """`seed` is the uid of the GraphCron and `status` what it did, both empty for one that is new."""
    text, timezone = text.strip()[:TEXT_LIMIT], timezone.strip()
    zone, zone_fault = None, ""
    try:
        zone = read_timezone(timezone or None)
    except InvalidTimezone as error:
        zone_fault = str(error)
    if not text:
        return Preview(zone_fault=zone_fault)
    try:
        schedule = read(text, seed)
    except InvalidSchedule as error:
        return Preview(fault=str(error), zone_fault=zone_fault)
    notes = (*((EXAMPLE,) if is_hashed(text) and not seed else ()), *oversized_steps(text))
    times = tuple(time.astimezone(zone) for time in next_times(schedule, zone, now, COUNT)) if zone else ()
    expected = forecast.in_words(forecast.forecast(schedule, status))
    return Preview(in_words(schedule), expected, times, notes, zone_fault=zone_fault)
