"""What a run pod is given: its variables and files, and what of them cannot be used."""

import pytest

from graphcron.firing.outcome import EXIT_DONE, EXIT_REFUSED
from graphcron.runner.main import main
from tests.support.agent_server_fake import AgentServerFake
from tests.support.run_pod import KEY, Pod


@pytest.mark.parametrize("locale", ["C.UTF-8", "C", "POSIX"])
def test_an_order_by_the_environment_arrives_as_it_was_given(pod: Pod, server: AgentServerFake, locale: str) -> None:
    given = {"text": '$(HOME) $$(X) "\n😀 é \u2028 \ufeff \x7f', "nothing": "\0", "long": "x" * 90_000}
    pod.order({"input": given})
    order = pod.directory / "order.json"
    # Without these two, Python would make UTF-8 of what is not.
    plain = {"LC_ALL": locale, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    pod.environ |= {"GRAPHCRON_ORDER": order.read_text()} | plain
    order.unlink()
    with pod.start() as process:
        said, _ = process.communicate(timeout=30)
    assert process.returncode == EXIT_DONE, said
    assert server.started[0]["input"] == given


@pytest.mark.parametrize(
    "data",
    [b"", b"secret words", b'{"a": NaN}', b'{}, "assistant_id": "x"', b'"\xff"', b"[" * 200_000 + b"]" * 200_000],
    ids=["nothing", "words", "NaN", "two values", "no UTF-8", "deep"],
)
def test_a_file_that_is_not_json_is_refused_and_not_quoted(
    pod: Pod, server: AgentServerFake, data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (pod.directory / "input.json").write_bytes(data)
    pod.order(input_from_file=True)
    code, outcome = pod.run()
    assert (code, outcome.reason, server.requests) == (EXIT_REFUSED, "InputInvalid", [])
    assert "secret" not in outcome.message + capsys.readouterr().out


def test_key_and_headers_come_from_the_secrets(pod: Pod, server: AgentServerFake) -> None:
    headers = pod.directory / "headers"
    (headers / "..data").mkdir(parents=True)
    (headers / ".hidden").write_text("no")
    (headers / "X-Tenant").write_text("blue\n")
    pod.run()
    for sent in server.headers:
        assert {name.lower(): value for name, value in sent.items()}.items() >= {
            "x-api-key": KEY,
            "x-tenant": "blue",
        }.items()
        assert ".hidden" not in sent


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"AGENT_SERVER_URL": ""}, "EnvironmentInvalid"),
        ({"GRAPHCRON_START_PATIENCE_SECONDS": "soon"}, "EnvironmentInvalid"),
        ({"AGENT_SERVER_URL": "http://user:hunter2@localhost"}, "ServerUrlInvalid"),
        ({"AGENT_SERVER_URL": "ftp://localhost"}, "ServerUrlInvalid"),
        ({"AGENT_SERVER_URL": "http://localhost:many"}, "ServerUrlInvalid"),
        ({"AGENT_SERVER_URL": "https://localhost", "AGENT_SERVER_CA_FILE": "/nowhere/ca.crt"}, "CaFileInvalid"),
        ({"GRAPHCRON_ORDER_PATH": "/nowhere/order.json"}, "OrderInvalid"),
        ({"GRAPHCRON_ORDER": "[]"}, "OrderInvalid"),
        ({"AGENT_SERVER_API_KEY": "hunter2\nx: y"}, "HeaderInvalid"),
    ],
)
def test_a_pod_that_was_given_nonsense_says_what(
    pod: Pod, changes: dict[str, str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pod.environ |= changes
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, reason)
    assert "hunter2" not in outcome.message + capsys.readouterr().out


def test_no_termination_log_is_no_failure(pod: Pod) -> None:
    assert main(pod.environ | {"GRAPHCRON_TERMINATION_LOG": "/nowhere/log"}) == EXIT_DONE
