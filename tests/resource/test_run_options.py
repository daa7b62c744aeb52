"""What a server would refuse at each run is refused once, in its own words where it has some."""

from typing import Any

import pytest

from graphcron.resource.run_options import (
    CONTEXT_AND_CONFIGURABLE,
    OWN_FIELD,
    OWN_FIELDS,
    RESUME_NEEDS_THREAD,
    complaint,
)

Json = dict[str, Any] | None
SET: dict[str, Any] = {"configurable": {"a": 1}}
RESUME: dict[str, Any] = {"command": {"resume": "yes"}}

CASES: dict[str, tuple[Json, Json, Json, str | None, str | None]] = {
    "nothing": (None, None, None, None, None),
    "context and configurable": ({"b": 1}, SET, None, None, CONTEXT_AND_CONFIGURABLE),
    "an empty context beside configurable": ({}, SET, None, None, None),
    "context beside an empty configurable": ({"b": 1}, {"configurable": {}}, None, None, None),
    "context beside another config": ({"b": 1}, {"tags": ["x"]}, None, None, None),
    "an option that nobody here knows": (None, None, {"priority": 3}, None, None),
    "to resume no thread": (None, None, RESUME, None, RESUME_NEEDS_THREAD),
    "to resume a thread": (None, None, RESUME, "t", None),
    "a command that resumes nothing": (None, None, {"command": {"resume": None, "goto": "a"}}, None, None),
    "a command that is none": (None, None, {"command": ["resume"]}, None, None),
}


@pytest.mark.parametrize(("context", "config", "options", "thread", "said"), CASES.values(), ids=CASES)
def test_what_does_not_go_together_is_told(
    context: Json, config: Json, options: Json, thread: str | None, said: str | None
) -> None:
    assert complaint(context, config, options, thread) == said


@pytest.mark.parametrize("name", OWN_FIELDS)
def test_an_option_that_has_a_field_of_its_own_is_none(name: str) -> None:
    assert complaint(None, None, {"priority": 3, name: None}, "t") == OWN_FIELD
