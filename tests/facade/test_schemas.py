"""Request bodies: what is read unchanged, and the sentence for what is refused."""

import json
import tracemalloc
from typing import Any

import pytest

from graphcron.facade import schemas
from graphcron.facade.errors import RestError
from graphcron.facade.schemas import CronSearch, read_json
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


class TestJson:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (b'{"a": 9007199254740993}', {"a": 9007199254740993}),
            (b'{"a": -9223372036854775808}', {"a": -(2**63)}),
            (b'{"a": 1e300, "b": 0.1}', {"a": 1e300, "b": 0.1}),
            ('{"ü": "\\ud83d\\ude00"}'.encode(), {"ü": "😀"}),
            (b"[" * 250 + b"]" * 250, None),
        ],
    )
    def test_is_kept_as_it_came(self, text: bytes, value: object) -> None:
        read = read_json(text)
        assert value is None or read == value

    @pytest.mark.parametrize(
        ("case", "text", "detail"),
        [
            ("nothing", b"", "Invalid JSON in request body"),
            ("no JSON", b"banana", "Invalid JSON in request body"),
            ("cut off", b'{"a": ', "Invalid JSON in request body"),
            ("not UTF-8", b'{"a": "\xff"}', "Invalid JSON in request body"),
            ("NaN", b'{"a": NaN}', "Invalid JSON in request body"),
            ("Infinity", b'{"a": [-Infinity]}', "Invalid JSON in request body"),
            ("a number beyond floats", b'{"a": 1e400}', "Invalid JSON in request body"),
            ("half a surrogate pair", b'{"a": "\\ud800"}', "Invalid JSON in request body"),
            ("half a surrogate pair as key", b'{"\\ud800": 1}', "Invalid JSON in request body"),
            ("digits without end", b"1" * 5000, "Invalid JSON in request body"),
            ("depth without end", b"[" * 500_000, "Invalid JSON in request body"),
            ("too deep", b"[" * 260 + b"]" * 260, "The request body is nested deeper than 250 levels"),
            ("an integer of 65 bits", b'{"input": {"a": [9223372036854775808]}}', "input.a[0]: Kubernetes would round"),
            ("a NUL", b'{"input": {"a": "x\\u0000"}}', "input.a: a NUL character"),
            ("a NUL as key", b'{"x\\u0000": 1}', "A key: a NUL character"),
        ],
    )
    def test_is_refused(self, case: str, text: bytes, detail: str) -> None:
        """What could not be stored, or not without a change."""
        with pytest.raises(RestError) as refused:
            read_json(text)
        assert refused.value.status == 422
        assert refused.value.detail.startswith(detail)


def test_a_body_takes_memory_by_its_size_and_not_by_its_squared() -> None:
    text = json.dumps({"metadata": {"k" * 10_000: [0] * 10_000}}).encode()
    tracemalloc.start()
    try:
        read_json(text)
        assert tracemalloc.get_traced_memory()[1] < 100 * len(text), "or each value would bear its own path"
    finally:
        tracemalloc.stop()


def test_of_many_mistakes_some_are_told() -> None:
    for given in ({"select": [0] * 10_000}, {f"field{number}" * 100: 1 for number in range(1000)}):
        with pytest.raises(RestError) as refused:
            schemas.read(CronSearch, given)
        assert refused.value.detail.endswith(" more")
        assert len(refused.value.detail) < 3000
