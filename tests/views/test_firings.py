"""What a GraphCron did, at a glance."""

from graphcron.views.firings import (
    anchor,
    median_duration,
    outcome_in_words,
    strip_of,
    success_rate,
)
from tests.support.console_source import cron, firing


def test_skipped_firings_are_no_failures_and_missed_ones_are() -> None:
    counts = {"succeeded": 199, "failed": 0, "skipped": 50, "missed": 1}
    rate = success_rate(cron("a", status={"firings": counts}))
    assert rate is not None
    assert (rate.succeeded, rate.total, rate.percent) == (199, 200, 99)


def test_before_the_first_firing_there_is_no_rate() -> None:
    assert success_rate(cron("a")) is None


def test_the_median_is_that_of_runs_that_came_to_an_end() -> None:
    history = [firing(1, seconds=10), firing(2, "Failed", seconds=30), firing(3, seconds=20)]
    assert median_duration(cron("a", history=[*history, firing(4, "Replaced", seconds=5000)])) == "20s"
    assert median_duration(cron("a", history=[{"scheduledTime": "2026-11-27T12:00:00Z", "outcome": "Missed"}])) is None


def test_a_strip_ends_with_the_newest_firing() -> None:
    assert [one["outcome"] for one in strip_of(cron("a", history=[firing(1, "Failed"), firing(9)]))] == [
        "Succeeded", "Failed",
    ]  # fmt: skip


def test_a_firing_has_an_anchor_with_and_without_a_job() -> None:
    assert anchor(firing(1, jobName="report-29")) == "firing-report-29"
    assert anchor({"scheduledTime": "2026-11-27T11:59:00Z"}) == "firing-2026-11-27T11-59-00Z"


def test_an_outcome_within_a_sentence() -> None:
    assert [outcome_in_words(one) for one in ("Failed", "WaitingForInput")] == ["failed", "waiting for input"]
