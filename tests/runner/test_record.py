"""Records of outcomes; tests/runner/test_killed_pods.py has what they are for."""

from datetime import UTC, datetime, timedelta

from graphcron.firing.outcome import Outcome
from graphcron.runner.attempt import OUTCOME_METADATA, RECORD_METADATA
from tests.support.agent_server_fake import AgentServerFake
from tests.support.run_pod import FIRING, Pod


def test_a_record_has_the_whole_outcome(pod: Pod, server: AgentServerFake) -> None:
    _, outcome = pod.run()
    kept = server.threads[FIRING.record_id]
    assert Outcome.from_json(kept["metadata"][OUTCOME_METADATA]) == outcome
    assert kept["metadata"][RECORD_METADATA] == "cron-1"
    assert kept["ttl"] == {"strategy": "delete", "ttl": 60}


def test_a_firing_deletes_records_that_no_pod_can_ask_for(pod: Pod, server: AgentServerFake) -> None:
    old = server.add_thread(metadata={RECORD_METADATA: "cron-1"})
    server.threads[old]["created_at"] = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    young = server.add_thread(metadata={RECORD_METADATA: "cron-1"})
    pod.run()
    assert old not in server.threads
    assert young in server.threads
