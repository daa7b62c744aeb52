"""A cron of any LangGraph server becomes a GraphCron that does the same."""

from graphcron.commands.importing import graphcrons
from graphcron.resource.spec_reader import read_spec

CRON = {
    "cron_id": "1f0c1c1e-3b63-6d0c-8a40-0242ac120002",
    "assistant_id": "fe096781-5601-53d2-b2f6-0d3403f7e9ca",
    "thread_id": None,
    "user_id": "somebody",
    "on_run_completed": "keep",
    "end_time": "2031-01-01T00:00:00+00:00",
    "schedule": "27 15 * * *",
    "timezone": None,
    "enabled": True,
    "metadata": {"team": "a"},
    "next_run_date": "2030-01-01T15:27:00+00:00",
    "payload": {
        "assistant_id": "agent",
        "input": {"messages": [], "nothing": None},
        "config": {"tags": ["t"], "configurable": {"cron_id": "1f0c1c1e", "model": "m"}},
        "context": {},
        "webhook": "https://example.com/hook",
        "stream_mode": ["values"],
        "schedule": "27 15 * * *",
    },
}


def test_a_cron_becomes_a_graphcron_that_does_the_same() -> None:
    (made,) = graphcrons([CRON], "team")
    assert made["metadata"] == {"name": CRON["cron_id"], "namespace": "team"}
    assert made["spec"] == {
        "schedule": "27 15 * * *",
        "timezone": "Etc/UTC",
        "assistantId": CRON["assistant_id"],
        "onRunCompleted": "keep",
        "endTime": "2031-01-01T00:00:00+00:00",
        "metadata": {"team": "a"},
        "input": {"messages": [], "nothing": None},
        "config": {"tags": ["t"], "configurable": {"model": "m"}},
        "context": {},
        "webhook": "https://example.com/hook",
        "streamMode": ["values"],
    }
    read_spec(made["spec"])


def test_a_config_that_has_only_the_id_of_the_cron_is_none() -> None:
    (made,) = graphcrons([CRON | {"payload": {"config": {"configurable": {"cron_id": "1f0c1c1e"}}}}])
    assert "config" not in made["spec"]


def test_a_paused_cron_stays_paused_and_keeps_its_server() -> None:
    server = {"url": "https://agents.example.com", "apiKeySecretRef": {"name": "key", "key": "api-key"}}
    (made,) = graphcrons([CRON | {"enabled": False, "metadata": {}}], server=server)
    assert made["spec"]["enabled"] is False
    assert made["spec"]["server"] == server
    assert "metadata" not in made["spec"]
    assert "namespace" not in made["metadata"]
