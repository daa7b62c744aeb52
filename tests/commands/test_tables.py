"""What people read: relative times, the phase, and rows that line up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graphcron.commands.tables import SORTS, channels, crons, described, firings
from graphcron.views.words import duration, first_line, phase, relative, span, strip

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def cron(**status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "report", "namespace": "team", "generation": 2, "uid": "u"},
        "spec": {"schedule": "0 9 * * *", "assistantId": "agent"},
        "status": {"observedGeneration": 2, "conditions": [condition("Ready", "True", "Scheduled", "Fires.")]} | status,
    }


def condition(kind: str, status: str, reason: str, message: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def entry(outcome: str, **more: Any) -> dict[str, Any]:
    return {"scheduledTime": "2030-01-01T09:00:00Z", "outcome": outcome, "reason": "Because"} | more


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(minutes=5), "5m"),
        (timedelta(minutes=5, seconds=30), "5m30s"),
        (timedelta(minutes=10, seconds=30), "10m"),
        (timedelta(hours=3, seconds=59), "3h"),
        (timedelta(days=2, hours=4), "2d4h"),
        (timedelta(days=400), "400d"),
        (timedelta(seconds=-5), "0s"),
    ],
)
def test_a_length_has_its_two_largest_units(length: timedelta, text: str) -> None:
    assert span(length) == text


def test_times_are_relative_to_now() -> None:
    assert relative("2030-01-01T12:05:00Z", NOW) == "in 5m"
    assert relative("2030-01-01T09:00:00Z", NOW) == "3h ago"


def test_a_row_shows_what_runs_next_and_how_the_last_ones_ended() -> None:
    history = [entry("Failed"), entry("Succeeded"), entry("Skipped"), entry("Missed"), entry("WhatComesNext")]
    found = cron(nextRunTimes=["2030-01-02T09:00:00Z"], lastScheduleTime="2030-01-01T09:00:00Z", history=history)
    table = crons([found], NOW)
    assert dict(zip(table.columns, table.rows[0], strict=True)) == {
        "NAME": "report",
        "SCHEDULE": "0 9 * * *",
        "PHASE": "Scheduled",
        "NEXT": "in 21h",
        "LAST": "3h ago",
        "RESULTS": "?ms+x",
    }


def test_a_row_of_one_that_no_operator_has_seen_has_no_gaps() -> None:
    new = cron() | {"status": {}}
    table = crons([new], NOW, namespaces=True, wide=True)
    assert list(table.rows[0]) == ["team", "report", "0 9 * * *", "Pending", "-", "-", "-", "-", "agent", "-"]


def test_the_phase_is_pending_until_the_last_change_is_reconciled() -> None:
    assert phase(cron()) == "Scheduled"
    assert phase(cron(observedGeneration=1)) == "Pending"


def test_strip_is_empty_without_firings() -> None:
    assert strip(cron()) == ""


def test_a_firing_shows_how_long_its_run_took_and_the_first_line_of_its_message() -> None:
    ended = {"startedAt": "2030-01-01T09:00:05Z", "finishedAt": "2030-01-01T09:01:35Z", "message": "boom\nTraceback"}
    table = firings(
        cron(history=[entry("Failed", runId="r", threadId="t", trigger="Manual", **ended), entry("Missed", count=3)]),
        NOW,
    )
    due = ("2030-01-01T09:00:00Z", "3h")
    assert list(table.rows[0]) == [*due, "Manual", "Failed", "Because", "1m30s", "boom …"]
    assert list(table.rows[1]) == [*due, "Schedule", "Missed x3", "Because", "-", "-"]


def test_a_wide_firing_has_its_ids() -> None:
    table = firings(
        cron(history=[entry("Failed", jobName="j", runId="r", threadId="t"), entry("Missed")]), NOW, wide=True
    )
    assert [[*row][6:9] for row in table.rows] == [["j", "r", "t"], ["-", "-", "-"]]
    assert list(table.columns[6:9]) == ["JOB", "RUN", "THREAD"]


UUID = "01a20527-c6d8-78ac-9a30-8df9de5583bc"


def test_where_one_has_a_name_for_people_there_is_a_column_of_it() -> None:
    made = cron()
    made["metadata"]["name"] = UUID
    made["spec"]["input"] = {"messages": [{"role": "user", "content": "Write the news"}]}
    table = crons([cron(), made], NOW)
    assert list(table.columns[:2]) == ["NAME", "TITLE"]
    assert [[*row][:2] for row in table.rows] == [["report", "-"], [UUID, "Write the news"]]


def test_the_last_firing_is_also_one_that_was_requested() -> None:
    requested = cron(history=[entry("Succeeded")])
    assert crons([requested], NOW).rows[0][4] == "3h ago"
    scheduled = cron(lastScheduleTime="2030-01-01T11:00:00Z", history=[entry("Succeeded")])
    assert crons([scheduled], NOW).rows[0][4] == "1h ago"


def test_a_list_is_sorted_by_what_comes_next_or_was_last() -> None:
    def one(name: str, **status: Any) -> dict[str, Any]:
        made = cron(**status)
        made["metadata"]["name"] = name
        return made

    found = [
        one("never"),
        one("late", nextRunTimes=["2030-01-03T00:00:00Z"], lastScheduleTime="2030-01-01T00:00:00Z"),
        one("soon", nextRunTimes=["2030-01-02T00:00:00Z"], lastScheduleTime="2030-01-01T01:00:00Z"),
    ]
    names = {order: [one["metadata"]["name"] for one in sorted(found, key=key)] for order, key in SORTS.items()}
    assert names == {
        "name": ["late", "never", "soon"],
        "next": ["soon", "late", "never"],
        "last": ["never", "late", "soon"],
    }


def test_a_duration_needs_both_its_ends() -> None:
    assert duration(entry("Failed", finishedAt="2030-01-01T09:01:35Z")) is None
    reported = entry("Failed", startedAt="2030-01-01T09:00:00Z", finishedAt="2030-01-01T09:01:35Z", durationSeconds=9)
    assert duration(reported) == "9s", "what the run pod reports has no waiting in it"
    assert first_line("  one line \n") == "one line"


@pytest.mark.parametrize("kind", ["RunsStarting", "RunsEnding"])
def test_described_says_what_keeps_pods_from_starting_or_ending(kind: str) -> None:
    stuck = condition(kind, "False", "SomeReason", "words")
    assert ("Pods", "SomeReason: words") in described(cron(conditions=[stuck]), "", NOW)
    assert "Pods" not in dict(described(cron(), "", NOW))
    ready = condition("Ready", "False", "NotStarting", "Its firings do not start: SomeReason: words")
    assert "Pods" not in dict(described(cron(conditions=[stuck, ready]), "", NOW)), "the phase says it already"


def test_described_names_title_owner_thread_and_the_last_request_where_there_are_any() -> None:
    made = cron(lastRequest={"token": "t", "outcome": "Started", "jobName": "report-r1"}, timezone="Europe/Berlin")
    made["metadata"] |= {"name": UUID, "labels": {"graphcron.dev/owner": "ada"}}
    made["spec"] |= {"metadata": {"name": "News"}, "threadId": "thread"}
    made["status"]["nextRunTimes"] = ["2030-01-02T08:00:00Z"]
    lines = dict(described(made, "Daily", NOW))
    assert [lines[name] for name in ("Title", "Owner", "Thread")] == ["News", "ada", "thread"]
    assert lines["Requested"] == "t: Started, report-r1"
    assert lines["Schedule"] == "0 9 * * *  (Daily, Europe/Berlin)"
    assert lines["Next"] == "2030-01-02T09:00:00+01:00 (in 20h)"
    assert dict(described(cron(timezone="no zone", nextRunTimes=["2030-01-02T08:00:00Z"]), "", NOW))["Next"].startswith(
        "2030-01-02T08:00:00Z"
    )
    made["status"]["lastRequest"] = {"token": "t", "outcome": "Refused", "reason": "StillRunning", "message": "Busy."}
    assert dict(described(made, "", NOW))["Requested"] == "t: Refused, StillRunning: Busy."
    assert not {"Title", "Owner", "Thread", "Requested"} & set(dict(described(cron(), "", NOW)))


def test_what_is_expected_and_not_so_is_in_the_row_and_described() -> None:
    unmet = [condition("Slow", "True", "NotFinishedInTime", "20m."), condition("Overdue", "True", "NoSuccess", "26h.")]
    found = cron(conditions=[condition("Ready", "True", "Scheduled", "Fires."), *unmet])
    table = crons([found], NOW)
    assert table.rows[0][table.columns.index("UNMET")] == "Overdue,Slow"
    both = crons([found, cron()], NOW)
    assert both.rows[1][both.columns.index("UNMET")] == "-"
    assert "UNMET" not in crons([cron()], NOW).columns
    assert {("Overdue", "26h."), ("Slow", "20m.")} <= set(described(found, "daily", NOW))


def test_described_says_the_schedule_in_words_and_why_it_is_in_its_phase() -> None:
    stuck = condition("RunsStarting", "False", "ImagePullBackOff", "no such image")
    ready = condition("Ready", "False", "InvalidSpec", "schedule: wrong")
    lines = dict(described(cron(conditions=[ready, stuck], firings={"failed": 2, "missed": 0}), "Daily at nine", NOW))
    assert lines["Name"] == "team/report"
    assert lines["Schedule"] == "0 9 * * *  (Daily at nine)"
    assert lines["Phase"] == "InvalidSpec: schedule: wrong"
    assert lines["Pods"] == "ImagePullBackOff: no such image"
    assert lines["Firings"] == "2 failed"
    assert lines["Next"] == "never"


def test_where_spending_is_recorded_each_firing_says_what_it_used() -> None:
    usage = {"totalTokens": 1200, "complete": True}
    history = [
        entry("Succeeded", usage=usage, cost="0.0042"),
        entry("Succeeded", usage=usage, cost="0.0042", costIncomplete=True),
        entry("Failed"),
        entry("Failed") | {"reason": "NotStarting"},
    ]
    assert "USED" not in firings(cron(history=history), NOW).columns
    table = firings(cron(history=history, spending={"currency": "USD"}), NOW)
    used = [row[list(table.columns).index("USED")] for row in table.rows]
    assert used == ["1,200 tokens, 0.0042 USD", "1,200 tokens, ≥0.0042 USD", "unknown", "-"]


UNTOLD = {"event": "Failed", "channel": "team", "state": "Failed", "message": "hooks.slack.com answered 503"}


def test_what_nobody_has_been_told_has_a_column_where_there_is_any() -> None:
    told, untold = cron(), cron(notifications=[UNTOLD, UNTOLD | {"channel": "other"}, UNTOLD | {"event": "Late"}])
    assert "UNDELIVERED" not in crons([told, cron(notifications=[UNTOLD | {"state": "Delivered"}])], NOW).columns
    table = crons([told, untold], NOW)
    column = table.columns.index("UNDELIVERED")
    assert [row[column] for row in table.rows] == ["-", "Failed,Late"]
    lines = dict(described(untold, "", NOW))["Undelivered"].split("\n")
    assert len(lines) == 3
    assert lines[0] == "Failed by channel team: failed, and is tried again: hooks.slack.com answered 503"
    assert "Undelivered" not in dict(described(told, "", NOW))


def test_a_channel_says_for_which_graphcrons_it_is_the_default() -> None:
    def default(**spec: Any) -> str:
        found = {"metadata": {"name": "a", "namespace": "team", "generation": 1}, "spec": {"kind": "Slack"} | spec}
        table = channels([found], NOW, namespaces=True)
        return dict(zip(table.columns, table.rows[0], strict=True))["DEFAULT"]

    assert default() == "-"
    assert default(default={"events": ["Failed"]}) == "namespace"
    assert default(default={"events": ["Failed"], "allNamespaces": True}) == "installation"
