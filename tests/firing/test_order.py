"""What the operator and a run pod agree on."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from graphcron.firing.order import (
    BACKFILL,
    MANUAL,
    SCHEDULE,
    Firing,
    Order,
    Skip,
    gate,
    is_out_of_time,
    scheduled_time_of,
    starts_at,
)

DUE = datetime(2026, 11, 22, 19, 20, tzinfo=UTC)
MINUTES = int(DUE.timestamp()) // 60


def test_an_order_survives_the_way_to_the_pod() -> None:
    order = Order("c", {"assistant_id": "agent", "input": {"text": '$(HOME) "\n😀'}}, keep_thread=True)
    assert Order.from_json(order.to_json()) == order


def test_an_order_is_written_the_same_way_each_time() -> None:
    """Otherwise every reconcile would change the CronJob."""
    one, other = Order("c", {"a": 1, "b": 2}), Order("c", {"b": 2, "a": 1})
    assert one.to_json() == other.to_json()
    assert json.loads(one.to_json()) == {"cron_id": "c", "request": {"a": 1, "b": 2}}


def test_an_order_of_a_newer_operator_is_understood() -> None:
    assert Order.from_json('{"cron_id": "c", "request": {}, "jitter": 3}') == Order("c", {})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cron_id": "c"}', '{"request": {}}'])
def test_what_is_no_order_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"order|Expecting"):
        Order.from_json(text)


@pytest.mark.parametrize(
    ("name", "due"),
    [
        (f"daily-{MINUTES}", DUE),
        (f"01a204b0-17b1-7162-b9ff-1680d8100709-{MINUTES}", DUE),
        ("daily-manual-x7k", None),
        (f"daily-1{MINUTES}", None),
        ("daily-٢٩٩٢٢٩٢٠", None),
        ("daily", None),
    ],
)
def test_the_scheduled_minute_is_in_the_name_of_the_job(name: str, due: datetime | None) -> None:
    assert scheduled_time_of(name) == due


def test_a_firing_has_the_same_threads_at_each_attempt_and_shares_them_with_no_other() -> None:
    """These ids must never change: pods of two versions may work at one firing."""
    one, other = Firing.of_job("a-1", "uid-1"), Firing.of_job("a-1", "uid-2")
    assert one.thread_id == "aa415a23-1be4-513c-9328-11dbcad8c1c0"
    assert one.record_id == "ed7280f3-275e-54aa-8a11-09ead130fbef"
    assert len({one.thread_id, one.record_id, other.thread_id, other.record_id}) == 4


@pytest.mark.parametrize(
    ("name", "annotated", "due", "trigger"),
    [
        (f"daily-{MINUTES}", "", DUE, SCHEDULE),
        (f"daily-{MINUTES}", BACKFILL, DUE, BACKFILL),
        (f"daily-{MINUTES}", "Whatever", DUE, SCHEDULE),
        (f"daily-{MINUTES}", MANUAL, None, MANUAL),
        ("daily-r0123abcd4", MANUAL, None, MANUAL),
        ("by-hand", "", None, MANUAL),
        ("by-hand", BACKFILL, None, MANUAL),
    ],
)
def test_what_made_a_job_is_annotated_or_follows_from_its_name(
    name: str, annotated: str, due: datetime | None, trigger: str
) -> None:
    firing = Firing.of_job(name, "uid", annotated)
    assert (firing.scheduled_time, firing.trigger) == (due, trigger)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"not_before": "2999-01-01T00:00:00Z"}, None),
        ({"end_time": "2026-11-22T19:20:00Z"}, "AfterEndTime"),
        ({"start_time": "2026-11-22T19:20:01Z"}, "BeforeStartTime"),
        ({"days": [["L"]], "timezone": "Etc/UTC"}, "NotOnThisDay"),
    ],
)
def test_a_backfill_is_of_the_past_and_within_the_schedules_limits_all_the_same(
    limits: dict[str, str], reason: str | None
) -> None:
    skip = gate(Order("c", {}, **limits), DUE, BACKFILL)  # type: ignore[arg-type]
    assert (skip.reason if skip else None) == reason


def test_a_backfill_neither_waits_nor_is_known_to_be_out_of_time() -> None:
    order = Order("c", {}, jitter_seconds=600, deadline_seconds=1)
    assert starts_at(order, DUE, BACKFILL) is None
    assert is_out_of_time(order, DUE, DUE + timedelta(days=1), BACKFILL) is False


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({}, None),
        ({"not_before": "2026-11-22T19:20:00Z"}, None),
        ({"not_before": "2026-11-22T19:20:01Z"}, "ScheduledBeforeChange"),
        ({"end_time": "2026-11-22T19:20:00Z"}, "AfterEndTime"),
        ({"end_time": "2026-11-22T21:20:00+02:00"}, "AfterEndTime"),
        ({"end_time": "2026-11-22T19:20:01Z"}, None),
        ({"start_time": "2026-11-22T19:20:01Z"}, "BeforeStartTime"),
        ({"start_time": "2026-11-22T19:20:00Z"}, None),
    ],
)
def test_the_scheduled_minute_decides_whether_a_firing_may_start(limits: dict[str, str], reason: str | None) -> None:
    skip = gate(Order("c", {}, **limits), DUE)  # type: ignore[arg-type]
    assert (skip.reason if skip else None) == reason


def test_a_job_made_by_hand_always_runs() -> None:
    assert gate(Order("c", {}, not_before="2999-01-01T00:00:00Z"), None) is None


def test_jitter_is_the_same_at_each_attempt_and_within_its_seconds() -> None:
    """A retried pod must not wait anew. The numbers must never change: pods of two versions may work at one firing."""
    order = Order("c", {}, jitter_seconds=600)
    start = starts_at(order, DUE)
    assert start is not None
    assert start == starts_at(order, DUE)
    assert (start - DUE).total_seconds() == pytest.approx(138.030275)
    waits = [starts_at(Order(f"cron {number}", {}, jitter_seconds=600), DUE) for number in range(1000)]
    seconds = sorted((wait - DUE).total_seconds() for wait in waits if wait)
    assert 0 <= seconds[0] < 10
    assert 590 < seconds[-1] <= 600
    assert seconds[500] == pytest.approx(300, abs=60)


def test_without_jitter_or_by_hand_a_firing_starts_at_once() -> None:
    assert starts_at(Order("c", {}), DUE) is None
    assert starts_at(Order("c", {}, jitter_seconds=600), None) is None


@pytest.mark.parametrize(
    ("deadline", "jitter", "seconds", "out"),
    [(600, 0, 629, False), (600, 0, 630, True), (600, 60, 689, False), (600, 60, 690, True), (None, 60, 1e6, False)],
)
def test_a_job_can_be_out_of_time_only_after_its_minute_and_all_it_may_take(
    deadline: int | None, jitter: int, seconds: float, out: bool
) -> None:
    order = Order("c", {}, deadline_seconds=deadline, jitter_seconds=jitter)
    assert is_out_of_time(order, DUE, DUE + timedelta(seconds=seconds)) is out


def test_a_job_by_hand_is_never_known_to_be_out_of_time() -> None:
    assert is_out_of_time(Order("c", {}, deadline_seconds=1), None, DUE) is False


def test_a_skip_says_when_the_firing_was_due() -> None:
    skip = gate(Order("c", {}, end_time="2026-11-22T19:00:00Z"), DUE)
    assert skip == Skip("AfterEndTime", "was due at 2026-11-22T19:20:00Z, and endTime is 2026-11-22T19:00:00Z")
