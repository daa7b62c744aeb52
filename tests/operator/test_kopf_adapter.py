"""kopf's frame: it starts the operator, and stops it at a signal."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from graphcron.operator.kopf_adapter import Backoffs, run_kopf
from tests.support.apiserver_fake import FakeApiserver
from tests.support.operator_process import until


class Recorder:
    """An operator that records its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def start(self) -> None:
        self.calls.append("start")

    async def stop(self) -> None:
        self.calls.append("stop")


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    return tmp_path / "kubeconfig"


def write(kubeconfig: Path, url: str) -> None:
    named = {"name": "tested"}
    context = named | {"context": {"cluster": "tested", "user": "tested"}}
    config = {"clusters": [named | {"cluster": {"server": url}}], "users": [named | {"user": {"token": "t"}}]}
    kubeconfig.write_text(json.dumps(config | {"contexts": [context], "current-context": "tested"}))


async def test_it_starts_the_operator_and_stops_it_at_sigterm_and_writes_nothing(kubeconfig: Path) -> None:
    apiserver, operator = FakeApiserver(), Recorder()
    async with apiserver.serving() as url:
        write(kubeconfig, url)
        running = asyncio.create_task(run_kopf(operator, "team", "me"))
        await until(lambda: apiserver.requests)
        assert operator.calls == ["start"]
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(20):
            await running
    assert operator.calls == ["start", "stop"]
    assert {method for method, _ in apiserver.requests} == {"GET"}
    assert not [path for _, path in apiserver.requests if "graphcrons?" in path], "watching is the reflectors' part"


def test_kopf_tries_again_without_end() -> None:
    waits = iter(Backoffs())
    assert all(0 < next(waits) <= 20 for _ in range(10_000))
