"""A month of one GraphCron: what its firings came to, and when it will fire. Days are those of its own zone. Pure."""

from calendar import Calendar, month_name
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from graphcron.firing.formats import moment_of, parse_time
from graphcron.kube.resources import Manifest
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.fields import Schedule
from graphcron.schedule.next_runs import next_times
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone
from graphcron.views.timeline import MINUTES, fires

SHOWN_TIMES = 3
"""Of the coming firings of a day; of more, the first and the last are shown."""


@dataclass(frozen=True)
class Month:
    """A calendar month."""

    year: int
    number: int

    @property
    def before(self) -> "Month":
        return Month(self.year - 1, 12) if self.number == 1 else Month(self.year, self.number - 1)

    @property
    def after(self) -> "Month":
        return Month(self.year + 1, 1) if self.number == 12 else Month(self.year, self.number + 1)

    @property
    def is_within_calendar(self) -> bool:
        """Far enough from the ends of Python's calendar for the months and zones around it."""
        return MINYEAR + 1 < self.year < MAXYEAR - 1

    @property
    def title(self) -> str:
        """As people write it."""
        return f"{month_name[self.number]} {self.year}"

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


def read_month(text: str | None, now: datetime, zone: ZoneInfo) -> Month:
    """The month that a URL names as `2026-11`; that of `now` when it names none."""
    try:
        named = datetime.strptime(text or "", "%Y-%m")  # noqa: DTZ007 - a month has no zone
        month = Month(named.year, named.month)
    except ValueError:
        month = Month(1, 1)
    if month.is_within_calendar:
        return month
    local = now.astimezone(zone)
    return Month(local.year, local.month)


@dataclass(frozen=True)
class Day:
    """One day: entries of the history that were due on it, oldest first, and the first times to come of `coming`."""

    date: date
    in_month: bool
    is_today: bool
    entries: tuple[Manifest, ...]
    times: tuple[datetime, ...]
    coming: int

    @property
    def last(self) -> datetime | None:
        """The last of the coming firings, where not all of them are in `times`."""
        return self.times[-1] if self.coming > len(self.times) else None


@dataclass(frozen=True)
class MonthView:
    """Weeks from Monday to Sunday. `problem` says why nothing is to come."""

    month: Month
    zone: str
    weeks: tuple[tuple[Day, ...], ...]
    problem: str | None

    def clock(self, time: datetime | str) -> str:
        """Hour and minute of a time in the zone of the cron."""
        moment = parse_time(time) if isinstance(time, str) else time
        return f"{moment.astimezone(ZoneInfo(self.zone)):%H:%M}"


def month_of(graphcron: Manifest, asked: str | None, now: datetime) -> MonthView:
    """The month that is asked for, by default that of `now`."""
    spec = graphcron.get("spec") or {}
    zone, problem, schedule = ZoneInfo("Etc/UTC"), None, None
    try:
        zone = read_timezone(spec.get("timezone"))
        schedule = read(str(spec.get("schedule")), str(graphcron["metadata"]["uid"]))
    except (InvalidSchedule, InvalidTimezone) as error:
        problem = str(error)
    if schedule is not None and not fires(graphcron):
        schedule, problem = None, "It does not fire now: nothing is planned."
    month = read_month(asked, now, zone)
    today = now.astimezone(zone).date()
    entries = _entries(graphcron, zone)
    bounds = tuple(moment_of(str(spec[name])) if spec.get(name) else None for name in ("startTime", "endTime"))

    def day(one: date) -> Day:
        in_month = one.month == month.number
        coming = _coming(schedule, zone, one, now, *bounds) if schedule and in_month and one >= today else []
        times = coming if len(coming) <= SHOWN_TIMES else [coming[0], coming[-1]]
        return Day(one, in_month, one == today, tuple(entries.get(one, [])), tuple(times), len(coming))

    weeks = Calendar().monthdatescalendar(month.year, month.number)
    return MonthView(month, zone.key, tuple(tuple(map(day, week)) for week in weeks), problem)


def _entries(graphcron: Manifest, zone: ZoneInfo) -> dict[date, list[Manifest]]:
    found: dict[date, list[Manifest]] = {}
    for entry in (graphcron.get("status") or {}).get("history", []):
        if due := moment_of(str(entry["scheduledTime"])):
            found.setdefault(due.astimezone(zone).date(), []).append(entry)
    return {day: sorted(ended, key=lambda one: str(one["scheduledTime"])) for day, ended in found.items()}


def _coming(
    schedule: Schedule, zone: ZoneInfo, day: date, now: datetime, begin: datetime | None, end: datetime | None
) -> Sequence[datetime]:
    first = datetime.combine(day, time(), zone).astimezone(UTC)
    last = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC) - timedelta(seconds=1)
    after = max(now, first - timedelta(seconds=1))
    # A day on which clocks go back has an hour more.
    return next_times(schedule, zone, after, MINUTES + 60, start=begin, end=end, until=last)
