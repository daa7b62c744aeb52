"""The input of a run: the cron's own, byte by byte, or with its placeholders replaced where the cron asks for it."""

import json
from typing import Any

import pytest

from graphcron.firing.outcome import EXIT_DONE, EXIT_REFUSED, EXIT_TRY_AGAIN
from graphcron.schedule.expression import read
from tests.support.agent_server_fake import START, AgentServerFake, answer
from tests.support.in_pod import THREAD
from tests.support.in_pod import Pod as InPod
from tests.support.run_pod import DUE, FIRING, Pod

TEXT = "{{name}}: {{previousScheduledTime}} to {{scheduledTime}}, {{scheduledTime:%d.%m. %H:%M %Z}}"
SAID = "report: 2026-11-22T18:50:00Z to 2026-11-22T19:20:00Z, 22.11. 20:20 CET"


def renders(spec: str = "20,50 * * * *", **more: Any) -> dict[str, Any]:
    """What an order has that renders, for a cron in Berlin."""
    schedule = read(spec)
    render = {"name": "report", **schedule.slots}
    return {"render": render, "timezone": "Europe/Berlin", "days": schedule.days or None} | more


@pytest.mark.parametrize("from_file", [False, True])
def test_without_render_input_placeholders_are_plain_text(pod: Pod, server: AgentServerFake, from_file: bool) -> None:
    text = '{"n": 1.10, "text": "{{scheduledTime}} {{nobody}} \\u00e4"}'
    (pod.directory / "input.json").write_text(text)
    pod.order({"input": json.loads(text)}, input_from_file=from_file)
    assert pod.run()[0] == EXIT_DONE
    sent = text.encode() if from_file else json.dumps(json.loads(text), ensure_ascii=False).encode()
    assert sent in next(body for body in server.bodies if b"assistant_id" in body)


def test_placeholders_are_those_of_the_firing(pod: Pod, server: AgentServerFake) -> None:
    pod.order({"input": {"messages": [{"role": "user", "content": TEXT}], "n": 2**70}}, **renders())
    assert pod.run()[0] == EXIT_DONE
    assert server.started[0]["input"] == {"messages": [{"role": "user", "content": SAID}], "n": 2**70}


def test_so_they_are_in_input_from_a_file_and_all_else_stays_as_it_is(pod: Pod, server: AgentServerFake) -> None:
    text = '{"pi": 3.14159265358979323846264338, "ä" : "%s", "n": 1e400}\n'
    (pod.directory / "input.json").write_text(text % TEXT)
    pod.order({"input": "not this"}, input_from_file=True, **renders())
    assert pod.run()[0] == EXIT_DONE
    assert (text % SAID).encode() in next(body for body in server.bodies if b"assistant_id" in body)


def test_days_that_only_the_schedule_means_are_no_previous_time(pod: Pod, server: AgentServerFake) -> None:
    pod.environ["GRAPHCRON_JOB_NAME"] = f"daily-{int(DUE.timestamp()) // 60 + 8 * 24 * 60}"  # 30 November, 19:20 UTC
    pod.order({"input": "{{previousScheduledTime}}"}, **renders("20 20 L * *"))
    assert pod.run()[0] == EXIT_DONE
    assert server.started[0]["input"] == "2026-10-31T19:20:00Z"


def test_a_backfill_has_the_times_of_its_minute(pod: Pod, server: AgentServerFake) -> None:
    pod.environ |= {"GRAPHCRON_TRIGGER": "Backfill"}
    pod.order({"input": TEXT}, not_before="2999-01-01T00:00:00Z", **renders())
    assert pod.run()[0] == EXIT_DONE
    assert server.started[0]["input"] == SAID


def test_half_a_surrogate_pair_is_sent_all_the_same(pod: Pod, server: AgentServerFake) -> None:
    pod.order({"input": None}, **renders())
    order = json.loads((pod.directory / "order.json").read_text())
    order["request"]["input"] = "\ud83d {{name}}"
    (pod.directory / "order.json").write_text(json.dumps(order))
    assert pod.run()[0] == EXIT_DONE
    assert server.started[0]["input"] == "\ud83d report"


def test_without_an_input_there_is_nothing_to_replace(pod: Pod, server: AgentServerFake) -> None:
    order = {"cron_id": "cron-1", "request": {"assistant_id": "agent"}, **renders()}
    (pod.directory / "order.json").write_text(json.dumps(order))
    assert pod.run()[0] == EXIT_DONE
    assert "input" not in server.started[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"a": ["{{hunter2}}"]}', "spec: inputFrom.a.0 has a placeholder that renderInput does not know: there are"),
        ('"{{scheduledTime:%Qhunter2}}"', "spec: inputFrom has a time format that cannot be used"),
    ],
)
def test_a_file_with_another_placeholder_starts_nothing_and_says_where_it_is(
    pod: Pod, server: AgentServerFake, text: str, sentence: str
) -> None:
    (pod.directory / "input.json").write_text(text)
    pod.order(input_from_file=True, **renders())
    code, outcome = pod.run()
    assert (code, outcome.reason, server.requests) == (EXIT_REFUSED, "InputInvalid", [])
    assert sentence in outcome.message
    assert "hunter2" not in outcome.message, "it may be from a Secret"


def test_a_schedule_that_has_no_time_before_says_so(pod: Pod) -> None:
    never = {"name": "report", "fields": [[0], [0], [31], [2], None]}
    pod.order({"input": "{{previousScheduledTime}}"}, render=never, timezone="Etc/UTC")
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "InputInvalid")
    assert "no time before this one" in outcome.message


def test_a_run_by_hand_has_the_same_times_at_each_attempt(pod: Pod, server: AgentServerFake) -> None:
    """Its time is when the first attempt began; the schedule's last one before that is the previous one."""
    pod.environ |= {"GRAPHCRON_JOB_NAME": "report-by-hand", "GRAPHCRON_START_PATIENCE_SECONDS": "0"}
    pod.order({"input": "{{previousScheduledTime}} {{scheduledTime}}"}, **renders())
    server.fail(START, answer(503))
    assert pod.run()[0] == EXIT_TRY_AGAIN
    server.threads[FIRING.thread_id]["metadata"]["graphcron_scheduled_time"] = "2026-11-22T19:20:33Z"
    assert pod.run()[0] == EXIT_DONE
    assert server.started[0]["input"] == "2026-11-22T19:20:00Z 2026-11-22T19:20:33Z"


@pytest.mark.parametrize("from_file", [False, True])
def test_a_graph_in_the_pod_gets_the_same_input(in_pod: InPod, from_file: bool) -> None:
    in_pod.keeps_threads()
    (in_pod.directory / "input.json").write_text(json.dumps({"text": TEXT}))
    in_pod.order({"input": {"text": TEXT}}, input_from_file=from_file, thread_id=THREAD, **renders())
    assert in_pod.run()[0] == EXIT_DONE
    said = "report: 2026-02-02T02:20:00Z to 2026-02-02T02:40:00Z, 02.02. 03:40 CET"
    assert in_pod.state(THREAD)["values"]["log"][3] == said
