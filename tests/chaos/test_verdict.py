"""The judgement over a run of the suite: what counts as lost, doubled, or left behind."""

from datetime import UTC, datetime, timedelta
from typing import Any

from chaos.plan import Cron
from chaos.verdict import Verdict, left_behind, verdict
from graphcron.firing.formats import format_time

BEGIN = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
Json = dict[str, Any]


def cron(firings: int = 2) -> Cron:
    return Cron(0, "kubectl", "Allow", "delete", tuple(BEGIN + timedelta(minutes=minute) for minute in range(firings)))


def job(minute: int) -> Json:
    return {"metadata": {"name": f"report-{minute}", "uid": f"uid-{minute}"}}


def run(minute: int, number: int = 1) -> Json:
    return {
        "run_id": f"run-{minute}-{number}",
        "thread_id": "thread",
        "created_at": format_time(BEGIN),
        "metadata": {"graphcron_firing": f"uid-{minute}"},
    }


def entry(minute: int, outcome: str = "Succeeded", reason: str = "RunSucceeded", **more: Any) -> Json:
    found = {"scheduledTime": format_time(BEGIN + timedelta(minutes=minute)), "outcome": outcome, "reason": reason}
    if outcome == "Succeeded":
        found |= {"jobName": f"report-{minute}", "runId": f"run-{minute}-1"}
    return found | more


def judged(status: Json, runs: list[Json], firings: int = 2) -> Verdict:
    return verdict({"report": cron(firings)}, {"report": status}, [job(0), job(1)], runs)


def test_a_run_and_an_outcome_for_each_firing_is_right() -> None:
    status = {"firings": {"succeeded": 2}, "history": [entry(1), entry(0)]}
    found = judged(status, [run(0), run(1)])
    assert (found.firings, found.runs, found.outcomes["succeeded"], found.wrong) == (2, 2, 2, [])


def test_a_second_run_of_a_firing_is_wrong() -> None:
    status = {"firings": {"succeeded": 2}, "history": [entry(1), entry(0)]}
    (complaint,) = judged(status, [run(0), run(1), run(1, 2)]).wrong
    assert complaint.startswith(
        "firing uid-1 has 2 runs: run run-1-1 of 2026-11-27T10:00:00Z on thread thread, run run-1-2"
    )


def test_a_firing_without_an_outcome_is_wrong() -> None:
    found = judged({"firings": {"succeeded": 1}, "history": [entry(1)]}, [run(0), run(1)])
    assert found.wrong == [
        "report: 2 firings were due, and its counts are {'succeeded': 1}",
        "report: the firing of 10:00 is recorded 0 times",
    ]


def test_an_outcome_without_a_run_is_wrong() -> None:
    status = {"firings": {"succeeded": 2}, "history": [entry(1), entry(0)]}
    assert judged(status, [run(0)]).wrong == [
        "report, 2026-11-27T10:01:00Z, Succeeded RunSucceeded: there is no run",
    ]


def test_a_run_of_no_firing_is_wrong() -> None:
    status = {"firings": {"succeeded": 2}, "history": [entry(1), entry(0)]}
    (complaint,) = judged(status, [run(0), run(1), run(7)]).wrong
    assert "of a firing 'uid-7' that has no Job" in complaint


def test_a_failed_firing_is_wrong_since_no_run_of_the_suite_fails() -> None:
    failed = entry(1, "Failed", "NoOutcome", jobName="report-1", message="no pod left word")
    status = {"firings": {"succeeded": 1, "failed": 1}, "history": [failed, entry(0)]}
    assert judged(status, [run(0), run(1)]).wrong == [
        "report, 2026-11-27T10:01:00Z, Failed NoOutcome: no pod left word (1 runs)",
    ]


def test_a_firing_may_be_missed_when_that_is_recorded() -> None:
    missed = entry(1, "Missed", "StartingDeadlinePassed", lastScheduledTime=format_time(BEGIN + timedelta(minutes=2)))
    status = {"firings": {"succeeded": 1, "missed": 2}, "history": [missed, entry(0)]}
    assert judged(status, [run(0)], firings=3).wrong == []


def test_a_run_of_a_firing_that_is_recorded_as_missed_is_wrong() -> None:
    missed = entry(1, "Skipped", "StillRunning", jobName="report-1")
    status = {"firings": {"succeeded": 1, "skipped": 1}, "history": [missed, entry(0)]}
    assert "and yet there is run run-1-1" in judged(status, [run(0), run(1)]).wrong[0]


def test_a_firing_that_was_not_due_is_wrong() -> None:
    status = {"firings": {"succeeded": 2}, "history": [entry(1), entry(0), entry(9)]}
    assert judged(status, [run(0), run(1)]).wrong[0] == "report: a firing of 10:09 is recorded, and none was due"


def test_threads_that_were_to_be_deleted_are_left_behind() -> None:
    threads = [{"thread_id": "a", "metadata": {}}, {"thread_id": "b", "metadata": {"graphcron_record": "x"}}]
    assert left_behind(threads, [cron()], ["a"]) == []
    assert left_behind([*threads, {"thread_id": "c", "metadata": {}}], [cron()], ["a"]) == [
        "1 threads are left on the Agent Server, and onRunCompleted keep accounts for 0"
    ]
