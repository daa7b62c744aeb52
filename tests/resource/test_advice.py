"""What is said about a spec that is valid, and may not do what its author expects."""

from typing import Any

import pytest

from graphcron.resource.advice import INTERRUPTS_LOST, INTERRUPTS_LOST_IN_POD, advice

THREAD = "11111111-2222-4333-8444-555555555555"
IN_POD = {"engine": "inPod", "image": "x"}


@pytest.mark.parametrize("interrupt", [{"interruptBefore": "*"}, {"interruptAfter": ["tools"]}])
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, INTERRUPTS_LOST),
        ({"onRunCompleted": "delete"}, INTERRUPTS_LOST),
        ({"onRunCompleted": "keep"}, None),
        ({"threadId": THREAD}, None),
        (IN_POD, INTERRUPTS_LOST_IN_POD),
        (IN_POD | {"onRunCompleted": "keep"}, INTERRUPTS_LOST_IN_POD),
        (IN_POD | {"checkpointer": {}}, INTERRUPTS_LOST),
        (IN_POD | {"checkpointer": {}, "onRunCompleted": "keep"}, None),
    ],
)
def test_runs_that_may_wait_for_input_need_a_thread_that_is_kept(
    interrupt: dict[str, Any], spec: dict[str, Any], said: str | None
) -> None:
    assert advice(interrupt | spec) == said


@pytest.mark.parametrize("spec", [{}, {"interruptBefore": []}, {"interruptAfter": None}])
def test_others_may_lose_theirs(spec: dict[str, Any]) -> None:
    assert advice(spec) is None
