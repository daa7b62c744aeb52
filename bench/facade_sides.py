"""What the facade's measurements run: the facade, and what it is held against. All on loopback, all ended with us."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from cluster.control_plane import ControlPlane

ROOT = Path(__file__).parents[1]
NAMESPACE = "default"
CRONS = f"/apis/graphcron.dev/v1/namespaces/{NAMESPACE}/graphcrons"
PATIENCE_SECONDS = 120.0

REFERENCE_PYTHON = ROOT / ".build/reference/bin/python"
"""Made by `make bench` from examples/agent/requirements.txt."""

STREAM_MB = 50
_CHUNK = b"x" * 64 * 1024

LANGGRAPH = """
import sys
from langgraph_api.cli import run_server
run_server("127.0.0.1", int(sys.argv[1]), graphs={"agent": sys.argv[2] + ":graph"}, disable_persistence=True)
"""

BARE = """
import asyncio, json, ssl, sys
import aiohttp
url, ca, cert, key = sys.argv[1:]
async def main():
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(cert, key)
    count, token = 0, ""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        while True:
            async with session.get(url, params={"limit": "500", "continue": token}) as response:
                page = json.loads(await response.read())
            count += len(page["items"])
            if not (token := page["metadata"].get("continue", "")):
                return print(count)
asyncio.run(main())
"""


@contextmanager
def process(name: str, argv: list[str], port: int, probe: str, cwd: Path = ROOT, **env: str) -> Iterator[int]:
    """A server; its pid, once the probe answers 200. It is looked at every ten milliseconds."""
    leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    with tempfile.TemporaryFile() as log:
        one = subprocess.Popen([*leash, *argv], cwd=cwd, env=os.environ | env, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not _answers(port, probe):
                if one.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise SystemExit(f"{name} did not start:\n{log.read().decode()[-2000:]}")
                time.sleep(0.01)
            yield one.pid
        finally:
            one.send_signal(signal.SIGTERM)
            try:
                one.wait(10)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


def _answers(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


@contextmanager
def facade(plane: ControlPlane, agent_server: str = "", **settings: str) -> Iterator[tuple[str, int]]:
    """Its URL and pid. It lets in everybody, and logs as the chart has it. `settings` are further variables."""
    port = free_port()
    environment = {
        "PYTHONPATH": str(ROOT / "operator"),
        "KUBECONFIG": str(plane.kubeconfig),
        "GRAPHCRON_NAMESPACE": NAMESPACE,
        "GRAPHCRON_HOST": "127.0.0.1",
        "GRAPHCRON_PORT": str(port),
        "GRAPHCRON_METRICS_PORT": str(free_port()),
        "GRAPHCRON_AUTH_MODE": "open",
        "AGENT_SERVER_URL": agent_server,
        **settings,
    }
    argv = [sys.executable, "-m", "graphcron", "facade"]
    with process("the facade", argv, port, "/readyz", ROOT, **environment) as pid:
        yield f"http://127.0.0.1:{port}", pid


@contextmanager
def langgraph_api() -> Iterator[tuple[str, int]]:
    """LangGraph's own server as its developers start it, with the versions that examples/agent is locked to."""
    port = free_port()
    argv = [str(REFERENCE_PYTHON), "-c", LANGGRAPH, str(port), str(ROOT / "examples/agent/graph.py")]
    # Its log of each request would be much of its work.
    environment = {"PYTHONPATH": "", "LOG_LEVEL": "ERROR"}
    with (
        tempfile.TemporaryDirectory() as folder,  # it writes into the one that it is started in
        process("langgraph-api", argv, port, "/ok", Path(folder), **environment) as pid,
    ):
        yield f"http://127.0.0.1:{port}", pid


def bare_client(plane: ControlPlane) -> float:
    """Seconds in which a process that does nothing else starts, lists all GraphCrons and parses them."""
    started = time.perf_counter()
    keys = [str(plane.place.pki / name) for name in ("ca.crt", "admin.crt", "admin.key")]
    subprocess.run([sys.executable, "-c", BARE, plane.url + CRONS, *keys], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def resident_mib(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


@asynccontextmanager
async def upstream() -> AsyncIterator[str]:
    """The least Agent Server, in a process of its own: it has every assistant, a large body, and events."""
    port = free_port()
    with process("the upstream", [sys.executable, "-m", "bench.facade_sides", str(port)], port, "/ok"):
        yield f"http://127.0.0.1:{port}"


def _serve_upstream(port: int) -> None:
    async def small(request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(STREAM_MB * 16):
            await response.write(_CHUNK)
        return response

    async def events(request: web.Request) -> web.StreamResponse:
        """The first at once; the second when nobody can take it for the first any more."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: first\n\n")
        await asyncio.sleep(0.2)
        await response.write(b"data: second\n\n")
        return response

    app = web.Application()
    app.add_routes([web.get("/large", large), web.get("/events", events), web.get("/{path:.*}", small)])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


def to_apiserver(plane: ControlPlane) -> aiohttp.ClientSession:
    """A plain client with the administrator's certificate."""
    connector = aiohttp.TCPConnector(ssl=plane.api.context, limit=50)
    return aiohttp.ClientSession(connector=connector)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


if __name__ == "__main__":
    _serve_upstream(int(sys.argv[1]))
