"""Request bodies: what is read unchanged, and the sentence for what is refused."""

import tracemalloc
from typing import Any

import pytest

from graphcron.facade import schemas
from graphcron.facade.errors import RestError
from graphcron.facade.schemas import Body, CronCreate, CronSearch
from tests.support.rest_crons import MINIMAL, THREAD, made

BOTH = "spec: Cannot specify both configurable and context. Prefer setting context alone"


class TestRefusedBodies:
    @pytest.mark.parametrize(
        ("given", "detail"),
        [
            ({"assistant_id": "agent"}, "'schedule' is a required field"),
            (MINIMAL | {"time_zone": "Asia/Tokyo"}, "'time_zone' is not a known field: did you mean 'timezone'?"),
            (
                {"assistant_id": "agent", "shedule": 5},
                "'schedule' is a required field; 'shedule' is not a known field: ",
            ),
            (MINIMAL | {"context": {"a": 1}, "config": {"configurable": {"b": 2}}}, BOTH),
            (MINIMAL | {"command": {"resume": "yes"}}, "spec: You must provide a thread_id when resuming"),
            (MINIMAL | {"schedule": "banana"}, "Invalid cron schedule: 'banana'. Reason: "),
            (MINIMAL | {"schedule": "* * * * * *"}, "Invalid cron schedule: '* * * * * *'. Reason: "),
            (MINIMAL | {"schedule": "0 0 31 2 *"}, "Invalid cron schedule: '0 0 31 2 *'. Reason: It never fires"),
            (MINIMAL | {"timezone": "Foo/Bar"}, "Invalid timezone: 'Foo/Bar'. Use IANA"),
            (MINIMAL | {"timezone": "Foo/Bar", "schedule": "banana"}, "Invalid timezone: 'Foo/Bar'"),
            (MINIMAL | {"timezone": None}, "timezone must be a string"),
            (MINIMAL | {"enabled": "yes"}, "enabled must be true or false"),
            (MINIMAL | {"enabled": 1}, "enabled must be true or false"),
            (MINIMAL | {"input": 5}, "input must be an object or a list of objects"),
            (MINIMAL | {"input": [1]}, "input must be an object or a list of objects"),
            (MINIMAL | {"input": None}, "input must be an object or a list of objects"),
            (MINIMAL | {"metadata": []}, "metadata must be an object"),
            (MINIMAL | {"config": {"tags": "x"}}, "config.tags must be a list"),
            (MINIMAL | {"config": {"recursion_limit": 1.5}}, "config.recursion_limit must be an integer"),
            (MINIMAL | {"config": {"configurable": []}}, "config.configurable must be an object"),
            (MINIMAL | {"interrupt_before": "x"}, 'interrupt_before must be "*" or a list of node names'),
            (MINIMAL | {"stream_mode": "x"}, "stream_mode must be a stream mode or a list of them: values, "),
            (MINIMAL | {"durability": "x"}, "durability must be 'sync', 'async' or 'exit'"),
            (MINIMAL | {"end_time": "2030-01-01T00:00:00"}, "end_time must be a time with an offset from UTC"),
            (MINIMAL | {"end_time": "garbage"}, "end_time must be a time with an offset from UTC"),
            (MINIMAL | {"end_time": None}, "end_time must be a time with an offset from UTC"),
            (MINIMAL | {"input": {"text": "x" * 300_000}}, "The run request has "),
        ],
    )
    def test_create_says_what_is_wrong(self, given: dict[str, Any], detail: str) -> None:
        with pytest.raises(RestError) as refused:
            made(given)
        assert refused.value.status == 422
        assert refused.value.detail.startswith(detail)

    def test_size_limit_names_the_way_out(self) -> None:
        with pytest.raises(RestError, match="inputFrom"):
            made(MINIMAL | {"input": {"text": "ü" * 130_000}})

    def test_a_secret_in_a_wrong_field_is_not_repeated(self) -> None:
        with pytest.raises(RestError) as refused:
            made(MINIMAL | {"webhook": ["https://user:hunter2@example.com"], "config": "hunter2"})
        assert "hunter2" not in refused.value.detail

    def test_a_thread_cron_may_say_what_becomes_of_its_thread_as_the_javascript_sdk_does(self) -> None:
        assert made(MINIMAL | {"on_run_completed": "keep"}, thread_id=THREAD)["spec"]["onRunCompleted"] == "keep"

    @pytest.mark.parametrize("empty", [{"context": {}}, {"config": {"configurable": {"cron_id": "reserved"}}}])
    def test_an_empty_context_or_configurable_is_none(self, empty: dict[str, Any]) -> None:
        made(MINIMAL | {"context": {"a": 1}, "config": {"configurable": {"b": 2}}} | empty)

    def test_if_not_exists_of_the_javascript_sdk_is_accepted(self) -> None:
        assert "ifNotExists" not in made(MINIMAL | {"if_not_exists": "create"})["spec"]


def test_of_many_mistakes_some_are_told() -> None:
    with pytest.raises(RestError) as refused:
        schemas.read(CronSearch, {f"field{number}" * 100: 1 for number in range(1000)})
    assert refused.value.detail.endswith("; and 990 more")
    assert len(refused.value.detail) < 3000


@pytest.mark.parametrize(
    ("schema", "given", "detail"),
    [
        (CronSearch, {"select": [0] * 10_000}, "select.0 must be "),
        (CronCreate, MINIMAL | {"input": [{}, *[0] * 10_000]}, "input must be an object or a list of objects"),
        (CronCreate, MINIMAL | {"config": {"tags": [0] * 10_000}}, "config.tags.0 must be a string"),
        (CronCreate, MINIMAL | {"stream_mode": [0] * 10_000}, "stream_mode must be a stream mode or a list of them"),
        (CronCreate, MINIMAL | {"interrupt_after": [0] * 10_000}, 'interrupt_after must be "*" or a list of node'),
    ],
)
def test_of_a_list_the_first_mistake_is_told_and_found(schema: type[Body], given: dict[str, Any], detail: str) -> None:
    """Pydantic would report each item, with a copy of it: half a million of them are a gigabyte."""
    tracemalloc.start()
    try:
        with pytest.raises(RestError) as refused:
            schemas.read(schema, given)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    assert refused.value.detail.startswith(detail)
    assert len(refused.value.detail) < 300
