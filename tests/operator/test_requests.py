"""Run now and resume by annotation: each token is carried out once, and what became of it is in the status."""

from typing import Any

import pytest

from graphcron.operator.observed import Observed
from graphcron.operator.requests import surplus
from graphcron.resource.identity import requested_job_name
from tests.support.world import World


@pytest.fixture
def settled(world: World) -> World:
    """Reconciled once, and the writes of that forgotten."""
    world.reconcile("10:05")
    world.writes.clear()
    world.events.clear()
    return world


def last(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.graphcron["status"]["lastRequest"]
    return found


def end(world: World, moment: str, kind: str = "Complete") -> None:
    """The newest Job ends."""
    world.jobs[-1]["status"]["startTime"] = f"2026-12-01T{moment}:00Z"
    world.job_ends(-1, moment, kind)


def test_a_token_makes_one_job_from_the_cronjobs_template(settled: World) -> None:
    settled.request("one")
    settled.reconcile("10:10")
    (job,) = settled.jobs
    assert settled.writes == ["job", "status"]
    assert job["metadata"]["labels"] == settled.cron_job["spec"]["jobTemplate"]["metadata"]["labels"]  # type: ignore[index]
    assert job["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"] == "manual"
    assert job["metadata"]["ownerReferences"][0]["kind"] == "GraphCron"
    assert job["spec"]["template"]["metadata"]["annotations"]["graphcron.dev/trigger"] == "Manual"
    template = settled.cron_job["spec"]["jobTemplate"]["spec"]["template"]  # type: ignore[index]
    assert "graphcron.dev/trigger" not in template["metadata"]["annotations"], "each firing would say so"
    assert last(settled) == {"token": "one", "jobName": job["metadata"]["name"], "outcome": "Started"}
    assert settled.graphcron["status"]["active"] == 1
    assert settled.events == ["Normal RunRequested"]


def test_the_same_token_makes_no_other_also_after_its_job_is_gone(settled: World) -> None:
    settled.request("one")
    settled.reconcile("10:10")
    end(settled, "10:11")
    settled.reconcile("10:11")
    settled.jobs.clear()
    for minute in (12, 13):
        settled.reconcile(f"10:{minute}")
    assert settled.writes.count("job") == 1


def test_an_operator_that_died_before_it_recorded_the_job_makes_no_second_one(settled: World) -> None:
    before = dict(settled.graphcron["status"])
    settled.request("one")
    settled.reconcile("10:10")
    settled.graphcron["status"] = before
    settled.reconcile("10:10")
    assert settled.writes.count("job") == 1
    assert last(settled)["outcome"] == "Started"


def test_another_token_makes_another_job(settled: World) -> None:
    for token in ("one", "two"):
        settled.request(token)
        settled.reconcile("10:10")
    assert len({job["metadata"]["name"] for job in settled.jobs}) == 2


@pytest.mark.parametrize(("kind", "outcome"), [("Complete", "Succeeded"), ("Failed", "Failed")])
def test_the_outcome_of_its_firing_is_recorded(settled: World, kind: str, outcome: str) -> None:
    settled.request("one")
    settled.reconcile("10:10")
    end(settled, "10:12", kind)
    settled.reconcile("10:12")
    assert (last(settled)["outcome"], last(settled)["reason"]) == (outcome, "NoOutcome")
    (entry,) = settled.graphcron["status"]["history"]
    assert (entry["trigger"], entry["outcome"]) == ("Manual", outcome)
    assert settled.graphcron["status"]["active"] == 0


def test_it_works_while_paused(settled: World) -> None:
    settled.edit(enabled=False)
    settled.request("one")
    settled.reconcile("10:10")
    assert last(settled)["outcome"] == "Started"
    assert settled.condition("Ready")["reason"] == "Paused"


def test_a_stalled_one_refuses_with_its_reason(settled: World) -> None:
    settled.edit(schedule="61 * * * *")
    settled.request("one")
    settled.reconcile("10:10")
    assert (last(settled)["outcome"], last(settled)["reason"]) == ("Refused", "CannotRun")
    assert "61" in last(settled)["message"]
    assert settled.events == ["Warning CannotRun", "Warning InvalidSchedule"]
    assert settled.jobs == []


def test_a_request_that_comes_with_a_new_graphcron_starts_nothing(world: World) -> None:
    """A copy of it, or a backup that is restored, has the annotation too."""
    world.request("one")
    world.reconcile("10:05")
    assert (last(world)["outcome"], last(world)["reason"]) == ("Refused", "RequestedAtCreation")
    world.reconcile("10:06")
    assert world.jobs == []


@pytest.mark.parametrize("policy", ["Forbid", "Replace"])
def test_a_token_that_was_carried_out_before_others_ends_and_refuses_nothing(settled: World, policy: str) -> None:
    """A client that never got its answer may send its request again, after others have sent theirs."""
    for moment, token in (("10:10", "one"), ("10:11", "two")):
        settled.request(token)
        settled.reconcile(moment)
    settled.edit(concurrencyPolicy=policy)
    settled.reconcile("10:12")
    settled.request("one")
    settled.reconcile("10:13")
    first, second = settled.jobs
    assert last(settled) == {"token": "one", "jobName": first["metadata"]["name"], "outcome": "Started"}
    assert "graphcron.dev/ended" not in second["metadata"]["annotations"]


def test_forbid_refuses_while_a_firing_runs(settled: World) -> None:
    settled.edit(concurrencyPolicy="Forbid")
    settled.reconcile("10:06")
    settled.fire("11:00")
    settled.request("one")
    settled.reconcile("11:01")
    assert (last(settled)["outcome"], last(settled)["reason"]) == ("Refused", "StillRunning")
    assert len(settled.jobs) == 1


def test_replace_ends_the_firing_that_runs_and_records_it_as_replaced(settled: World) -> None:
    settled.edit(concurrencyPolicy="Replace")
    settled.reconcile("10:06")
    settled.fire("11:00")
    settled.request("one")
    settled.reconcile("11:01")
    running, requested = settled.jobs
    assert running["metadata"]["annotations"]["graphcron.dev/ended"].startswith("Replaced: ")
    settled.job_ends(0, "11:02", "Failed", "DeadlineExceeded")
    settled.reconcile("11:02")
    entries = settled.graphcron["status"]["history"]
    assert [(entry["jobName"], entry["outcome"]) for entry in entries] == [(running["metadata"]["name"], "Replaced")]
    assert last(settled)["jobName"] == requested["metadata"]["name"]


def test_the_name_of_its_job_fits_and_is_no_scheduled_minute() -> None:
    name = requested_job_name({"name": "n" * 52, "uid": "u"}, "token")
    assert len(name) == 63
    assert not name.rpartition("-")[2].isdigit()


def test_resuming_starts_the_count_of_failures_anew_each_time(settled: World) -> None:
    settled.edit(maxFailures=1)
    settled.reconcile("10:06")
    for hour, token in ((11, "one"), (12, "two")):
        settled.fire(f"{hour}:00", "Failed")
        settled.reconcile(f"{hour}:01")
        assert settled.condition("Ready")["reason"] == "MaxFailuresReached"
        settled.request(token, "resume-requested")
        settled.reconcile(f"{hour}:02")
        assert settled.condition("Ready")["reason"] == "Scheduled"
        assert settled.graphcron["status"]["lastResume"] == token
        settled.reconcile(f"{hour}:03")
        assert settled.condition("Ready")["reason"] == "Scheduled", "an old failure counts once"


def test_finished_jobs_of_requests_are_kept_up_to_the_history_limits() -> None:
    owner = {"metadata": {"name": "hello", "uid": "u"}, "spec": {"successfulRunsHistoryLimit": 2}}

    def job(number: int, kind: str, uid: str = "u") -> dict[str, Any]:
        reference = {"kind": "GraphCron", "name": "hello", "uid": uid, "controller": True}
        metadata = {"name": f"{kind}-{number}", "ownerReferences": [reference]}
        metadata["creationTimestamp"] = f"2026-12-01T10:0{number}:00Z"
        return {"metadata": metadata, "status": {"conditions": [{"type": kind, "status": "True"}]}}

    jobs = [job(number, kind) for kind in ("Complete", "Failed") for number in range(4)]
    jobs += [job(5, "Complete", uid="the CronJob's"), {**job(6, "Complete"), "status": {}}]
    found = surplus(Observed(owner, None, tuple(jobs)))
    assert [one["metadata"]["name"] for one in found] == [
        "Complete-1",
        "Complete-0",
        "Failed-2",
        "Failed-1",
        "Failed-0",
    ]
