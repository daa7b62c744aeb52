"""`graphcron logs`: the pods' logs from an apiserver on a real socket, and the run of the firing that is meant."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from graphcron.commands import server
from graphcron.commands.app import main
from graphcron.commands.cluster import Failed, Place, UserKube
from tests.support.kubeconfig import api_client

Manifest = dict[str, Any]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
POD = {"metadata": {"name": "report-1-abc", "labels": {"batch.kubernetes.io/job-name": "report-1"}}}


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], Awaitable[str]]:
    """The log of POD, from an apiserver that answers so."""

    async def read(answer: Answer) -> str:
        app = web.Application()
        app.router.add_get("/api/v1/namespaces/team/pods/report-1-abc/log", answer)
        async with TestServer(app) as apiserver:

            @asynccontextmanager
            async def connect(_: str | None) -> AsyncIterator[tuple[UserKube, str]]:
                async with api_client(str(apiserver.make_url("")).rstrip("/")) as client:
                    yield UserKube(client), "team"

            monkeypatch.setattr(UserKube, "connect_as_user", connect)
            return await asyncio.to_thread(Place().log, POD)

    return read


async def test_it_is_that_of_the_run_container_whatever_bytes_it_has(log: Any) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.query == {"container": "run"}
        return web.Response(body=b"{} is no UTF-8: \xff\n")

    assert await log(answer) == "{} is no UTF-8: \N{REPLACEMENT CHARACTER}\n"


def status(code: int, message: str) -> Answer:
    """What an apiserver says that does not do it."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"kind": "Status", "status": "Failure", "message": message}, status=code)

    return answer


async def closed(request: web.Request) -> web.Response:
    """Nothing: an apiserver that ends, or something in between."""
    assert request.transport
    request.transport.close()
    return web.Response()


WAITING = 'container "run" in pod "report-1-abc" is waiting to start: ContainerCreating'
SENTENCES: dict[str, tuple[Answer, str]] = {
    "not started": (status(400, WAITING), WAITING),
    "forbidden": (status(403, "pods/log is forbidden"), "you may not do this: pods/log is forbidden"),
    "closed": (closed, "the Kubernetes API does not answer: Server disconnected"),
}


@pytest.mark.parametrize(("answer", "sentence"), SENTENCES.values(), ids=SENTENCES)
async def test_one_that_cannot_be_read_is_one_sentence(log: Any, answer: Answer, sentence: str) -> None:
    with pytest.raises(Failed) as failed:
        await log(answer)
    assert str(failed.value) == sentence


HISTORY = [
    {"outcome": "Missed", "reason": "PassedOver"},
    {"outcome": "Failed", "reason": "RunError", "jobName": "report-2", "runId": "r2", "threadId": "t2"},
    {"outcome": "Failed", "reason": "RunError", "jobName": "report-1", "runId": "r1", "threadId": "t1"},
]


@pytest.mark.parametrize(
    ("pods", "words", "run"),
    [
        ([], [], "r2"),
        ([], ["--job", "report-1"], "r1"),
        ([POD], [], "r1"),
        ([POD], ["--job", "report-2"], "r2"),
    ],
    ids=["no pod is left", "a Job that is named", "its pod is left", "another's pod is left"],
)
def test_the_run_is_that_of_the_named_job_else_of_the_newest_pod_else_of_the_newest_job(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pods: list[Manifest],
    words: list[str],
    run: str,
) -> None:
    """A missed firing has no Job, and stands first in the history."""
    monkeypatch.setattr(Place, "graphcron", lambda *_: {"status": {"history": HISTORY}})
    monkeypatch.setattr(Place, "pods", lambda *_: pods)
    monkeypatch.setattr(Place, "log", lambda *_: "a line\n")
    monkeypatch.setattr(server, "_ask", lambda *asked, **_: {"path": asked[2]})
    assert main(["logs", "report", "--server", "http://agent-server", *words]) == 0
    assert f"/runs/{run}\n" in capsys.readouterr().out


def test_a_pod_without_a_log_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def read(_: Place, pod: Manifest) -> str:
        if pod is POD:
            raise Failed(WAITING)
        return "a line\n"

    monkeypatch.setattr(Place, "graphcron", lambda *_: {"status": {}})
    monkeypatch.setattr(Place, "pods", lambda *_: [POD, {"metadata": POD["metadata"] | {"name": "report-1-def"}}])
    monkeypatch.setattr(Place, "log", read)
    assert main(["logs", "report"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "a line\n"
    assert f"graphcron: {WAITING}. 'graphcron explain report' says more.\n" in printed.err
