"""Asks robfig/cron when thousands of schedules fire, and writes the answers down: `make vectors`.

The questions come from a fixed seed, so the file changes only when they, the dialect or the zone data do.
"""

import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

from cluster import binary, commands, golang
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from tests.vectors import FILE, Vector, write, zone

SOURCE = Path(__file__).parent
SEED = 20261122

CHANGING = (
    "Africa/Cairo", "Africa/Casablanca", "America/Havana", "America/New_York", "America/Nuuk", "America/Santiago",
    "America/St_Johns", "Asia/Beirut", "Asia/Gaza", "Asia/Jerusalem", "Atlantic/Azores", "Australia/Lord_Howe",
    "Europe/Berlin", "Europe/Chisinau", "Pacific/Auckland", "Pacific/Chatham",
)  # fmt: skip
"""Zones whose clocks change in those years, by an hour or half an hour, at night or at midnight."""

STEADY = ("Etc/UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia", "Etc/GMT+12")

OLD_CHANGES = {
    "Pacific/Apia": ("2012-04-01", "2020-09-26"),  # not 2011-12-30, a day that it left out: robfig/cron never returns
    "America/Sao_Paulo": ("2018-02-17", "2018-11-03"),
    "Asia/Kolkata": ("1945-10-14",),
}
"""Of zones that changed their clocks once, in a way that no zone does in the years to come."""

FAR = ("America/Guyana", "America/Managua", "America/Havana", "America/Sao_Paulo", "Asia/Beirut", "Asia/Gaza")
"""Zones with changes at midnight on the first of a month, and by other than whole hours, long ago."""

CHANGES_FROM, CHANGES_TO = datetime(2025, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)

FEATURES = (
    "@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually", "@DAILY", "0 0 * * 7",
    "0 0 * * 5-7", "0 12 * * 7-2", "15 3 * * fri-mon", "0 22-2 * * *", "50-10 * * * *", "0 0 28-3 * *",
    "0 9 * nov-feb mon", "0 9 * NOV-FEB SUN", "5-5 * * * *", "0 5-5 * * *", "0 0 5-5 * *", "0 0 * 5-5 *",
    "0 0 * * 5-5", "10/20 * * * *", "59/15 * * * *", "0 3/7 * * *", "0 0 20/3 * *", "0 0 * 5/3 *", "0 0 * * 3/2",
    "*/7 */5 */3 */2 */2", "*/1 */1 */1 */1 */1", "0 0 ? * mon", "0 0 1 * ?", "0 0 */2 * 1", "0 0 1-7 * */3",
    "0 0 13 * fri", "0 0 29 2 *", "0 0 31 * *", "0 0 29 2 mon", "30 22-2/2 * * 6-1/2", "40-20/7 * * * *",
    "0,0 1,1 1,15,1 1,1 *", "*,5 * * * *", "00 09 01 01 *", "0 0 * * sun,7,0", "0 0 1-31 * *", "0 0 1-31 * 1",
    "0 0 * * 0-6", "0 0 1 * 0-6", "0 0 * 1-12 *", "0-59 0-23 * * *", "0 0 * * mon-sun", "0 0 * * 1-7",
)  # fmt: skip
"""Everything that the dialect reads, and that it has to spell anew for Kubernetes."""

Question = tuple[str, str, datetime]


def main() -> None:
    chance = random.Random(SEED)
    questions = dict.fromkeys([*_by_feature(chance), *_at_changes(chance), *_anywhere(chance), *_far_away(chance)])
    vectors = _ask(list(questions))
    write(vectors)
    sys.stdout.write(f"{len(vectors)} vectors in {FILE.name}, {FILE.stat().st_size // 1024} KiB\n")


def _by_feature(chance: random.Random) -> Iterator[Question]:
    for spec in FEATURES:
        for name in (*CHANGING, *STEADY):
            yield spec, name, _some_time(chance)


def _at_changes(chance: random.Random) -> Iterator[Question]:
    """Around every change of the clocks: the hours that it skips and repeats, from before, within and after."""
    for name in CHANGING:
        changes = list(clock_changes(name))
        assert len(changes) >= 4, f"{name} was chosen because its clocks change: {changes}"
        for change in changes:
            yield from _around(chance, name, change, 60)
    for name, days in OLD_CHANGES.items():
        for day in days:
            yield from _around(chance, name, datetime.fromisoformat(day).replace(tzinfo=UTC), 60)


def _around(chance: random.Random, name: str, moment: datetime, count: int) -> Iterator[Question]:
    hours = sorted({(moment + timedelta(hours=shift)).astimezone(zone(name)).hour for shift in (-2, -1, 0, 1)})
    for _ in range(count):
        hour = chance.choice(hours)
        minute = chance.choice(["0", "30", "*/15", "*", str(chance.randrange(60))])
        spec = chance.choice(
            [
                f"{minute} {hour} * * *",
                f"{minute} {hour} {moment.day},{chance.randint(1, 28)} * *",
                f"{minute} {hour} * * {chance.choice('sun sat fri thu 7 5-7 mon-sat'.split())}",
                f"{minute} {hour}-{chance.randrange(24)} * * *",
                f"{minute} */{chance.randint(1, 12)} * {moment.month} *",
                f"{minute} * {moment.day} * {chance.randrange(7)}",
                _random_spec(chance),
            ]
        )
        before = timedelta(minutes=chance.choice([0, 1, 30, 60, 61, 90, 120, 720, 1440, 2880, -1, -30, -60]))
        yield spec, name, moment - before


def clock_changes(name: str) -> Iterator[datetime]:
    """The first minute of each new offset, from 2025 to 2028."""
    where, hour = zone(name), timedelta(hours=1)
    moment = CHANGES_FROM
    while moment < CHANGES_TO:
        offset = moment.astimezone(where).utcoffset()
        if offset != (moment + hour).astimezone(where).utcoffset():
            minute = moment
            while minute.astimezone(where).utcoffset() == offset:
                minute += timedelta(minutes=1)
            yield minute
        moment += hour


def _anywhere(chance: random.Random) -> Iterator[Question]:
    for _ in range(12_000):
        yield _random_spec(chance), chance.choice((*CHANGING, *STEADY)), _some_time(chance)


def _far_away(chance: random.Random) -> Iterator[Question]:
    """From years that no cron was written in: 1940 to 1989 and 2040 to 2299."""
    for _ in range(3_000):
        yearly = f"{chance.randrange(60)} {chance.randrange(24)} {chance.randint(1, 31)} {chance.choice([1, 3, 8])} *"
        year = chance.choice([chance.randrange(1940, 1990), chance.randrange(1940, 1990), chance.randrange(2040, 2300)])
        start = datetime(year, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(365 * 24 * 60))
        yield chance.choice([yearly, _random_spec(chance)]), chance.choice(FAR), start


def _some_time(chance: random.Random) -> datetime:
    return CHANGES_FROM + timedelta(minutes=chance.randrange(4 * 365 * 24 * 60))


def _random_spec(chance: random.Random) -> str:
    while True:
        fields = [
            _field(chance, 0, 59, star=0.1),
            _field(chance, 0, chance.choice([3, 23]), star=0.2),
            _field(chance, 1, 31, star=0.6),
            _field(chance, 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec".split(), star=0.7),
            _field(chance, 0, 7, "sun mon tue wed thu fri sat".split(), star=0.6),
        ]
        spec = " ".join(fields)
        try:
            read(spec)
        except InvalidSchedule:
            continue
        return spec


def _field(chance: random.Random, low: int, high: int, names: list[str] | None = None, *, star: float) -> str:
    def value() -> str:
        if names and chance.random() < 0.3:
            name = chance.choice(names)
            return chance.choice([name, name.upper(), name.title()])
        return str(chance.randint(low, high))

    def piece() -> str:
        return chance.choices(
            [value(), f"{value()}-{value()}", f"*/{chance.randint(1, high)}", f"{value()}/{chance.randint(1, 9)}",
             f"{value()}-{value()}/{chance.randint(1, 9)}"],
            [5, 3, 2, 1, 1],
        )[0]  # fmt: skip

    return "*" if chance.random() < star else ",".join(piece() for _ in range(chance.choice([1, 1, 1, 2, 3])))


def _ask(questions: list[Question]) -> list[Vector]:
    asked = [(spec, read(spec).kubernetes, name, int(start.timestamp()) // 60) for spec, name, start in questions]
    answers = _robfig([f"{spelled}|{name}|{start}" for _, spelled, name, start in asked])
    return [Vector(*question, tuple(map(int, steps.split()))) for question, steps in zip(asked, answers, strict=True)]


def _robfig(lines: list[str]) -> list[str]:
    go = golang.find(SOURCE)
    program = SOURCE / ".vectors"
    commands.run([go, "build", "-C", SOURCE, "-o", program, "."], env=binary.go_environment(), timeout=300)
    try:
        # Go looks there first: so both sides have the same zone data, those of PyPI.
        with resources.as_file(resources.files("tzdata") / "zoneinfo") as data:
            done = subprocess.run(
                [program], input="\n".join(lines), env={"ZONEINFO": str(data)}, capture_output=True, text=True,
                timeout=60, check=False,
            )  # fmt: skip
    finally:
        program.unlink()
    if done.returncode:
        sys.exit(f"robfig/cron refused a schedule that we spelled: {done.stderr}")
    return done.stdout.splitlines()


if __name__ == "__main__":
    main()
