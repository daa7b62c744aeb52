"""concurrencyPolicy Replace: a firing cancels the runs of earlier ones."""

from typing import Any

from graphcron.firing.outcome import EXIT_DONE
from tests.support.agent_server_fake import CANCEL, AgentServerFake, answer
from tests.support.run_pod import FIRING, Pod


def earlier(server: AgentServerFake, thread_id: str, status: str = "running", cron: str = "cron-1") -> Any:
    """A run of an earlier firing of that cron."""
    server.threads[thread_id]["status"] = "busy"
    return server.add_run(thread_id, {"graphcron_firing": "an earlier Job", "graphcron_cron": cron}, status)


def test_replace_cancels_the_run_of_the_earlier_firing_and_removes_its_thread(
    pod: Pod, server: AgentServerFake
) -> None:
    thread_id = server.add_thread(metadata={"graphcron_cron": "cron-1"})
    run = earlier(server, thread_id)
    foreign = server.add_thread(metadata={"graphcron_cron": "cron-2"})
    other = earlier(server, foreign, cron="cron-2")
    pod.order(replace=True)
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_DONE, "RunSucceeded")
    assert outcome.message == f"run {run['run_id']} of an earlier firing was cancelled (concurrencyPolicy Replace)"
    assert (run["status"], other["status"]) == ("interrupted", "running")
    assert server.threads.keys() == {foreign, FIRING.record_id}
    cancelled = server.requests.index(f"POST /threads/{thread_id}/runs/{run['run_id']}/cancel")
    assert cancelled < server.requests.index(f"POST /threads/{FIRING.thread_id}/runs")


def test_replace_leaves_a_thread_that_is_to_be_kept(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread(metadata={"graphcron_cron": "cron-1"})
    run = earlier(server, thread_id)
    pod.order(replace=True, keep_thread=True)
    assert pod.run()[0] == EXIT_DONE
    assert run["status"] == "interrupted"
    assert thread_id in server.threads


def test_replace_on_a_thread_cancels_only_what_this_cron_has_running(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread()
    runs = {
        "running": earlier(server, thread_id),
        "pending": earlier(server, thread_id, "pending"),
        "over": earlier(server, thread_id, "success"),
        "of another cron": earlier(server, thread_id, "pending", cron="cron-2"),
        "of somebody": server.add_run(thread_id, {"graphcron_cron": "cron-1"}, "pending"),
    }
    pod.order(replace=True, thread_id=thread_id)
    assert pod.run()[0] == EXIT_DONE
    assert {name: run["status"] for name, run in runs.items()} == {
        "running": "interrupted",
        "pending": "interrupted",
        "over": "success",
        "of another cron": "pending",
        "of somebody": "pending",
    }
    assert not any(runs["over"]["run_id"] in request for request in server.requests), "what is over needs no cancelling"


def test_replace_waits_until_the_earlier_run_has_stopped(pod: Pod, server: AgentServerFake) -> None:
    """A server signals a worker to stop, and that takes its time."""
    thread_id = server.add_thread()
    run = earlier(server, thread_id)
    pod.order({"multitask_strategy": "reject"}, thread_id=thread_id, replace=True)
    server.fail(CANCEL, answer(202, b""), answer(202, b""))
    assert pod.run()[0] == EXIT_DONE
    assert run["status"] == "interrupted"
    assert sum(request.endswith("/cancel") for request in server.requests) == 3


def test_a_retried_pod_that_finds_its_run_replaces_nothing(pod: Pod, server: AgentServerFake) -> None:
    pod.order(replace=True, keep_thread=True)
    first = pod.run()
    server.add_thread("later", {"graphcron_cron": "cron-1"})
    later_run = earlier(server, "later")
    assert pod.run() == first
    assert later_run["status"] == "running"


def test_without_replace_earlier_runs_go_on(pod: Pod, server: AgentServerFake) -> None:
    run = earlier(server, server.add_thread(metadata={"graphcron_cron": "cron-1"}))
    pod.run()
    assert run["status"] == "running"
