"""A user's session with the cluster: kubectl, and the facade behind a port-forward. The demo and the tests share it."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import urlopen

from cluster import commands, deploy
from cluster.errors import ClusterError
from cluster.paths import HERE, Place

T = TypeVar("T")


class TookTooLong(AssertionError):
    """A condition that did not come true in time."""


def wait_for(what: str, check: Callable[[], T | None], seconds: float, every: float = 0.5) -> T:
    """The first true result of `check`; TookTooLong, with what was waited for, after that many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TookTooLong(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)


def wait_for_agent_server(url: str) -> None:
    """Returns when the facade at this URL reaches the Agent Server. Its pods are ready a moment before kube-proxy has
    brought their Service to the node."""

    def answers() -> bool:
        try:
            with urlopen(f"{url}/ok", timeout=10):  # noqa: S310  a port-forward on loopback
                return True
        except HTTPError as error:
            return error.code < 500  # a facade that wants a key first says 401
        except OSError:
            return False

    wait_for(f"the Agent Server, by way of the facade at {url}", answers, 60)


class Session:
    """kubectl in one namespace of the project's cluster."""

    def __init__(self, namespace: str = deploy.NAMESPACE, place: Place = HERE) -> None:
        self.namespace = namespace
        self.place = place

    def kubectl(self, *words: str | Path, stdin: str | None = None) -> str:
        """What it prints; cluster.errors.ClusterError with what it complained of."""
        return deploy.kubectl(self.place, "-n", self.namespace, *words, stdin=stdin)

    def graphcron(self, *words: str, fails: bool = False) -> str:
        """What the command line prints on both streams; `fails` is whether it is to end with 1."""
        done = subprocess.run(
            [sys.executable, "-m", "graphcron", *words, "-n", self.namespace],
            env=commands.environment(self.place.kubeconfig),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
        )
        if done.returncode != int(fails):
            raise ClusterError(f"`graphcron {' '.join(words)}` ended with {done.returncode}: {done.stdout.strip()}")
        return done.stdout

    def get(self, kind: str, *words: str) -> list[dict[str, Any]]:
        """Objects, as dicts."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, "-o", "json", *words))["items"]
        return found

    def one(self, kind: str, name: str) -> dict[str, Any] | None:
        """One object, None when there is none."""
        text = self.kubectl("get", kind, name, "-o", "json", "--ignore-not-found")
        return json.loads(text) if text.strip() else None

    def apply(self, *manifests: dict[str, Any]) -> str:
        """`kubectl apply` of several documents. Not of a List: kubectl would check that by itself, in other words."""
        return self.kubectl("apply", "-f", "-", stdin="\n".join(map(json.dumps, manifests)))

    @contextmanager
    def forward(self, target: str, port: int) -> Iterator[str]:
        """The URL on this machine that leads to a port of a Service, Deployment or pod."""
        words = ("-n", self.namespace, "port-forward", "--address", "127.0.0.1", target, f":{port}")
        with self._serving(f"port-forward to {target}", "Forwarding from 127.0.0.1:", *words) as url:
            yield url

    @contextmanager
    def proxy(self) -> Iterator[str]:
        """The apiserver's URL on this machine, for who asks it more often than a kubectl can be started."""
        with self._serving("proxy", "Starting to serve on 127.0.0.1:", "proxy", "--port=0") as url:
            yield url

    @contextmanager
    def _serving(self, what: str, says: str, *words: str) -> Iterator[str]:
        # kubectl prints the port that it was given by the system, and nothing else tells it.
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(
                [str(self.place.bin / "kubectl"), *words],
                env=commands.environment(self.place.kubeconfig),
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            try:
                local = wait_for(what, lambda: _port(said, says, process), 20, 0.05)
                yield f"http://127.0.0.1:{local}"
            finally:
                process.terminate()
                process.wait()


def _port(said: Any, says: str, process: subprocess.Popen[bytes]) -> int | None:
    said.seek(0)
    text = said.read()
    if process.poll() is not None:
        raise TookTooLong(f"kubectl ended: {text.strip()}")
    for line in text.splitlines():
        if line.startswith(says):
            return int(line.removeprefix(says).split()[0])
    return None


def curl(*words: str) -> str:
    """What curl prints; it is the user's own."""
    program = shutil.which("curl")
    if not program:
        raise TookTooLong("curl is not installed: on Debian or Ubuntu, apt-get install curl")
    return commands.run([program, "--silent", "--show-error", *words])
