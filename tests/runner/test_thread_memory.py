"""What a stateless firing's thread remembers: the number of an attempt, and the time of what nothing scheduled."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graphcron.firing.formats import parse_time
from graphcron.firing.outcome import EXIT_DONE, EXIT_TRY_AGAIN
from tests.support.agent_server_fake import CREATE, START, AgentServerFake, answer, reset_after
from tests.support.run_pod import FIRING, Pod

PATCH = r"^PATCH /threads/"


def fails_to_start(pod: Pod, server: AgentServerFake) -> None:
    """A pod that comes to the server and cannot start the run."""
    pod.environ["GRAPHCRON_START_PATIENCE_SECONDS"] = "0"
    server.fail(START, answer(503))
    assert pod.run()[0] == EXIT_TRY_AGAIN


def last_run(server: AgentServerFake) -> Any:
    return server.started[-1]["metadata"]


def test_attempts_are_counted_that_came_to_the_server(pod: Pod, server: AgentServerFake) -> None:
    fails_to_start(pod, server)
    fails_to_start(pod, server)
    assert pod.run()[0] == EXIT_DONE
    assert last_run(server)["graphcron_attempt"] == 3
    assert len(server.started) == 1


def test_one_pod_is_one_attempt_however_often_it_asks(pod: Pod, server: AgentServerFake) -> None:
    server.fail(CREATE, reset_after)
    server.fail(START, answer(503), answer(503))
    assert pod.run()[0] == EXIT_DONE
    assert last_run(server)["graphcron_attempt"] == 1
    assert not any(request.startswith("PATCH") for request in server.requests), "its mark was there"


def test_a_pod_that_finds_the_run_leaves_it_and_its_thread_as_they_are(pod: Pod, server: AgentServerFake) -> None:
    pod.order(keep_thread=True)
    server.fail(START, reset_after)
    pod.environ["GRAPHCRON_START_PATIENCE_SECONDS"] = "0"
    assert pod.run()[0] == EXIT_TRY_AGAIN
    thread = dict(server.threads[FIRING.thread_id]["metadata"])
    assert pod.run()[0] == EXIT_DONE
    assert server.threads[FIRING.thread_id]["metadata"] == thread
    assert [run["metadata"]["graphcron_attempt"] for run in server.runs] == [1]
    assert not any(request.startswith("PATCH") for request in server.requests)


def test_a_server_that_cannot_change_a_thread_has_its_run_all_the_same(pod: Pod, server: AgentServerFake) -> None:
    fails_to_start(pod, server)
    server.fail(PATCH, answer(405, {"detail": "Method Not Allowed"}))
    assert pod.run()[0] == EXIT_DONE
    assert "graphcron_attempt" not in last_run(server), "it is not the first, and nothing says which"


def test_a_thread_that_remembers_nothing_gives_no_number(pod: Pod, server: AgentServerFake) -> None:
    server.add_thread(FIRING.thread_id, {"graphcron_attempts": None})
    assert pod.run()[0] == EXIT_DONE
    assert "graphcron_attempt" not in last_run(server)


def test_a_thread_of_ones_own_remembers_no_attempt(pod: Pod, server: AgentServerFake) -> None:
    pod.order(thread_id=server.add_thread())
    assert pod.run()[0] == EXIT_DONE
    assert "graphcron_attempt" not in last_run(server)
    assert last_run(server)["graphcron_scheduled_time"] == "2026-11-22T19:20:00Z"


@pytest.mark.parametrize(("name", "annotated"), [("report-r0123abcd4", "Manual"), ("report-by-hand", "")])
def test_what_nothing_scheduled_is_of_the_time_when_its_first_attempt_began(
    pod: Pod, server: AgentServerFake, name: str, annotated: str
) -> None:
    pod.environ |= {"GRAPHCRON_JOB_NAME": name, "GRAPHCRON_TRIGGER": annotated}
    before = datetime.now(UTC)
    fails_to_start(pod, server)
    thread = server.threads[FIRING.thread_id]["metadata"]
    began = parse_time(thread["graphcron_scheduled_time"])
    assert timedelta(seconds=-1) <= began - before < timedelta(minutes=5)
    thread["graphcron_scheduled_time"] = "2026-11-22T19:20:33Z"
    assert pod.run()[0] == EXIT_DONE
    assert last_run(server)["graphcron_scheduled_time"] == "2026-11-22T19:20:33Z"
    assert last_run(server)["graphcron_trigger"] == "Manual"
