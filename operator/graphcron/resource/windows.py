"""Windows: the day, the week and the month in which a moment lies, by a time zone, and what was used in them. Pure."""

from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from graphcron.resource.usage import Spending, SpendingWindow

Per = Literal["Day", "Week", "Month"]
PERS: tuple[Per, ...] = ("Day", "Week", "Month")


def begin(per: Per, moment: datetime, zone: ZoneInfo) -> datetime:
    """When the window began in which a moment lies, in UTC. A week begins on Monday."""
    return _midnight(_first(per, moment.astimezone(zone).date()), zone)


def end(per: Per, moment: datetime, zone: ZoneInfo) -> datetime:
    """When it ends: the beginning of the next one, in UTC."""
    first = _first(per, moment.astimezone(zone).date())
    # 31 days after the first of a month lies in the next one, and so do 32 after any.
    after = first + timedelta(days={"Day": 1, "Week": 7, "Month": 32}[per])
    return _midnight(_first(per, after), zone)


def current(spending: Spending | None, per: Per, now: datetime, zone: ZoneInfo) -> SpendingWindow:
    """What was used in the window of `now`: nothing when no firing has ended in it."""
    since = begin(per, now, zone)
    known = of(spending, per) if spending else None
    return known if known and known.since >= since else SpendingWindow(since=since)


def of(spending: Spending, per: Per) -> SpendingWindow:
    """That window as it is recorded, which may be over."""
    return {"Day": spending.today, "Week": spending.week, "Month": spending.month}[per]


def _first(per: Per, day: date) -> date:
    if per == "Month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if per == "Week" else day


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Where the clocks skip midnight, the moment at which they do."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
