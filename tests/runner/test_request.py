"""The request that starts a run: the order's, byte for byte, with the firing's mark."""

import json

from graphcron.firing.outcome import EXIT_DONE
from tests.support.agent_server_fake import AgentServerFake
from tests.support.run_pod import FIRING, Pod

TIMES = {
    "graphcron_scheduled_time": "2026-11-22T19:20:00Z",
    "graphcron_trigger": "Schedule",
    "graphcron_attempt": 1,
}


def test_the_request_is_the_orders_and_carries_the_firings_mark(pod: Pod, server: AgentServerFake) -> None:
    cron = {"cron_id": "cron-1", "graphcron_cron": "cron-1"}
    config = {"configurable": {"cron_id": "cron-1"}}
    pod.order({"metadata": {"team": "red"}, "config": config, "webhook": "https://example.com"})
    pod.run()
    assert server.started == [
        {
            "assistant_id": "agent",
            "input": {"text": "hi"},
            "config": config,
            "webhook": "https://example.com",
            "metadata": {"team": "red", **cron, "graphcron_firing": FIRING.job_uid, **TIMES},
            "multitask_strategy": "reject",
        }
    ]


def test_no_metadata_of_the_cron_can_pass_for_the_firings(pod: Pod, server: AgentServerFake) -> None:
    pod.order({"metadata": dict.fromkeys(TIMES, "mine")})
    pod.environ["GRAPHCRON_TRIGGER"] = "Backfill"
    pod.run()
    assert server.started[0]["metadata"].items() >= (TIMES | {"graphcron_trigger": "Backfill"}).items()


def test_input_arrives_as_it_was_given(pod: Pod, server: AgentServerFake) -> None:
    given = {"text": '$(HOME) "\n😀', "large": 2**80, "small": 0.1, "long": "x" * 200_000}
    pod.order({"input": given})
    assert pod.run()[0] == EXIT_DONE
    assert server.started[0]["input"] == given


def test_half_a_surrogate_pair_is_sent_too(pod: Pod, server: AgentServerFake) -> None:
    """UTF-8 cannot hold it. Whether it is acceptable is the server's to say."""
    order = {"cron_id": "cron-1", "request": {"assistant_id": "agent", "input": "\ud83d ä"}}
    (pod.directory / "order.json").write_text(json.dumps(order))
    assert pod.run()[0] == EXIT_DONE
    assert server.started[0]["input"] == "\ud83d ä"


def test_input_from_a_file_is_sent_byte_by_byte(pod: Pod, server: AgentServerFake) -> None:
    text = '{"pi": 3.14159265358979323846264338, "n": 1e400, "s": "' + "ä" * 500_000 + '"}\n'
    (pod.directory / "input.json").write_text(text)
    pod.order({"input": "not this"}, input_from_file=True)
    assert pod.run()[0] == EXIT_DONE
    assert text.encode() in next(body for body in server.bodies if b"assistant_id" in body)
    assert server.started[0]["metadata"]["graphcron_firing"] == FIRING.job_uid
