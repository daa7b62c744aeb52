"""The dialect layer: what is accepted, how it is spelled for Kubernetes, and what a refusal says."""

import random
from collections.abc import Callable

import pytest
from croniter import croniter

from graphcron.schedule.expression import read, read_in_full
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.fields import Schedule

REWRITTEN = {
    "what Kubernetes reads stays as it was": ("*/5 9-17 1,15 jan-mar mon-fri", "*/5 9-17 1,15 jan-mar mon-fri"),
    "white space is one blank": ("  0\t0 *  * * ", "0 0 * * *"),
    "Sunday may be 7": ("0 0 * * 7", "0 0 * * 0"),
    "a range up to Sunday as 7": ("0 0 * * 5-7", "0 0 * * 0,5,6"),
    "hours run over midnight": ("0 22-2 * * *", "0 0,1,2,22,23 * * *"),
    "weekdays run over the week's end": ("0 0 * * fri-mon", "0 0 * * 0,1,5,6"),
    "a named schedule becomes fields": ("@daily", "0 0 * * *"),
    "names in any case": ("0 0 * JAN Mon", "0 0 * jan mon"),
    "tabs of both kinds, and line ends": ("\v0 9\t*\f* \r\n*\v", "0 9 * * *"),
}


@pytest.mark.parametrize(("written", "spelled"), REWRITTEN.values(), ids=REWRITTEN)
def test_a_schedule_is_spelled_for_kubernetes(written: str, spelled: str) -> None:
    assert read(written).kubernetes == spelled


BEYOND_KUBERNETES = {
    "the last day": ("0 0 L * *", "0 0 28,29,30,31 * *", "L"),
    "the last day of months of 30 days is a day": ("0 0 L apr,jun *", "0 0 30 apr,jun *", ""),
    "the last day and others": ("0 0 L,15 * *", "0 0 15,28,29,30,31 * *", "15 L"),
    "the last day, and Fridays": ("0 0 L * fri", "0 0 28,29,30,31 * 5", "L 5#*"),
    "up to the last day": ("0 0 20-L * *", "0 0 20-31 * *", ""),
    "the weekday nearest the 15th": ("0 0 15w * *", "0 0 14,15,16 * *", "15W"),
    "the weekday nearest the first": ("0 0 W1 * *", "0 0 1,2,3 * *", "1W"),
    "the second Friday": ("0 0 * * fri#2", "0 0 * * 5", "5#2"),
    "the fifth Friday is on fewer days than there are Fridays": ("0 0 * * 5#5", "0 0 29,30,31 * *", "5#5"),
    "the last Sunday": ("0 0 * * L7", "0 0 * * 0", "0#L"),
    "the second Friday with a zero": ("0 0 * * 05#02", "0 0 * * 5", "5#2"),
    "the last Tuesday with a zero": ("0 0 * * L02", "0 0 * * 2", "2#L"),
    "the nearest weekday with a zero": ("0 0 015W * *", "0 0 14,15,16 * *", "15W"),
    "each first one of a range of names": ("0 0 * * mon-wed#1", "0 0 1,2,3,4,5,6,7 * *", "1#1 2#1 3#1"),
    "one that runs backwards": ("0 0 * * Sat-mon#2", "0 0 8,9,10,11,12,13,14 * *", "0#2 1#2 6#2"),
    "of all of them": ("0 0 * * sun-sun#1", "0 0 1,2,3,4,5,6,7 * *", ""),
    "a plain day beside a numbered one is ignored": ("0 0 13 * 5#2", "0 0 * * 5", "5#2"),
}


@pytest.mark.parametrize(("written", "spelled", "rules"), BEYOND_KUBERNETES.values(), ids=BEYOND_KUBERNETES)
def test_days_that_kubernetes_cannot_name_get_a_few_too_many_and_rules(written: str, spelled: str, rules: str) -> None:
    schedule = read(written)
    assert schedule.kubernetes == spelled
    assert " ".join(rule for group in schedule.days for rule in group) == rules


UIDS = [f"3a0d031f-3407-41b6-b45a-{number:012d}" for number in range(200)]


@pytest.mark.parametrize(
    "text",
    [
        "H * * * *",
        "H H * * *",
        "H/15 * * * *",
        "H(0-29)/10 H(9-17) H(1-28) H H(1-5)",
        "h 4 * * H",
        "H H H H H",
        "H/90 * * * *",
    ],
)
def test_hashes_are_those_of_croniter(text: str) -> None:
    for uid in UIDS:
        expected, _ = croniter.expand(text, hash_id=uid.encode())
        found = [frozenset(field.values) for field in read(text, uid).fields]
        for kind, (values, wanted) in enumerate(zip(found, expected, strict=True)):
            if wanted != ["*"]:
                assert values == frozenset(wanted), (text, uid, kind)


def test_a_hash_is_the_same_for_the_same_uid_and_spread_over_the_field_for_many() -> None:
    assert read("H * * * *", UIDS[0]) == read("H * * * *", UIDS[0])
    minutes = {read("H * * * *", uid).kubernetes for uid in UIDS}
    assert len(minutes) > 50


def test_a_hash_is_spelled_out_for_kubernetes() -> None:
    assert read("H(0-29)/10 H * * *", "uid").kubernetes == "0-29/10 11 * * *"


def piece(rng: random.Random, names: list[str], low: int, high: int) -> str:
    """What people write into a field, some of it wrong."""
    first, last = (str(rng.randint(low - rng.choice([0, 0, 0, 1]), high + rng.choice([0, 0, 0, 1]))) for _ in "ab")
    if names and rng.random() < 0.3:
        first, last = rng.choice(names), rng.choice([*names, last])
    kinds = [first, f"{first}-{last}", "*", f"*/{rng.randint(0, 40)}", f"{first}/{rng.randint(1, 9)}", "?", "L", "15W"]
    return rng.choice([*kinds[:5] * 3, *kinds, f"{first}-{last}/{rng.randint(1, 9)}", f"{first}#{rng.randint(1, 5)}"])


def test_field_by_field_it_is_read_as_a_whole_is() -> None:
    months, days = "jan feb mar apr oct dec".split(), "sun mon tue fri sat".split()
    kinds: list[tuple[list[str], int, int]] = [([], 0, 59), ([], 0, 23), ([], 1, 31), (months, 1, 12), (days, 0, 7)]
    rng = random.Random(20261125)
    outcomes = {True: 0, False: 0}
    for _ in range(3000):
        text = " ".join(",".join(piece(rng, *kind) for _ in range(rng.choice([1, 1, 1, 2]))) for kind in kinds)
        found = [outcome_of(reading, text) for reading in (read, read_in_full)]
        assert found[0] == found[1], text
        outcomes[isinstance(found[0], Schedule)] += 1
    assert min(outcomes.values()) > 300


def outcome_of(reading: Callable[[str, str], Schedule], text: str) -> Schedule | str:
    try:
        return reading(text, "")
    except InvalidSchedule as invalid:
        return str(invalid)
