"""When GraphCrons fire in the next 24 hours, which minutes are too full, and what the last 24 hours brought. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from graphcron.firing.formats import moment_of
from graphcron.kube.resources import Manifest
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import DESCRIPTORS, InvalidSchedule
from graphcron.schedule.fields import Schedule
from graphcron.schedule.next_runs import next_times
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone
from graphcron.views.glance import glance, written_status

MINUTES = 24 * 60
"""As far as it looks ahead and back, and how often a GraphCron can fire in that time."""
JOBS_PER_SECOND = 8.5
"""What a stock CronJob controller starts (docs/schedules.md)."""
LATE = timedelta(seconds=10)
"""Of the last Job of a minute, from which on the minute is too full."""
SHOWN_MINUTES = 10
SHOWN_SCHEDULES = 5
"""Of the fullest minutes, and of the schedules in each."""
WALKED = 300_000
"""Firings of distinct schedules that are looked up, in about two seconds. GraphCrons beyond it are counted and not
shown: ten thousand hourly or daily ones with H come to a tenth of it."""

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Crowd:
    """GraphCrons of one schedule in one minute, and the schedule with H that would spread them, if there is one."""

    schedule: str
    timezone: str
    number: int
    spread: str | None


@dataclass(frozen=True)
class HotMinute:
    """A minute whose last Job starts so long after it is due; `waiting` Jobs are left over from the minutes before."""

    at: datetime
    number: int
    waiting: int
    late: timedelta
    crowds: tuple[Crowd, ...]


@dataclass(frozen=True)
class Ahead:
    """The next 24 hours: firings in each minute from `start` on. `unread` GraphCrons are not in it."""

    start: datetime
    minutes: tuple[int, ...]
    hot: tuple[HotMinute, ...]
    hot_minutes: int
    crons: int
    unread: int

    @property
    def firings(self) -> int:
        return sum(self.minutes)

    @property
    def hours(self) -> list[tuple[datetime, list[tuple[int, int, int]]]]:
        """Each hour with its minutes in which something fires: minute, number of firings, and level of heat."""
        first = self.start.minute
        begin, shown = self.start - timedelta(minutes=first), [0] * first + list(self.minutes)
        return [
            (
                begin + hour * timedelta(hours=1),
                [(at, number, level(number)) for at, number in enumerate(shown[60 * hour : 60 * hour + 60]) if number],
            )
            for hour in range(-(-len(shown) // 60))
        ]

    @property
    def fullest(self) -> int:
        return max(self.minutes)


@dataclass(frozen=True)
class Behind:
    """The last 24 hours up to the end of `start` and its slots: firings by outcome in each slot. Of `cut` GraphCrons
    the history does not reach back so far."""

    start: datetime
    slot: timedelta
    slots: tuple[Counter[str], ...]
    cut: int

    @property
    def totals(self) -> Counter[str]:
        return sum(self.slots, Counter[str]())

    @property
    def most(self) -> int:
        """Firings of the fullest slot."""
        return max(slot.total() for slot in self.slots)

    @property
    def bars(self) -> list[tuple[int, list[tuple[str, float, float]]]]:
        """Each slot with its outcomes as parts of one bar: where a part begins, and its height, in percent of the
        fullest slot."""
        most = self.most
        found = []
        for at, slot in enumerate(self.slots):
            parts, low = [], 0.0
            for outcome in sorted(slot, key=_worst_last):
                height = 100 * slot[outcome] / most
                parts.append((outcome, low, height))
                low += height
            if parts:
                found.append((at, parts))
        return found

    @property
    def ticks(self) -> list[datetime]:
        """Both ends, and what divides the time between them by four."""
        whole = len(self.slots) * self.slot
        return [self.start + whole * part / 4 for part in range(5)]


_BAR_ORDER = ("Succeeded", "Skipped", "Replaced", "WaitingForInput", "Missed", "Failed")


def _worst_last(outcome: str) -> int:
    return _BAR_ORDER.index(outcome) if outcome in _BAR_ORDER else len(_BAR_ORDER)


def ahead(graphcrons: Iterable[Manifest], now: datetime) -> Ahead:
    """GraphCrons of the same schedule and zone fire at the same times, which are looked up once for all of them."""
    start = now.astimezone(UTC).replace(second=0, microsecond=0)
    groups: dict[_Key, Counter[str]] = defaultdict(Counter)
    crons = unread = 0
    for graphcron in graphcrons:
        if not fires(graphcron):
            continue
        crons += 1
        key = _key_of(graphcron)
        if key is None:
            unread += 1
        else:
            groups[key][str(graphcron["spec"]["schedule"])] += 1
    minutes = [0] * MINUTES
    members: dict[int, list[_Key]] = defaultdict(list)
    walked = 0
    for key, spelled in sorted(groups.items(), key=lambda one: -one[1].total()):
        if walked >= WALKED:
            unread += spelled.total()
            continue
        times = _times(key, now, start)
        walked += len(times) + 1
        for time in times:
            minute = int((time - start) / _MINUTE)
            minutes[minute] += spelled.total()
            members[minute].append(key)
    hot = _hot_minutes(minutes)
    fullest = sorted(hot, key=lambda one: (-one[2], one[0]))[:SHOWN_MINUTES]
    shown = tuple(
        HotMinute(start + minute * _MINUTE, minutes[minute], waiting, late, _crowds(members[minute], groups))
        for minute, waiting, late in fullest
    )
    return Ahead(start, tuple(minutes), shown, len(hot), crons, unread)


_Key = tuple[Schedule, str, datetime | None, datetime | None]
"""What decides when a GraphCron fires: schedule, zone, startTime and endTime."""


def fires(graphcron: Manifest) -> bool:
    """Whether it has a next firing."""
    return glance(graphcron).following is not None


def _key_of(graphcron: Manifest) -> _Key | None:
    spec = graphcron.get("spec") or {}
    try:
        schedule = read(str(spec["schedule"]), str(graphcron["metadata"]["uid"]))
        zone = read_timezone(spec.get("timezone")).key
    except (KeyError, InvalidSchedule, InvalidTimezone):
        return None
    begin, end = (moment_of(str(spec[name])) if spec.get(name) else None for name in ("startTime", "endTime"))
    return schedule, zone, begin, end


def _times(key: _Key, now: datetime, start: datetime) -> list[datetime]:
    schedule, zone, begin, end = key
    last = start + (MINUTES - 1) * _MINUTE
    return next_times(schedule, read_timezone(zone), now, MINUTES, start=begin, end=end, until=last)


LEVELS = (1, 3, 10, 30, 85)
"""Firings of a minute from which on it is one shade darker: the same everywhere, the last where Jobs start late."""


def level(number: int) -> int:
    """The shade of a minute, from 1 on; 0 for none."""
    return sum(number >= least for least in LEVELS)


def _hot_minutes(minutes: Sequence[int]) -> list[tuple[int, int, timedelta]]:
    """Each minute in which Jobs fall due and the last of them starts late, with the Jobs that were left from before."""
    hot, waiting = [], 0.0
    for minute, number in enumerate(minutes):
        late = timedelta(seconds=(waiting + number) / JOBS_PER_SECOND)
        if number and late >= LATE:
            hot.append((minute, int(waiting), late))
        waiting = max(0.0, waiting + number - 60 * JOBS_PER_SECOND)
    return hot


def _crowds(keys: Sequence[_Key], groups: dict[_Key, Counter[str]]) -> tuple[Crowd, ...]:
    """The largest first. Schedules are counted as people wrote them."""
    crowds: Counter[tuple[str, str]] = Counter()
    for key in keys:
        for text, number in groups[key].items():
            crowds[text, key[1]] += number
    largest = sorted(crowds.items(), key=lambda one: (-one[1], one[0]))[:SHOWN_SCHEDULES]
    return tuple(Crowd(text, zone, number, spread(text)) for (text, zone), number in largest)


def spread(text: str) -> str | None:
    """The schedule with H for its minute, as often as before; None when it has H already or fires each minute."""
    fields = DESCRIPTORS.get(text.strip().lower(), text).split()
    if len(fields) != 5:
        return None
    if re.fullmatch(r"\d+", fields[0]):
        return " ".join(["H", *fields[1:]])
    step = re.fullmatch(r"(?:\*|0|0-59)/(\d+)", fields[0])
    if step and int(step[1]) > 1:
        return " ".join([f"H/{step[1]}", *fields[1:]])
    return None


SLOT = timedelta(minutes=15)


def behind(graphcrons: Iterable[Manifest], now: datetime) -> Behind:
    """What the histories tell. Firings that are one entry of a history are shown in the slot of the last of them."""
    end = _next_slot(now)
    number = MINUTES // int(SLOT / _MINUTE)
    start = end - number * SLOT
    slots = [Counter[str]() for _ in range(number)]
    cut = 0
    for graphcron in graphcrons:
        history = written_status(graphcron).get("history", [])
        due = None
        for entry in history:
            due = moment_of(str(entry.get("lastScheduledTime") or entry["scheduledTime"]))
            if due is not None and start <= due < end:
                slots[int((due - start) / SLOT)][str(entry["outcome"])] += int(entry.get("count") or 1)
        cut += len(history) >= HISTORY and due is not None and due > start
    return Behind(start, SLOT, tuple(slots), cut)


HISTORY = 10
"""Entries of a full history."""


def _next_slot(now: datetime) -> datetime:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (int((now - midnight) / SLOT) + 1) * SLOT
