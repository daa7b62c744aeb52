"""A server whose clock differs from the pod's decides no deadline."""

from datetime import UTC, datetime, timedelta
from email.utils import formatdate

import pytest

from graphcron.firing.outcome import EXIT_DONE
from tests.support.agent_server_fake import START, AgentServerFake, answer
from tests.support.run_pod import FIRING, Pod
from tests.support.until import block_until, later


@pytest.mark.parametrize("slow", [timedelta(minutes=10), -timedelta(minutes=10)], ids="slow fast".split())
@pytest.mark.parametrize("found", [False, True], ids="started found".split())
def test_the_servers_clock_decides_no_deadline(pod: Pod, server: AgentServerFake, slow: timedelta, found: bool) -> None:
    server.slow = slow
    server.ends_as = None
    pod.order(deadline_seconds=60)
    if found:
        with pod.start() as process:
            block_until(lambda: server.polls() >= 1)
            process.kill()
    before = server.polls()
    later(lambda: server.polls() > before + 2, lambda: server.end_runs("success"))
    code, outcome = pod.run()
    assert (code, outcome.reason, len(server.started)) == (EXIT_DONE, "RunSucceeded", 1)
    assert outcome.started_at
    assert abs(datetime.now(UTC) - datetime.fromisoformat(outcome.started_at)) < timedelta(minutes=1)


def test_a_proxys_date_does_not_make_a_new_run_old(pod: Pod, server: AgentServerFake) -> None:
    """A gateway writes its own Date into the answers of a server whose clock is slow."""
    server.slow, server.honest_date = timedelta(minutes=10), False
    pod.order(deadline_seconds=60)
    _, outcome = pod.run()
    assert outcome.reason == "RunSucceeded"
    assert outcome.started_at
    assert abs(datetime.now(UTC) - datetime.fromisoformat(outcome.started_at)) < timedelta(minutes=1)


def test_an_old_run_is_beyond_its_deadline_on_a_server_whose_clock_is_fast(pod: Pod, server: AgentServerFake) -> None:
    server.slow = -timedelta(minutes=10)
    pod.order(deadline_seconds=300)
    server.add_thread(FIRING.thread_id)
    old = (datetime.now(UTC) - server.slow - timedelta(minutes=6)).isoformat()
    server.add_run(FIRING.thread_id, {"graphcron_firing": FIRING.job_uid}, "running", old)
    assert pod.run()[1].reason == "DeadlineExceeded"


def test_the_record_of_a_server_whose_clock_is_slow_is_kept_for_its_hour(pod: Pod, server: AgentServerFake) -> None:
    server.slow = timedelta(hours=2)
    first = pod.run()
    assert FIRING.record_id in server.threads
    assert pod.run() == first
    assert len(server.started) == 1


def test_a_time_at_the_end_of_all_times_is_none(pod: Pod, server: AgentServerFake) -> None:
    server.slow = timedelta(hours=2)
    server.add_thread(FIRING.thread_id)
    last = "9999-12-31T23:59:59+00:00"
    server.add_run(FIRING.thread_id, {"graphcron_firing": FIRING.job_uid}, "success", last)
    assert pod.run()[1].reason == "RunSucceeded"


def test_a_date_to_come_back_at_is_by_the_servers_clock(pod: Pod, server: AgentServerFake) -> None:
    server.slow = -timedelta(minutes=10)
    soon = formatdate((datetime.now(UTC) - server.slow + timedelta(seconds=1)).timestamp(), usegmt=True)
    server.fail(START, answer(503, {"detail": "busy"}, retry_after=soon))
    assert pod.run()[1].reason == "RunSucceeded"
