"""kopf's frame: it starts the operator, and stops it at a signal."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from graphcron.operator.kopf_adapter import Backoffs, run_kopf
from tests.support.apiserver_fake import FakeApiserver
from tests.support.kubeconfig import kubeconfig
from tests.support.until import until


class Recorder:
    """An operator that records its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def start(self) -> None:
        self.calls.append("start")

    async def stop(self) -> None:
        self.calls.append("stop")


async def test_it_starts_the_operator_and_stops_it_at_sigterm_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apiserver, operator = FakeApiserver(), Recorder()
    async with apiserver.serving() as url:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "kubeconfig", {"server": url}, {"token": "t"})))
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
