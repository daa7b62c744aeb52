"""The console as its users have it: `graphcron console` as a process, at a real apiserver with Kubernetes' controllers
and a real operator. There is no kubelet: what one would report of a run is written by the test."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, StorageState

from cluster.control_plane import ControlPlane
from tests.support.browser import Visit, visit
from tests.support.charts_operator import NAMESPACE, PACKAGE, charts_operator
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.manifests import graphcron
from tests.support.until import block_until

STOP_SECONDS = 20
_GRAPHCRONS = f"/apis/graphcron.dev/v1/namespaces/{NAMESPACE}/graphcrons"


@dataclass(frozen=True)
class Stage:
    """`origin` is the address of the console without a slash at its end, `cookies` those of the browser that opened
    it."""

    plane: ControlPlane
    browser: Browser
    origin: str
    cookies: StorageState

    @contextmanager
    def visit(self, path: str = "/", **settings: Any) -> Iterator[Visit]:
        """A page of it; see `tests.support.browser.visit`."""
        with visit(self.browser, self.origin, storage_state=self.cookies, **settings) as seen:
            seen.go(path)
            yield seen

    def make(self, name: str, **spec: Any) -> None:
        """A GraphCron that the operator has reconciled."""
        self.ask("POST", _GRAPHCRONS, graphcron(name, **spec))
        block_until(lambda: self.graphcron(name).get("status", {}).get("observedGeneration") == 1)

    def graphcron(self, name: str) -> dict[str, Any]:
        """As it is; empty when there is none."""
        status, found = self.plane.api.request("GET", f"{_GRAPHCRONS}/{name}")
        return found if status == 200 else {}

    def spec(self, name: str) -> dict[str, Any]:
        return dict(self.graphcron(name)["spec"])

    def backfills(self) -> list[dict[str, Any]]:
        return list(self.ask("GET", f"/apis/graphcron.dev/v1/namespaces/{NAMESPACE}/graphcronbackfills")["items"])

    def ask(self, method: str, path: str, body: object = None) -> Any:
        status, answer = self.plane.api.request(method, path, body)
        assert status < 300, answer
        return answer

    def end_run(self, name: str, **outcome: str) -> None:
        """The pod of its newest Job ends with this outcome, as a kubelet would report it."""
        path = f"/api/v1/namespaces/{NAMESPACE}/pods"

        def pods() -> list[dict[str, Any]]:
            found = self.ask("GET", f"{path}?labelSelector=graphcron.dev/graphcron={name}")["items"]
            return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

        block_until(pods)
        pod = pods()[-1]
        good = outcome["outcome"] == "Succeeded"
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ended = {"exitCode": 0 if good else 3, "reason": "Completed" if good else "Error", "startedAt": at}
        container = {"name": "run", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
        state = {"terminated": ended | {"finishedAt": at, "message": json.dumps(outcome)}}
        pod["status"] |= {
            "phase": "Succeeded" if good else "Failed",
            "containerStatuses": [container | {"state": state}],
        }
        self.ask("PUT", f"{path}/{pod['metadata']['name']}/status", pod)


@contextmanager
def stage(browser: Browser, folder: Path) -> Iterator[Stage]:
    """Everything, started."""
    with graphcron_apiserver(folder / "plane", NAMESPACE, controllers=True) as plane:
        (folder / "operator").mkdir()
        with charts_operator(plane, folder / "operator"), _console(plane.kubeconfig) as address:
            origin = address.partition("/open?")[0]
            with visit(browser, origin) as seen:
                seen.page.goto(address)
                seen.page.wait_for_url(f"{origin}/")
                cookies = seen.page.context.storage_state()
            yield Stage(plane, browser, origin, cookies)


@contextmanager
def _console(kubeconfig: Path) -> Iterator[str]:
    """The address that opens it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "graphcron", "console", "--no-browser", "-n", NAMESPACE],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE), "KUBECONFIG": str(kubeconfig)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+/\S+/open\?token=\S+", line):
                yield found[0]
                break
        else:
            raise AssertionError("the console said no address")
    finally:
        process.terminate()
        process.communicate(timeout=STOP_SECONDS)
