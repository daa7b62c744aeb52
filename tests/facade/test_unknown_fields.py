"""Body fields that no cron has: which are misspelt, and which are newer than this facade."""

import time
from typing import Any

import aiohttp
import pytest

from graphcron.facade.errors import RestError
from graphcron.facade.schemas import CronCount, CronCreate, CronPatch, CronSearch, read
from graphcron.facade.unknown_fields import UnknownFields, complaints, warning
from tests.support.facade_server import MINIMAL, Client, made, serving
from tests.support.store_memory import MemoryStore

MISSPELT = {
    "time_zone": "timezone", "timeZone": "timezone", "timezon": "timezone", "tz": "timezone", "shedule": "schedule",
    "Schedule": "schedule", "endTime": "end_time", "end_tme": "end_time", "end_date": "end_time", "enbaled": "enabled",
    "disabled": "enabled", "interupt_before": "interrupt_before", "interruptAfter": "interrupt_after",
    "metdata": "metadata", "meta": "metadata",
    "web_hook": "webhook", "webhooks": "webhook", "on_run_complete": "on_run_completed",
    "imput": "input", "inputs": "input", "conifg": "config", "contexts": "context", "stream_modes": "stream_mode",
    "durabilty": "durability", "multi_task_strategy": "multitask_strategy", "assistantId": "assistant_id",
}  # fmt: skip

NEWER = (
    "checkpoint", "checkpoint_id", "command", "feedback_keys", "after_seconds", "langsmith_tracer", "on_completion",
    "on_disconnect", "on_run_failed", "stream_protocol", "stream_mode_v2", "webhook_headers", "context_id",
    "interrupt_during", "priority", "retry_policy", "timeout", "ttl", "tags", "x-novel", "neu-für-heute", "",
)  # fmt: skip

ELSEWHERE = {
    "thread_id": "is no field of a body: to run on a thread, name it in the path, POST /threads/{thread_id}/runs/crons",
    "next_run_date": "cannot be set: the server sets it",
    "cron_id": "cannot be set: the server sets it",
    "sort_by": "is not a known field: it belongs to a search",
    "retry_limit": "is a field of the GraphCron: set it by the metadata key 'graphcron.dev/retryLimit'",
    "jitter_seconds": "is a field of the GraphCron: set it by the metadata key 'graphcron.dev/jitterSeconds'",
    "startTime": "is a field of the GraphCron: set it by the metadata key 'graphcron.dev/startTime'",
    "server": "is a field of the GraphCron that only kubectl can set: spec.server",
    "run_options": "is a field of the GraphCron: send each option as a field of the body",
    "inputFrom": "is a field of the GraphCron that only kubectl can set: spec.inputFrom",
    "failed_runs_history_limit": "is a field of the GraphCron that only kubectl can set: spec.failedRunsHistoryLimit",
}

CREATE = CronCreate.model_fields


@pytest.mark.parametrize(("name", "meant"), MISSPELT.items())
def test_a_misspelt_field_is_refused_with_the_one_that_is_meant(name: str, meant: str) -> None:
    expected = [f"'{name}' is not a known field: did you mean '{meant}'?"]
    assert complaints([name], CREATE, UnknownFields.CARRY) == expected
    assert complaints([name], CREATE, UnknownFields.REFUSE) == expected


@pytest.mark.parametrize("name", NEWER)
def test_a_newer_one_is_carried_unless_the_administrator_refuses(name: str) -> None:
    assert complaints([name], CREATE, UnknownFields.CARRY) == []
    [refused] = complaints([name], CREATE, UnknownFields.REFUSE)
    assert refused.startswith(f"'{name}' is not a known field, and ")
    assert "facade.unknownFields" in refused
    assert complaints([name], CronSearch.model_fields, None) == [f"'{name}' is not a known field"]


@pytest.mark.parametrize(("name", "hint"), ELSEWHERE.items())
def test_a_field_of_elsewhere_is_refused_with_its_place(name: str, hint: str) -> None:
    for policy in UnknownFields:
        assert complaints([name], CREATE, policy) == [f"'{name}' {hint}"]


def test_hints_are_right_in_every_body() -> None:
    for name in ("thread_id", "threadId", "assistant_id", "assistantId"):
        [said] = complaints([name], CronPatch.model_fields, UnknownFields.CARRY)
        assert said.startswith(f"'{name}' cannot change: create another cron ")
        assert said.endswith(", and delete this one")
    for known in (CronPatch.model_fields, CronCount.model_fields):
        [said] = complaints(["retry_limit"], known, None)
        assert said == f"'retry_limit' {ELSEWHERE['retry_limit']}"
    assert complaints(["schedule"], CronCount.model_fields, None) == ["'schedule' is not a known field"]
    assert complaints(["limit"], CronCount.model_fields, None) == [
        "'limit' is not a known field: it belongs to a search"
    ]
    assert complaints(["metdata"], CronCount.model_fields, None) == [
        "'metdata' is not a known field: did you mean 'metadata'?"
    ]


def test_many_names_and_long_ones_are_bounded() -> None:
    many = [f"x{number}" for number in range(100_000)]
    assert complaints(many, CREATE, UnknownFields.CARRY) == [
        "100000 fields are not known, and at most 32 can be passed on to the runs"
    ]
    strict = complaints(many, CronSearch.model_fields, None)
    assert (len(strict), strict[-1]) == (11, "and 99990 more")
    [long] = complaints(["y" * 100_000], CREATE, UnknownFields.CARRY)
    assert long == f"'{'y' * 100}' is not a known field: a name has at most 64 characters"


def test_the_warning_is_a_header_whatever_the_names() -> None:
    text = warning(['quote"d', "back\\slash", "line\r\nbreak", "ü"])
    assert text.startswith('299 - "')
    assert text.isascii()
    assert text.isprintable()
    assert text.endswith(r'each run: quote\"d, back\\slash, line??break, \\xfc"')


FURTHER: dict[str, Any] = {"feedback_keys": ["a"], "novel": {"deep": [None, 1]}}


class TestOverHttp:
    async def test_what_is_passed_on_is_stored_shown_and_named(self, client: Client, store: MemoryStore) -> None:
        status, cron, headers = await client.call("POST", "/runs/crons", MINIMAL | FURTHER)
        assert status == 200
        assert store.manifests[cron["cron_id"]]["spec"]["runOptions"] == FURTHER
        assert {name: cron["payload"][name] for name in FURTHER} == FURTHER
        assert headers["Warning"].endswith(': feedback_keys, novel"')
        assert "Warning" not in (await client.call("GET", f"/runs/crons/{cron['cron_id']}"))[2]

    async def test_an_update_adds_to_them(self, client: Client) -> None:
        cron = await made(client, **FURTHER)
        path = f"/runs/crons/{cron['cron_id']}"
        status, patched, headers = await client.call("PATCH", path, {"novel": 2, "after_seconds": 5, "gone": None})
        assert status == 200
        names = {name: patched["payload"].get(name) for name in ("feedback_keys", "novel", "after_seconds", "gone")}
        assert names == {"feedback_keys": ["a"], "novel": 2, "after_seconds": 5, "gone": None}
        assert headers["Warning"].endswith(': novel, after_seconds, gone"')
        bare = await made(client)
        _, patched, _ = await client.call("PATCH", f"/runs/crons/{bare['cron_id']}", {"novel": 3})
        assert patched["payload"]["novel"] == 3

    async def test_the_administrator_may_want_it_strict(self, store: MemoryStore) -> None:
        async with (
            serving(store, None, unknown_fields=UnknownFields.REFUSE) as url,
            aiohttp.ClientSession() as session,
        ):
            client = Client(url, session)
            status, given, _ = await client.call("POST", "/runs/crons", MINIMAL | {"novel": 1})
            assert (status, "'novel' is not a known field" in given["detail"]) == (422, True)
            cron = await made(client)
            assert (await client.call("PATCH", f"/runs/crons/{cron['cron_id']}", {"novel": 1}))[0] == 422
            _, document, _ = await client.call("GET", "/openapi.json")
            assert document["components"]["schemas"]["CronPatch"]["additionalProperties"] is False

    @pytest.mark.parametrize("path", ["/runs/crons/search", "/runs/crons/count"])
    async def test_filters_are_strict(self, client: Client, path: str) -> None:
        status, given, _ = await client.call("POST", path, {"novel": 1})
        assert (status, given["detail"]) == (422, "'novel' is not a known field")


def test_a_body_of_nothing_but_unknown_fields_is_refused_at_once() -> None:
    """By the number of them, and before any is looked at more closely."""
    body: dict[str, Any] = {f"field{number}": [] for number in range(100_000)}
    started = time.process_time()
    for schema in (CronCreate, CronPatch, CronSearch):
        with pytest.raises(RestError) as refused:
            read(schema, body)
        assert len(refused.value.detail) < 2000
    assert time.process_time() - started < 1.0, "a quarter of a second for each, on the slowest machine"
