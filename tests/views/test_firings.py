"""What a GraphCron did, at a glance."""

import pytest

from graphcron.views.firings import (
    anchor,
    fault_of_template,
    median_duration,
    outcome_in_words,
    strip_of,
    success_rate,
    trace_url,
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


def test_a_trace_is_linked_where_the_run_has_what_the_template_needs() -> None:
    template = "https://trace.example/r/{run_id}?cron={namespace}/{name}"
    graphcron = cron("night")
    assert trace_url(template, graphcron, {"runId": "a/b&c"}) == "https://trace.example/r/a%2Fb%26c?cron=team/night"
    assert trace_url(template, graphcron, {}) is None
    assert trace_url("", graphcron, {"runId": "a"}) is None


def test_values_are_no_templates() -> None:
    assert trace_url("https://t/{run_id}/{name}", cron("n"), {"runId": "{name}"}) == "https://t/%7Bname%7D/n"


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("https://trace.example/{run_id}", None),
        ("http://trace.example/{thread_id}", None),
        ("https://trace.example/", "neither"),
        ("javascript:alert({run_id})", "http or https"),
        ("/r/{run_id}", "http or https"),
    ],
)
def test_a_template_is_a_web_address_with_a_run_or_a_thread(template: str, fault: str | None) -> None:
    found = fault_of_template(template)
    assert found is None if fault is None else fault in (found or "")


def test_an_outcome_within_a_sentence() -> None:
    assert [outcome_in_words(one) for one in ("Failed", "WaitingForInput")] == ["failed", "waiting for input"]
