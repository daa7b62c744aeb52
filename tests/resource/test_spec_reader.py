"""Specs that the CRD would refuse, and that are there all the same: little time and memory, and one sentence."""

import tracemalloc
from typing import Any

import pytest

from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.spec_reader import read_spec

MINIMAL = {"schedule": "0 * * * *", "assistantId": "agent"}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"streamMode": [1] * 500_000}, "spec: more than 4096 values"),
        ({"interruptBefore": [[]] * 100_000}, "spec: more than 4096 values"),
        ({"template": {"labels": {str(number): 1 for number in range(100_000)}}}, "spec: more than 4096 values"),
        ({"template": {"tolerations": [{"key": []}] * 100_000}}, "spec: more than 4096 values"),
        ({f"field{number}": 1 for number in range(100_000)}, "spec: more than 4096 values"),
        ({"envFrom": [[{}] * 100] * 100}, "spec: more than 4096 values"),
        ({"streamMode": [1] * 1000}, "spec.streamMode."),
        ({"interruptAfter": [1] * 1000}, "spec.interruptAfter."),
        (
            {"template": {"labels": {str(number): 1 for number in range(1000)}}},
            "spec.template.labels: must have at most 64 entries",
        ),
        ({f"field{number}" * 100: 1 for number in range(1000)}, "spec.field0field0"),
        ({"endTime": "2030-01-01" * 50_000}, "spec.endTime: must be an RFC 3339 time"),
        ({"x" * 500_000: 1}, "spec.xxx"),
        ({"x" * 500_000: [[[]] * 300]}, "spec.xxx"),
    ],
)
def test_a_huge_one_is_refused_in_one_sentence(spec: dict[str, Any], message: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InvalidGraphCron) as refused:
            read_spec(MINIMAL | spec)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert refused.value.reason == "InvalidSpec"
    assert refused.value.message.startswith(message)
    assert len(refused.value.message) < 2000


def test_of_many_mistakes_some_are_told() -> None:
    with pytest.raises(InvalidGraphCron, match=r"spec\.field0: unknown field; .*; and 40 more$"):
        read_spec(MINIMAL | {f"field{number}": 1 for number in range(50)})


@pytest.mark.parametrize("field", ["input", "metadata", "config", "context"])
def test_free_json_may_have_any_number_of_values(field: str) -> None:
    assert read_spec(MINIMAL | {field: {str(number): [] for number in range(10_000)}})
