"""The operator as a real process, for tests that watch what it asks of an apiserver."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.kubeconfig import kubeconfig

ROOT = Path(__file__).parents[2]
OPERATOR = ROOT / "operator"

Operator = AbstractAsyncContextManager[asyncio.subprocess.Process]


def operator(url: str, folder: Path, token: str = "s3cret", **environment: str) -> Operator:  # noqa: S107
    """As `operator_by`, at that address with that token."""
    return operator_by({"server": url}, {"token": token}, folder / token, **environment)


@asynccontextmanager
async def operator_by(
    cluster: dict[str, Any], user: dict[str, Any], folder: Path, module: str = "graphcron", **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`graphcron operator`, as a container runs it, with a kubeconfig of that cluster and user; ended by SIGTERM if the
    test has not ended it."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - nothing else waits for a test of its own
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, "operator"),
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{OPERATOR}:{ROOT}",
            "KUBECONFIG": str(kubeconfig(folder / "kubeconfig", cluster, user)),
            "GRAPHCRON_RUN_IMAGE": "graphcron:test",
            "AGENT_SERVER_URL": "http://agent.example",
            "GRAPHCRON_WATCH_NAMESPACE": "team",
            "GRAPHCRON_HEALTH_PORT": "0",  # any: one that was free a moment ago may be taken
            "GRAPHCRON_METRICS_PORT": "0",
        }
        | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            output, _ = await asyncio.wait_for(process.communicate(), 20)
            sys.stdout.write(output.decode())  # pytest shows it when the test has failed
