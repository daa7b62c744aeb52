"""The shortest interval between two firings of a schedule, and whether the installation allows it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from graphcron.firing.robfig_walk import HORIZON_YEARS
from graphcron.schedule.fields import Schedule


def shortest_interval(schedule: Schedule, after: datetime) -> timedelta | None:
    """The least time between two firings within five years, by the clock on the wall: an hour that a clock change
    takes away does not count. None when there are no two.

    A schedule is the same times on each of its days. So it is the least of the gaps between those times, and of that
    from the last of them to the first on the next day that fires: three milliseconds at most, where walking through
    the firings of five years takes minutes.
    """
    times = sorted(60 * hour + minute for hour in schedule.hour.values for minute in schedule.minute.values)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    nights = 0
    for earlier, later in pairwise(_days(schedule, after.replace(hour=0, minute=0, second=0, microsecond=0))):
        apart = (later - earlier).days
        nights = min(nights or apart, apart)
        if nights == 1:
            break
    if nights:
        gaps.append(nights * 24 * 60 - times[-1] + times[0])
    return timedelta(minutes=min(gaps)) if gaps else None


def too_frequent(text: str, schedule: Schedule, least: timedelta, now: datetime) -> str | None:
    """What to say of a schedule, written as `text`, two of whose firings are nearer than the installation allows; None
    when there is nothing to say. A `least` of nothing allows all."""
    closest = shortest_interval(schedule, now) if least else None
    if closest is None or closest >= least:
        return None
    return (
        f"The schedule '{text}' fires again after {_in_words(closest)}, and the limit is once in {_in_words(least)}: "
        "choose a rarer one, or ask the administrator (guardrails.minimumIntervalSeconds of the Helm chart)"
    )


def _in_words(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    units = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
    number, unit = next((seconds // size, unit) for size, unit in units if seconds % size == 0)
    return f"{number} {unit}{'s' if number != 1 else ''}"


def _days(schedule: Schedule, first: datetime) -> Iterator[datetime]:
    for number in range(HORIZON_YEARS * 366):
        day = first + timedelta(days=number)
        if day.month in schedule.month.values and schedule.on_day(day):
            yield day
