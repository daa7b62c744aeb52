"""Whatever a client sends, in a body of any shape: an answer of one sentence, in little time and memory."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from graphcron.facade import search, translation
from graphcron.facade.errors import RestError
from graphcron.facade.json_body import FILTER_VALUES_LIMIT, VALUES_LIMIT, read_json
from graphcron.facade.schemas import (
    BODY_LIMIT,
    Body,
    CronCount,
    CronCreate,
    CronPatch,
    CronSearch,
    ThreadCronCreate,
    read,
)
from graphcron.facade.update import update
from tests.support.extent import Extent
from tests.support.facade_server import Client
from tests.support.hostile_json import cost, objects
from tests.support.rest_crons import MINIMAL, made

NOW = datetime(2026, 12, 1, 10, 5, tzinfo=UTC)
ID = "3a0d031f-3407-41b6-b45a-3f375dcb3dc2"
SCHEMAS: tuple[type[Body], ...] = (CronCreate, ThreadCronCreate, CronPatch, CronSearch, CronCount)

REFUSED_UNITS, READ_UNITS = 5, 12
"""Of CPU: a tenth of a second and a quarter on a machine where `unit` is 20 ms. What is seen is a third of that."""
MEMORY = 20 * 2**20


def answer(schema: type[Body], data: bytes) -> str:
    """What the facade makes of a body; the sentence of a refusal, or nothing."""
    try:
        body = read(schema, read_json(data, FILTER_VALUES_LIMIT if issubclass(schema, CronCount) else VALUES_LIMIT))
        if isinstance(body, ThreadCronCreate):
            translation.create(body, cron_id=ID, thread_id=None, now=NOW)
        elif isinstance(body, CronPatch):
            update(made(MINIMAL), body, NOW)
        elif isinstance(body, CronCount):
            search.matching([made(MINIMAL)] * 100, body)
    except RestError as error:
        return error.detail
    return ""


@st.composite
def bodies(draw: st.DrawFn) -> tuple[type[Body], bytes]:
    schema = draw(st.sampled_from(SCHEMAS))
    given = (MINIMAL if issubclass(schema, ThreadCronCreate) else {}) | draw(objects(schema.model_fields))
    data = json.dumps(given, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")
    return schema, data[:BODY_LIMIT]  # cut off, it is no JSON: another way to be wrong


def test_any_body_costs_little(extent: Extent) -> None:
    @settings(
        max_examples=extent.count(2000, 150), deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],  # to shrink what takes a second takes an hour
    )  # fmt: skip
    @given(bodies())
    def check(body: tuple[type[Body], bytes]) -> None:
        schema, data = body
        detail = answer(schema, data)
        spent = cost(lambda: answer(schema, data))
        assert spent.units < (REFUSED_UNITS if detail else READ_UNITS), (len(data), detail[:200])
        assert spent.peak < MEMORY, (len(data), detail[:200])

    check()


def filled(head: bytes, item: bytes, tail: bytes) -> bytes:
    return head + item * ((BODY_LIMIT - len(head) - len(tail)) // len(item)) + tail


HUGE = {
    "modes": filled(b'{"stream_mode":[', b"1,", b"1]}"),
    "select": filled(b'{"select":[', b"1,", b"1]}"),
    "input": filled(b'{"input":[', b"1,", b"1]}"),
    "nodes": filled(b'{"interrupt_before":[', b"[],", b"1]}"),
    "tags": filled(b'{"config":{"tags":[', b"{},", b"1]}}"),
    "metadata": filled(b'{"metadata":{"a":0', b',"":{}', b"}}"),
    "fields": filled(b'{"a":0', b',"b":0', b"}"),
    "zone": filled(b'{"timezone":"', b"a/", b'"}'),
    "schedule": filled(b'{"schedule":"', b"* ", b'"}'),
    "assistant": filled(b'{"assistant_id":"', b"a", b'"}'),
    "end": filled(b'{"end_time":"', b"2", b'"}'),
    "a name": filled(b'{"', b"x", b'":1}'),
    "deep": b'{"input":' + b"[" * 500_000 + b"]" * 500_000 + b"}",
}


@pytest.mark.parametrize("data", HUGE.values(), ids=HUGE)
async def test_every_door_refuses_a_huge_body_in_one_sentence(client: Client, data: bytes) -> None:
    status, cron, _ = await client.call("POST", "/runs/crons", MINIMAL)
    assert status == 200
    doors = (
        ("POST", "/runs/crons"), ("POST", f"/threads/{ID}/runs/crons"), ("PATCH", f"/runs/crons/{cron['cron_id']}"),
        ("POST", "/runs/crons/search"), ("POST", "/runs/crons/count"),
    )  # fmt: skip
    for method, path in doors:
        status, answered, _ = await client.call(method, path, data=data)
        assert status in (404, 422), path
        assert list(answered) == ["detail"]
        assert len(answered["detail"]) <= 4096, path


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Request-Id", "Origin", "Connection", "Content-Type"])
async def test_a_long_header_or_query_is_no_trouble(client: Client, header: str) -> None:
    for text in ("x" * 8000, "," * 8000, "%25" * 2500):
        status, _, headers = await client.call(
            "POST", "/runs/crons/count?" + "a=" + text[:7000], {}, headers={header: text}
        )
        assert status in (200, 400)
        assert sum(len(name) + len(value) for name, value in headers.items()) < 20_000
    status, answered, _ = await client.call("GET", "/runs/crons/" + "x" * 7000)
    assert status == 422
    assert len(str(answered)) < 4200


def test_the_same_filter_on_many_crons_is_bounded() -> None:
    """A filter of all that a body could hold, on crons that have all of it, is compared value by value."""
    many: dict[str, Any] = {"k": [1] * (FILTER_VALUES_LIMIT + 1)}
    with pytest.raises(RestError, match="more than 1000 keys and values"):
        read_json(json.dumps({"metadata": many}).encode(), FILTER_VALUES_LIMIT)
