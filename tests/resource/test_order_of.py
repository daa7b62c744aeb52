"""The run request of a spec."""

from typing import Any

import pytest

from graphcron.firing.order import Order
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.order_of import order
from graphcron.resource.spec import GraphCronSpec
from graphcron.resource.spec_reader import read_spec
from graphcron.schedule.expression import read
from tests.support.cronjobs import METADATA
from tests.support.in_pod_specs import IN_POD

MINIMAL = {"schedule": "0 * * * *", "assistantId": "agent"}
UID = "3a0d031f-3407-41b6-b45a-3f375dcb3dc2"


def request_of(**spec: Any) -> dict[str, Any]:
    read = read_spec({"schedule": "0 * * * *", "assistantId": "agent"} | spec)
    return dict(order({"name": "hello", "uid": UID}, read, None).request)


def test_further_options_go_to_the_run_as_they_are_and_a_null_does_not() -> None:
    """A server refuses null for most options, and takes an absent one."""
    request = request_of(runOptions={"feedback_keys": ["a"], "novel": {"any": [None]}, "checkpoint": None}, input={})
    assert request["feedback_keys"] == ["a"]
    assert request["novel"] == {"any": [None]}
    assert "checkpoint" not in request
    assert (request["assistant_id"], request["input"]) == ("agent", {})


NAMED = {"cron_id": UID, "graphcron_cron": UID}


@pytest.mark.parametrize(
    ("spec", "configurable"),
    [
        ({}, NAMED),
        ({"config": {"configurable": {"a": 1}}}, {"a": 1} | NAMED),
        ({"context": {}, "config": {"configurable": {"a": 1}}}, {"a": 1} | NAMED),
        ({"context": {"b": 2}}, None),
        ({"context": {"b": 2}, "config": {"configurable": {}}}, {}),
    ],
)
def test_the_cron_is_named_where_the_server_lets_it(spec: dict[str, Any], configurable: dict[str, Any] | None) -> None:
    assert request_of(**spec).get("config", {}).get("configurable") == configurable


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"context": {"a": 1}, "config": {"configurable": {"b": 2}}}, "Cannot specify both configurable and context."),
        ({"runOptions": {"webhook": "http://a"}}, "runOptions is for options that have no field of their own here"),
        ({"runOptions": {"command": {"resume": 1}}}, "You must provide a thread_id when resuming"),
        ({"runOptions": {"x" * 65: 1}}, "at most 64 characters"),
        ({"runOptions": {f"o{number}": 1 for number in range(33)}}, "at most 32 items"),
    ],
)
def test_what_no_run_can_be_asked_is_refused(spec: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidGraphCron, match=sentence):
        request_of(**spec)


def test_an_answer_to_a_thread_is_a_run_like_any_other() -> None:
    request = request_of(runOptions={"command": {"resume": "yes"}}, threadId=UID)
    assert request["command"] == {"resume": "yes"}


def test_the_order_is_the_same_for_both_engines() -> None:
    given = {"input": {"a": 1}, "config": {"recursion_limit": 5}}
    assert request_of(**given) == request_of(**given, **IN_POD)


@pytest.mark.parametrize(("policy", "replace"), [(None, False), ("Allow", False), ("Forbid", False), ("Replace", True)])
def test_only_replace_makes_the_run_pods_cancel_earlier_runs(policy: str | None, replace: bool) -> None:
    spec = MINIMAL | ({"concurrencyPolicy": policy} if policy else {})
    assert order(METADATA, GraphCronSpec.model_validate(spec), None).replace is replace


PLACEHOLDERS = {"{{name}}": "{{name}} {{scheduledTime}} {{nobody}}"}


def test_by_default_the_input_is_passed_on_as_it_is() -> None:
    for more in ({}, {"renderInput": False}):
        made = order(METADATA, read_spec(MINIMAL | {"input": PLACEHOLDERS} | more), None, read("0 9 * * fri"))
        assert made.request["input"] == PLACEHOLDERS
        assert (made.render, made.timezone) == (None, None)


def test_what_run_pods_replace_is_known_when_they_are_made() -> None:
    spec = read_spec(MINIMAL | {"input": "{{name}}", "renderInput": True, "timezone": "Europe/Berlin"})
    made = order(METADATA, spec, None, read("0 9 * * fri"))
    assert made.request["input"] == "{{name}}", "each firing replaces it anew"
    assert made.timezone == "Europe/Berlin"
    assert made.render == {"name": "hello", "fields": [[0], [9], None, None, [5]]}
    assert Order.from_json(made.to_json()).render == made.render


@pytest.mark.parametrize(("spec", "alone"), [({}, False), (IN_POD, True), (IN_POD | {"retryLimit": 0}, False)])
def test_a_run_pod_knows_when_no_other_can_have_been_before_it(spec: dict[str, Any], alone: bool) -> None:
    assert order(METADATA, read_spec(MINIMAL | spec), None).only_attempt is alone
