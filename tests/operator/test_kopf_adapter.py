"""What kopf is shown of lists and watches, through real sockets."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from graphcron.kube import jsontext
from graphcron.operator import kopf_adapter

Manifest = dict[str, Any]


def cron(uid: str, version: int = 1, **spec: Any) -> Manifest:
    metadata = {"name": uid, "namespace": "team", "uid": uid, "resourceVersion": str(version)}
    return {"kind": "GraphCron", "metadata": metadata, "spec": spec}


class Knowing:
    """Knows some versions of some objects, and hears of lists."""

    def __init__(self) -> None:
        self.known: list[Manifest] = []
        self.lists: list[tuple[set[str], int]] = []

    def is_known(self, manifest: Manifest) -> bool:
        return manifest["metadata"] in [known["metadata"] for known in self.known]

    def listed(self, uids: set[str], version: int) -> None:
        self.lists.append((uids, version))


@pytest.fixture
def knowing() -> Knowing:
    return Knowing()


@pytest.fixture
def answered() -> list[bytes]:
    """Bodies of the next answers, in pieces of one write each."""
    return []


@pytest.fixture
async def session(knowing: Knowing, answered: list[bytes]) -> AsyncIterator[aiohttp.ClientSession]:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while answered:
            await response.write(piece := answered.pop(0))
            if piece.endswith(b"\n\n"):
                break
        return response

    app = web.Application()
    app.router.add_get("/crons", answer)
    async with TestServer(app) as server:
        kind = kopf_adapter.answers(knowing.is_known, knowing.listed)
        async with aiohttp.ClientSession(server.make_url(""), response_class=kind) as one:
            yield one


async def watched(session: aiohttp.ClientSession) -> list[Any]:
    """As kopf reads a watch."""
    async with session.get("/crons", params={"watch": "true"}) as answer:
        text = b"".join([chunk async for chunk in answer.content.iter_chunked(2**20)])
    return [json.loads(line) for line in text.split(b"\n") if line]


def line(kind: str, about: Manifest) -> bytes:
    return json.dumps({"type": kind, "object": about}).encode() + b"\n"


async def test_of_a_watch_it_is_shown_what_is_not_known_yet(
    session: aiohttp.ClientSession, knowing: Knowing, answered: list[bytes]
) -> None:
    knowing.known = [cron("a", 2)]
    bookmark = {"kind": "GraphCron", "metadata": {"resourceVersion": "9"}}
    told = [("ADDED", cron("a", 1)), ("MODIFIED", cron("a", 2)), ("DELETED", cron("a", 2)), ("BOOKMARK", bookmark)]
    answered += [line(*one) for one in told] + [line("ERROR", {"code": 410})]
    shown = [(event["type"], event["object"]) for event in await watched(session)]
    assert shown == [told[0], *told[2:], ("ERROR", {"code": 410})]


async def test_lines_come_whole_however_they_arrive(
    session: aiohttp.ClientSession, knowing: Knowing, answered: list[bytes]
) -> None:
    knowing.known = [cron("b")]
    text = b"".join(line("ADDED", cron(uid, text="x" * 300_000)) for uid in "abc")
    answered += [text[start : start + 70_001] for start in range(0, len(text), 70_001)]
    assert [event["object"]["metadata"]["uid"] for event in await watched(session)] == ["a", "c"]


@pytest.mark.parametrize(
    "text", [b"<html>\n", b"[]\n", b'{"kind":"Status"}\n', b'{"type":"ADDED","object":{}}\n', b"\n"]
)
async def test_what_is_no_event_is_left_to_kopf(
    session: aiohttp.ClientSession, answered: list[bytes], text: bytes
) -> None:
    answered += [text]
    async with session.get("/crons", params={"watch": "true"}) as answer:
        assert [chunk async for chunk in answer.content.iter_chunked(2**20)] == [text, b""]


async def test_what_is_too_deep_to_be_parsed_is_shown_cut(
    session: aiohttp.ClientSession, answered: list[bytes]
) -> None:
    deep = '{"a":' * 9_000 + "1" + "}" * 9_000
    answered += [line("ADDED", cron("a", input="X")).replace(b'"X"', deep.encode())]
    (event,) = await watched(session)
    levels, found = 0, event["object"]["spec"]["input"]
    while found is not None:
        levels, found = levels + 1, found["a"]
    assert levels <= jsontext.LEVELS


async def test_of_a_list_it_is_shown_the_same_and_whoever_knows_hears_what_is_in_it(
    session: aiohttp.ClientSession, knowing: Knowing, answered: list[bytes]
) -> None:
    async def page(uids: str, following: str, **params: str) -> list[str]:
        items, metadata = [cron(uid) for uid in uids], {"resourceVersion": "7", "continue": following}
        answered[:] = [json.dumps({"kind": "GraphCronList", "metadata": metadata, "items": items}).encode()]
        async with session.get("/crons", params=params) as answer:
            return [item["metadata"]["uid"] for item in (await answer.json())["items"]]

    knowing.known = [cron("b"), cron("d")]
    assert await page("ab", "token") == ["a"]
    assert await page("xyz", "token") == ["x", "y", "z"]  # begun anew: the first token had expired
    assert await page("cd", "", **{"continue": "token"}) == ["c"]
    assert await page("", "") == []
    assert knowing.lists == [(set("xyzcd"), 7), (set(), 7)]


async def test_other_answers_are_left_as_they_are(
    session: aiohttp.ClientSession, knowing: Knowing, answered: list[bytes]
) -> None:
    resources = {"kind": "APIResourceList", "resources": []}
    answered[:] = [json.dumps(resources).encode()]
    async with session.get("/crons") as answer:
        assert await answer.json() == resources
    assert knowing.lists == []
