"""One firing means one run, whatever breaks on the way: the runner against a real socket."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graphcron.firing.outcome import EXIT_DONE, EXIT_REFUSED, EXIT_RUN_FAILED, EXIT_TRY_AGAIN
from tests.support.agent_server_fake import (
    CREATE,
    DELETE,
    POLL,
    START,
    AgentServerFake,
    Answer,
    Fault,
    answer,
    reset_after,
    reset_before,
)
from tests.support.run_pod import FIRING, Pod
from tests.support.until import later

# A firing that goes well


def test_a_stateless_firing_runs_once_and_leaves_no_thread_of_its_own(pod: Pod, server: AgentServerFake) -> None:
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_DONE, "Succeeded", "RunSucceeded")
    assert outcome.thread_id == FIRING.thread_id
    assert outcome.started_at
    assert len(server.started) == 1
    assert FIRING.thread_id not in server.threads


def test_a_kept_thread_stays_with_the_crons_metadata(pod: Pod, server: AgentServerFake) -> None:
    pod.order({"metadata": {"team": "red"}}, keep_thread=True)
    assert pod.run()[0] == EXIT_DONE
    assert server.threads.keys() == {FIRING.thread_id}
    sent = json.loads(server.bodies[0])["metadata"]
    assert isinstance(sent.pop("graphcron_attempts"), str), "Aegra takes plain values alone"
    time = {"graphcron_scheduled_time": "2026-11-22T19:20:00Z"}
    assert sent == {"team": "red", "cron_id": "cron-1", "graphcron_cron": "cron-1", **time}
    kept = server.threads[FIRING.thread_id]["metadata"]
    assert kept.items() >= {"team": "red", "graphcron_cron": "cron-1", **time}.items()
    assert server.threads[FIRING.thread_id]["ttl"] is None


def test_a_thread_that_will_be_deleted_has_a_ttl_in_case_no_pod_comes_back(pod: Pod, server: AgentServerFake) -> None:
    pod.run()
    assert json.loads(server.bodies[0])["ttl"] == {"strategy": "delete", "ttl": 7 * 24 * 60}


def test_a_thread_cron_runs_on_its_thread_with_its_own_strategy(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread()
    pod.order({"multitask_strategy": "enqueue"}, thread_id=thread_id)
    code, outcome = pod.run()
    assert (code, outcome.thread_id) == (EXIT_DONE, thread_id)
    assert server.threads.keys() == {thread_id}
    assert server.started[0]["multitask_strategy"] == "enqueue"


def test_a_long_run_is_followed_to_its_end(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = None
    later(lambda: server.polls() >= 3, lambda: server.end_runs("success"))
    assert pod.run()[0] == EXIT_DONE
    assert server.polls() >= 3


# Ends


@pytest.mark.parametrize(
    ("status", "error", "code", "outcome", "reason", "says"),
    [
        ("asks", None, EXIT_DONE, "WaitingForInput", "WaitingForInput", "onRunCompleted keep"),
        ("error", {"error": "E", "message": "no\nfunds"}, EXIT_RUN_FAILED, "Failed", "RunError", "E: no funds"),
        ("error", None, EXIT_RUN_FAILED, "Failed", "RunError", "names no error"),
        ("timeout", None, EXIT_RUN_FAILED, "Failed", "RunTimedOut", "limit"),
        ("interrupted", {"message": "by hand"}, EXIT_RUN_FAILED, "Failed", "RunCancelled", "by hand"),
        ("rollback", None, EXIT_RUN_FAILED, "Failed", "RunVanished", "rolled back"),
        ("odd", None, EXIT_RUN_FAILED, "Failed", "RunEnded", "'odd'"),
    ],
)  # fmt: skip
def test_how_a_run_ends_is_how_the_firing_ends(
    pod: Pod, server: AgentServerFake, status: str, error: Any, code: int, outcome: str, reason: str, says: str
) -> None:
    server.ends_as = None
    later(lambda: server.polls() >= 1, lambda: server.end_runs(status, error))
    got, said = pod.run()
    assert (got, said.outcome, said.reason) == (code, outcome, reason)
    assert says in said.message
    assert said.run_id
    assert FIRING.thread_id not in server.threads


def test_a_busy_thread_that_rejects_is_a_failure_and_no_second_try(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread()
    server.add_run(thread_id, status="running")
    pod.order({"multitask_strategy": "reject"}, thread_id=thread_id)
    code, outcome = pod.run()
    assert (code, outcome.reason, server.started) == (EXIT_RUN_FAILED, "ThreadBusy", [])


def test_an_unknown_assistant_is_named_on_thread_crons_too(pod: Pod, server: AgentServerFake) -> None:
    pod.order({"assistant_id": "0" * 36}, thread_id=server.add_thread())
    assert pod.run()[1].reason == "AssistantNotFound"


def test_a_thread_cron_without_its_thread_says_what_to_do(pod: Pod, server: AgentServerFake) -> None:
    pod.order(thread_id="7b1d6a0e-0000-4000-8000-000000000000")
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "ThreadNotFound")
    assert "delete this cron" in outcome.message


# What breaks on the way

RUN = {"run_id": "1", "status": "pending", "created_at": "2026-11-22T19:20:00+00:00", "metadata": {}}

BREAKS = {
    "reset before it is handled": reset_before,
    "reset after it was handled": reset_after,
    "500": answer(500, {"detail": "oops"}),
    "502 of a proxy": answer(502, b"<html>"),
    "503": answer(503),
    "429": answer(429, {"detail": "slow down"}),
    "404 of an ingress": answer(404, b"default backend - 404"),
    "200 of a login page": answer(200, b"<html>"),
    "half an answer": lambda handle: Answer(200, b'{"run_id": "'),
    "an answer of another kind": lambda handle: (handle(), Answer(200, {"hello": "you"}))[1],
    "a run whose id is none": lambda handle: (handle(), Answer(200, RUN | {"run_id": ["x"]}))[1],
    "a run whose metadata are none": lambda handle: (handle(), Answer(200, RUN | {"metadata": "x"}))[1],
    "JSON that is too deep": lambda handle: (handle(), Answer(200, b"[" * 20_000 + b"]" * 20_000))[1],
}


TYPICAL = ("reset after it was handled", "500", "an answer of another kind")


@pytest.mark.parametrize(
    ("stage", "name"),
    [(START, name) for name in BREAKS]
    + [(stage, name) for stage in (CREATE, POLL, r"/search$", DELETE) for name in TYPICAL],
)
def test_a_failure_anywhere_makes_no_second_run(pod: Pod, server: AgentServerFake, stage: str, name: str) -> None:
    server.ends_as = None
    later(lambda: server.polls() > 2, lambda: server.end_runs("success"))
    server.fail(stage, *[BREAKS[name]] * 2)
    code, outcome = pod.run()
    assert (code, outcome.outcome, len(server.started)) == (EXIT_DONE, "Succeeded", 1)
    assert FIRING.thread_id not in server.threads


@pytest.mark.parametrize("fault", [reset_before, reset_after, BREAKS["half an answer"]])
def test_a_failure_on_a_thread_cron_makes_no_second_run(pod: Pod, server: AgentServerFake, fault: Fault) -> None:
    pod.order(thread_id=server.add_thread())
    server.fail(START, fault, fault)
    assert pod.run()[0] == EXIT_DONE
    assert len(server.started) == 1


def test_a_key_that_is_refused_while_we_follow_is_for_the_next_pod(pod: Pod, server: AgentServerFake) -> None:
    """It will have the Secret's new value; the run goes on meanwhile."""
    server.ends_as = None
    server.fail(POLL, answer(401, {"detail": "expired"}))
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_TRY_AGAIN, "Unauthorized")
    assert outcome.run_id


def test_an_outcome_stands_though_the_thread_cannot_be_deleted(pod: Pod, server: AgentServerFake) -> None:
    server.fail(DELETE, *[answer(500)] * 20)
    code, outcome = pod.run()
    assert (code, outcome.outcome) == (EXIT_DONE, "Succeeded")


# Records


def test_the_record_holds_the_outcome_and_a_ttl(pod: Pod, server: AgentServerFake) -> None:
    _, outcome = pod.run()
    record = server.threads[FIRING.record_id]
    assert record["ttl"] == {"strategy": "delete", "ttl": 60}
    assert record["metadata"] == {"graphcron_record": "cron-1", "graphcron_outcome": outcome.to_json()}


def test_old_records_of_this_cron_are_swept_and_nothing_else(pod: Pod, server: AgentServerFake) -> None:
    old = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    swept, others = server.add_thread(metadata={"graphcron_record": "cron-1"}), server.add_thread()
    young = server.add_thread(metadata={"graphcron_record": "cron-1"})
    foreign = server.add_thread(metadata={"graphcron_record": "cron-2"})
    for thread_id in (swept, others, foreign):
        server.threads[thread_id]["created_at"] = old
    pod.run()
    assert server.threads.keys() == {others, young, foreign, FIRING.record_id}
    assert swept not in server.threads
