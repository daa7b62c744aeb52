"""The messages of a run, told from those of other runs of its thread by its checkpoints, on a real socket."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import graphcron
from graphcron.runner.run_state import PARTS_LIMIT, STATE_LIMIT
from tests.support.agent_server_fake import START, AgentServerFake, Answer, answer, message, undisturbed
from tests.support.run_pod import Pod

HISTORY = r"/history$"


def leaves(server: AgentServerFake, *messages: Any, before: Any = (), durability: str = "async") -> Any:
    """A fault that lets the run start, and write its checkpoints."""

    def started(handle: Any) -> Answer:
        made: Answer = handle()
        thread_id, run_id = made.body["thread_id"], made.body["run_id"]
        if durability != "exit":
            server.checkpoint(thread_id, {"messages": list(before)}, "input", run_id=run_id)
        server.checkpoint(thread_id, {"messages": [*before, *messages]}, run_id=run_id)
        return made

    return started


def filled(more: Any) -> Any:
    """A fault that adds more to a state."""

    def answered(handle: Any) -> Answer:
        made: Answer = handle()
        values = made.body[0]["values"] | {"more": more}
        return Answer(200, [made.body[0] | {"values": values}])

    return answered


def test_a_stateless_firing_has_the_tokens_of_its_messages(pod: Pod, server: AgentServerFake) -> None:
    server.fail(START, leaves(server, {"type": "human", "content": "hi"}, message(7), message(5)))
    code, outcome = pod.run()
    assert code == 0
    assert outcome.usage
    assert (outcome.usage["totalTokens"], outcome.usage["source"]) == (12, "FinalState")
    assert outcome.usage["complete"] is False, "a state does not tell what it does not keep"
    assert outcome.answer is None
    assert pod.run()[1] == outcome, "and its record, too"


@pytest.mark.parametrize("durability", ["async", "exit"])
def test_on_a_thread_of_many_firings_only_its_own_messages_count(
    pod: Pod, server: AgentServerFake, durability: str
) -> None:
    thread_id = server.add_thread()
    pod.order(thread_id=thread_id)
    earlier = [message(100), message(200)]
    server.checkpoint(thread_id, {"messages": earlier}, run_id="another")
    server.fail(START, leaves(server, message(7), before=earlier, durability=durability))
    first = pod.run()[1]
    assert first.usage
    assert first.usage["totalTokens"] == 7
    server.checkpoint(thread_id, {"messages": [*earlier, message(400)]}, run_id="one that came later")
    assert pod.run()[1] == first, "whenever a pod looks"


def test_where_earlier_messages_cannot_be_told_from_its_own_nothing_is_known(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread()
    pod.order(thread_id=thread_id)
    server.fail(START, leaves(server, message(7)))
    server.fail(HISTORY, lambda handle: handle(), answer(500))
    server.checkpoint(thread_id, {"messages": []}, run_id="another")
    assert pod.run()[1].usage is None


def test_a_server_that_ignores_what_is_asked_for_is_not_believed(pod: Pod, server: AgentServerFake) -> None:
    thread_id = server.add_thread()
    pod.order(thread_id=thread_id)
    other = server.checkpoint(thread_id, {"messages": [message(7)]}, run_id="another")
    server.fail(HISTORY, answer(200, [other]))
    assert pod.run()[1].usage is None


@pytest.mark.parametrize("lacks", [("parent_checkpoint",), ("values",)])
def test_a_server_that_does_not_tell_what_was_before_is_not_believed(
    pod: Pod, server: AgentServerFake, lacks: tuple[str, ...]
) -> None:
    """Otherwise the tokens of earlier firings would count as this one's."""
    thread_id = server.add_thread()
    pod.order(thread_id=thread_id)
    earlier = [message(100), message(200)]
    server.checkpoint(thread_id, {"messages": earlier}, run_id="another")
    server.fail(START, leaves(server, message(7), before=earlier, durability="exit" if "values" not in lacks else ""))

    def less(handle: Any) -> Answer:
        made: Answer = handle()
        body = [{key: value for key, value in one.items() if key not in lacks} for one in made.body]
        return Answer(made.status, body)

    server.fail(HISTORY, undisturbed if "values" in lacks else less, less)
    assert pod.run()[1].usage is None


@pytest.mark.parametrize(
    "answered",
    [
        answer(404),
        answer(500),
        answer(200, b"{"),
        answer(200, {"a": 1}),
        answer(200, [7]),
        answer(200, b"[" * 5000),
        filled("x" * STATE_LIMIT),
        filled([[]] * PARTS_LIMIT),
    ],
    ids="404 500 half object number deep large dense".split(),
)
def test_a_state_that_cannot_be_read_changes_nothing(pod: Pod, server: AgentServerFake, answered: Any) -> None:
    server.fail(START, leaves(server, message(7)))
    server.fail(HISTORY, answered)
    code, outcome = pod.run()
    assert (code, outcome.reason, outcome.usage) == (0, "RunSucceeded", None)
    assert outcome.duration is not None


def test_a_state_with_a_little_more_can_be_read(pod: Pod, server: AgentServerFake) -> None:
    server.fail(START, leaves(server, message(7)))
    server.fail(HISTORY, filled(["x"]))
    outcome = pod.run()[1]
    assert outcome.usage
    assert outcome.usage["totalTokens"] == 7


def test_a_run_that_failed_counts_with_what_is_known(pod: Pod, server: AgentServerFake) -> None:
    server.ends_as = "error"
    server.fail(START, leaves(server, message(7)))
    outcome = pod.run()[1]
    assert outcome.reason == "RunError"
    assert outcome.usage
    assert outcome.usage["totalTokens"] == 7


def test_the_answer_is_recorded_only_on_request_and_never_logged(
    pod: Pod, server: AgentServerFake, capsys: pytest.CaptureFixture[str]
) -> None:
    pod.order(record_answer=True)
    server.fail(START, leaves(server, message(7, content="The answer is 42.")))
    assert pod.run()[1].answer == "The answer is 42."
    assert "answer is" not in capsys.readouterr().out


MEMORY = """\
import json, sys
from graphcron.runner import main
from graphcron.runner.run_state import STATE_LIMIT, RunState
from graphcron.runner.tally import Tally

class Server:
    def read(self, *args):
        return open(sys.argv[1], "rb").read()

state, tally = RunState(Server(), "t", "r", "f", own_thread=sys.argv[2] == "own"), Tally()
state.count(tally)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([tally.total, int(peak.split()[1])]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells it in /proc")
@pytest.mark.parametrize("thread", ["own", "shared"])
@pytest.mark.parametrize("letter", ["x", "ä", "😀", ""], ids="ascii latin emoji parts".split())
def test_the_largest_state_that_is_read_leaves_a_pod_within_its_memory(
    tmp_path: Path, letter: str, thread: str
) -> None:
    """On a shared thread, two of them."""
    if letter:
        content = letter * (990 // len(letter.encode()))
        values = {"messages": [message(1, content=content) for _ in range(STATE_LIMIT // 1300)]}
    else:
        values = {"messages": [message(1)], "more": [{f"k{number}": []} for number in range(PARTS_LIMIT // 3 - 10)]}
    state = [{"metadata": {"run_id": "r", "source": "input"}, "values": values}]
    data = json.dumps(state, ensure_ascii=False).encode()
    assert STATE_LIMIT * (0.8 if letter else 0.1) < len(data) <= STATE_LIMIT
    (tmp_path / "state").write_bytes(data)
    path = str(Path(graphcron.__file__).parents[1])
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "state"), thread]
    said = subprocess.run(command, env={"PYTHONPATH": path}, check=True, capture_output=True, timeout=60).stdout
    total, kilobytes = json.loads(said)
    assert total == (len(values["messages"]) if thread == "own" else 0)
    assert kilobytes < 32 * 1024, "the most that it ever had"
