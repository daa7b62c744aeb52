"""The walk through the calendar, where clocks change on its way and where the calendar ends."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from graphcron.firing.robfig_walk import walked
from graphcron.schedule.expression import read
from graphcron.schedule.next_runs import next_times


def test_a_day_that_a_zone_left_out_ends() -> None:
    """robfig/cron itself never returns from there."""
    after = datetime(2011, 12, 28, tzinfo=UTC)
    assert next_times(read("0 9 31 12 *"), ZoneInfo("Pacific/Apia"), after, 1) == [
        datetime(2011, 12, 30, 19, tzinfo=UTC)
    ]


@pytest.mark.parametrize(
    ("spec", "after", "expected"),
    [
        ("30 9 3 9 *", "1974-10-15T00:00Z", ["1976-09-03T12:30Z", "1977-09-03T12:30Z"]),
        # The walk goes on from the 31st at 23:15 and passes 12:00 on 29 February by: so does a CronJob.
        ("0 12 29 2 *", "1970-10-15T00:00Z", ["1972-02-29T15:45Z"]),
    ],
)
def test_a_first_of_the_month_that_clocks_made_the_31st_is_no_end(spec: str, after: str, expected: list[str]) -> None:
    """On 1 August 1975 Guyana's clocks skipped from 00:00 to 00:45. What is expected is robfig/cron v3.0.1's answer."""
    times = next_times(read(spec), ZoneInfo("America/Guyana"), datetime.fromisoformat(after), 2)
    assert times == [datetime.fromisoformat(text) for text in expected]


FAR_ZONES = (
    "Africa/Monrovia", "America/Guyana", "America/Havana", "America/Managua", "Asia/Kolkata", "Asia/Gaza",
    "Australia/Lord_Howe", "Europe/Amsterdam", "Europe/Berlin", "Pacific/Honolulu",
)  # fmt: skip


def test_at_far_bases_each_yearly_schedule_has_its_next_times() -> None:
    """From the year 2 to 9993; most of them where zones began, and left odd offsets and changes at midnight."""
    chosen = random.Random(20261127)
    for _ in range(3000):
        zone = ZoneInfo(chosen.choice(FAR_ZONES))
        year = chosen.choice((chosen.randint(2, 9993), chosen.randint(1880, 1980), chosen.randint(1880, 1980)))
        after = datetime(year, 1, 1, tzinfo=UTC) + timedelta(seconds=chosen.randrange(365 * 86_400))
        hours = f"{chosen.randrange(4)}-{chosen.randrange(4, 24)}"
        spec = f"{chosen.randrange(60)} {hours} {chosen.randint(1, 28)},{chosen.randint(29, 31)} {_month(chosen)} *"
        schedule = read(spec)
        found = next_times(schedule, zone, after, 3)
        expected = [after]
        for _ in range(3):
            following = walked(schedule, zone, expected[-1])
            assert following, f"{spec} in {zone.key} ends after {expected[-1]}"
            expected.append(following)
        assert found == expected[1:], (spec, zone.key, after)
        for moment in found:
            assert schedule.on_day(moment.astimezone(zone)), (spec, zone.key, moment)


def _month(chosen: random.Random) -> str:
    return chosen.choice(("*", str(chosen.randint(1, 12))))


@pytest.mark.parametrize("name", ["Etc/UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("spec", ["0 9 * * *", "* * * * *", "0 0 29 2 *", "0 0 L * *", "0 0 * * 5#5"])
@pytest.mark.parametrize("day", [1, 28, 31])
def test_the_end_of_the_calendar_is_the_end_of_the_times(name: str, spec: str, day: int) -> None:
    after = datetime(9999, 12, day, 12, tzinfo=UTC)
    times = next_times(read(spec), ZoneInfo(name), after, 3)
    assert times == sorted(times)
    assert all(moment > after for moment in times)
