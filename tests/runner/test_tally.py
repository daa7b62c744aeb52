"""What messages say about a run."""

from types import SimpleNamespace
from typing import Any

import pytest

from graphcron.firing.usage import MODEL_NAME_LIMIT
from graphcron.runner.tally import ENTRIES, Tally, answer_in, ids_in, messages_in
from tests.support.agent_server_fake import message


def usage(*messages: Any, grows: bool = False) -> Any:
    tally = Tally()
    for one in messages:
        tally.add(one, grows=grows)
    found = tally.usage("Stream", complete=True)
    assert (found["totalTokens"] if found else 0) == tally.total
    return found


def test_tokens_are_summed_by_model() -> None:
    found = usage(message(7), message(5), message(3, response_metadata={"model": "claude"}))
    assert (found["totalTokens"], found["inputTokens"], found["outputTokens"], found["complete"]) == (15, 12, 3, True)
    assert {name: one["totalTokens"] for name, one in found["models"].items()} == {"gpt": 12, "claude": 3}


def test_cached_tokens_are_part_of_the_prompt() -> None:
    counts = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15, "input_token_details": {"cache_read": 4}}
    found = usage(message(0, usage_metadata=counts))
    assert (found["inputTokens"], found["cachedTokens"], found["totalTokens"]) == (10, 4, 15)


def test_a_message_counts_once() -> None:
    assert usage(message(7, id="a"), message(7, id="a"))["totalTokens"] == 7


def test_a_message_that_comes_in_parts_counts_with_each_part() -> None:
    parts = [
        message(7, id="a", type="AIMessageChunk", response_metadata={}),
        message(0, id="a", type="AIMessageChunk", response_metadata={}),
        message(2, id="a", type="AIMessageChunk"),
    ]
    found = usage(*parts, grows=True)
    assert (found["totalTokens"], found["complete"], list(found["models"])) == (9, True, ["gpt"])


def test_without_any_tokens_nothing_is_known() -> None:
    assert usage() is None
    assert usage(message(0)) is None
    assert usage({"type": "human", "content": "hi", "id": "a"}, "text", None, 7) is None


def test_a_message_that_tells_no_tokens_makes_the_sum_incomplete() -> None:
    assert usage(message(7), message(0))["complete"] is False
    assert usage(message(7), message(5, id=None))["complete"] is False


def test_a_model_without_a_name_is_unknown_and_a_strange_name_harmless() -> None:
    assert list(usage(message(7, response_metadata={}))["models"]) == ["unknown"]
    (name,) = usage(message(7, response_metadata={"model_name": "\x1b[31m" + "x" * 500}))["models"]
    assert (len(name), name.isprintable()) == (MODEL_NAME_LIMIT, True)


@pytest.mark.parametrize("counts", [7, [], {"input_tokens": "x"}, {"input_tokens": -5}, {"total_tokens": True}])
def test_counts_that_are_none_are_unknown(counts: Any) -> None:
    assert usage(message(0, usage_metadata=counts)) is None


def test_many_messages_take_little_memory_and_all_count() -> None:
    tally = Tally()
    for number in range(2 * ENTRIES):
        tally.add(message(2, id=str(number)))
    assert len(tally._entries) == ENTRIES
    found = tally.usage("Stream", complete=True)
    assert found
    assert (found["totalTokens"], found["complete"]) == (4 * ENTRIES, True)


def test_messages_are_found_at_the_top_of_a_state() -> None:
    state = {"messages": [message(1)], "last": message(2), "text": "x", "numbers": [1], "deeper": {"messages": [3]}}
    assert len(list(messages_in(state))) == 2
    assert list(messages_in("x")) == list(messages_in(None)) == []


class Odd:
    """An object of a graph's own, whose fields fail, or are what no `==` compares: a table may have a column `type`."""

    @property
    def type(self) -> Any:
        return Column()

    @property
    def role(self) -> str:
        raise RuntimeError("not loaded")

    id = content = usage_metadata = role


class Column:
    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise ValueError("the truth value is ambiguous")


def test_objects_of_a_graph_s_own_harm_nothing() -> None:
    said = message(7, id="a")
    state = {"messages": [said, Odd()], "table": Odd()}
    assert list(messages_in(state)) == [said]
    assert ids_in(state) == {"a"}
    assert answer_in(state) is None
    assert usage(Odd(), *messages_in(state))["totalTokens"] == 7


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ({"messages": [message(1, content="42")]}, "42"),
        ({"messages": [message(1, content=[{"type": "text", "text": "4"}, {"type": "image"}, "2"])]}, "4\n2"),
        ({"messages": [SimpleNamespace(type="ai", content="42")]}, "42"),
        ({"messages": [message(1), {"type": "human", "content": "hi"}]}, None),
        ({"messages": [{"role": "user", "content": "hi"}]}, None),
        ({"messages": []}, None),
        ({"messages": "42"}, None),
        ({"text": "42"}, None),
        ("42", None),
        (None, None),
    ],
)
def test_the_answer_is_the_text_of_the_last_message(values: Any, answer: str | None) -> None:
    assert answer_in(values) == answer
