"""What a failed request is called in logs and outcomes."""

from pathlib import Path

import pytest

from graphcron.firing.outcome import EXIT_TRY_AGAIN
from tests.support.agent_server_fake import AgentServerFake
from tests.support.run_pod import KEY, Pod


def test_an_unreachable_server_is_for_the_next_pod_and_named_without_secrets(
    server: AgentServerFake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with server.listening() as url:
        pod = Pod(tmp_path, url + "/path?token=hunter2")
    pod.environ["GRAPHCRON_START_PATIENCE_SECONDS"] = "0.5"
    code, outcome = pod.run()
    assert (code, outcome.outcome, outcome.reason) == (EXIT_TRY_AGAIN, "Failed", "AgentServerUnreachable")
    assert outcome.message == f"{url}: connection refused"
    output = capsys.readouterr().out
    assert "again in" in output
    assert KEY not in output
    assert "hunter2" not in output


def test_a_name_that_does_not_resolve_is_said_in_words(pod: Pod) -> None:
    pod.environ |= {"AGENT_SERVER_URL": "http://no-such-host.invalid", "GRAPHCRON_START_PATIENCE_SECONDS": "0"}
    code, outcome = pod.run()
    assert code == EXIT_TRY_AGAIN
    assert "does not resolve" in outcome.message
