"""The dialect layer and the next times: what is accepted, how it is spelled for Kubernetes, when it fires."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter

from graphcron.schedule import InvalidSchedule, InvalidTimezone, next_times, read, read_timezone

REWRITTEN = {
    "what Kubernetes reads stays as it was": ("*/5 9-17 1,15 jan-mar mon-fri", "*/5 9-17 1,15 jan-mar mon-fri"),
    "white space is one blank": ("  0\t0 *  * * ", "0 0 * * *"),
    "Sunday may be 7": ("0 0 * * 7", "0 0 * * 0"),
    "a range up to Sunday as 7": ("0 0 * * 5-7", "0 0 * * 0,5,6"),
    "hours run over midnight": ("0 22-2 * * *", "0 0,1,2,22,23 * * *"),
    "weekdays run over the week's end": ("0 0 * * fri-mon", "0 0 * * 0,1,5,6"),
    "a named schedule becomes fields": ("@daily", "0 0 * * *"),
    "names in any case": ("0 0 * JAN Mon", "0 0 * jan mon"),
}


@pytest.mark.parametrize(("written", "spelled"), REWRITTEN.values(), ids=REWRITTEN)
def test_a_schedule_is_spelled_for_kubernetes(written: str, spelled: str) -> None:
    assert read(written).kubernetes == spelled


REFUSED = {
    "no schedule at all": ("banana", "standard cron format"),
    "nothing": ("", "standard cron format"),
    "seconds": ("*/30 * * * * *", "Seconds and years are not supported: write five fields"),
    "a zone inside": ("TZ=Europe/Berlin 0 9 * * *", "name it in 'timezone'"),
    "an interval": ("@every 5m", "Write five fields"),
    "a name that is none": ("@reboot", "Known are @yearly"),
    "the last day": ("0 0 L * *", "'L' in the day of month is not supported"),
    "the nearest weekday": ("0 0 15W * *", "'W' in the day of month"),
    "the second Friday": ("0 0 * * 5#2", "'#' in the day of week"),
    "a random minute": ("R * * * *", "'R' in the minute"),
    "an hour that is none": ("0 24 * * *", "'24' is no valid hour: it goes from 0 to 23"),
    "a month that is none": ("0 0 1 13 *", "'13' is no valid month: it goes from 1 to 12"),
    "a step of none": ("*/0 * * * *", "must be 1 or more"),
    "a day that never comes": ("0 0 31 2 *", "It never fires"),
    "all question marks": ("? ? ? ? ?", "standard cron format"),
}


@pytest.mark.parametrize(("written", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_schedule_is_refused_with_its_text_and_a_reason(written: str, reason: str) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        read(written)
    assert str(refused.value).startswith(f"Invalid cron schedule: '{written}'. Reason: ")
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "name", ["Mars/Phobos", "europe/berlin", "UTC+2", "", "Local", "../../etc/passwd", "posix/UTC"]
)
def test_a_zone_that_kubernetes_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(InvalidTimezone, match="Use IANA timezone format"):
        read_timezone(name)


def test_no_zone_is_utc() -> None:
    assert read_timezone(None).key == "Etc/UTC"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# Each line was produced by robfig/cron v3.0.1.
CLOCK_CHANGES = {
    "an hour that the spring skips has no firing": (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        ["2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"],
    ),
    "an hour that the autumn repeats fires twice": (
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"],
    ),
    "midnight that does not exist": (
        "0 0 * * *",
        "Africa/Cairo",
        "2026-04-22T12:00:00Z",
        ["2026-04-22T22:00:00Z", "2026-04-24T21:00:00Z"],
    ),
}


@pytest.mark.parametrize(("spec", "zone", "after", "expected"), CLOCK_CHANGES.values(), ids=CLOCK_CHANGES)
def test_clock_changes_are_those_of_the_cluster(spec: str, zone: str, after: str, expected: list[str]) -> None:
    times = next_times(read(spec), ZoneInfo(zone), at(after), len(expected))
    assert times == [at(text) for text in expected]


def test_in_utc_it_fires_when_langgraph_would() -> None:
    """Random schedules, backward ranges and Sunday as 7 included: five firings each, the same as croniter's."""
    chance = random.Random(20261122)
    compared = 0
    for _ in range(600):
        spec = " ".join(_field(chance, *bounds) for bounds in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7)))
        after = at("2026-01-01T00:00:00Z") + timedelta(minutes=chance.randrange(1_000_000))
        try:
            schedule = read(spec)
        except InvalidSchedule:
            continue
        reference = croniter(spec, after)
        expected = [reference.get_next(datetime) for _ in range(5)]
        assert next_times(schedule, ZoneInfo("Etc/UTC"), after, 5) == expected, spec
        compared += 1
    assert compared > 500


def _field(chance: random.Random, low: int, high: int) -> str:
    def part() -> str:
        first, last = chance.randint(low, high), chance.randint(low, high)
        return chance.choice([f"{first}", f"{first}-{last}", f"*/{chance.randint(1, high)}", f"{first}-{last}/2"])

    return "*" if chance.random() < 0.35 else ",".join(part() for _ in range(chance.choice([1, 1, 2])))


def test_the_next_time_is_later_than_the_moment_itself() -> None:
    due = at("2026-05-01T10:00:00Z")
    assert next_times(read("0 10 * * *"), ZoneInfo("Etc/UTC"), due, 1) == [due + timedelta(days=1)]
