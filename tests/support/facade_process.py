"""The facade as a real process, whose apiserver is away if no other is named."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp.test_utils import unused_port

from tests.support.kubeconfig import kubeconfig

OPERATOR = Path(__file__).parents[2] / "operator"
WAIT = 20.0
"""Seconds after which a test gives up; none waits for it when all is well."""


@asynccontextmanager
async def facade(folder: Path, **environment: str) -> AsyncIterator[tuple[str, list[str], asyncio.subprocess.Process]]:
    """Its URL, and the lines it has said until it serves; the rest is added at the end. Its apiserver is away, unless
    the environment has another KUBECONFIG."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - a test of its own waits for nobody else
    port = unused_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "graphcron", "facade"),
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(OPERATOR),
            "KUBECONFIG": str(kubeconfig(folder / "kubeconfig", {"server": "http://127.0.0.1:9"}, {"token": "s3cret"})),
            "GRAPHCRON_NAMESPACE": "team",
            "GRAPHCRON_HOST": "127.0.0.1",
            "GRAPHCRON_PORT": str(port),
            "GRAPHCRON_METRICS_PORT": str(unused_port()),
            "GRAPHCRON_LOG_LEVEL": "DEBUG",
        }
        | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        async with asyncio.timeout(WAIT):
            # Without an Agent Server its last line at the start is about who may do what, when there is one to say.
            last = "no Agent Server" if environment.get("GRAPHCRON_AUTH_MODE") == "apiKeys" else "auth mode"
            while not said or last not in said[-1]:
                line = await process.stdout.readline()
                assert line, said
                said.append(line.decode())
        yield f"http://127.0.0.1:{port}", said, process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(process.communicate(), WAIT)
        said.append(output.decode())
