"""A kubelet's part where there are no nodes: it ends run pods."""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from cluster.control_plane import ControlPlane
from tests.support.charts_operator import NAMESPACE

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


TOKENS = 100
"""That each run uses."""


class Kubelet(threading.Thread):
    """Ends each run pod with success, or those of Jobs in `fails` with a failure, and remembers the Jobs that had one.
    It leaves pods alone while it is `away`."""

    def __init__(self, plane: ControlPlane) -> None:
        super().__init__(daemon=True)
        self.away = False
        self.fails: set[str] = set()
        self.runs: defaultdict[str, set[str]] = defaultdict(set)
        """Uids of Jobs that had a pod, by the name of the Job."""
        self._plane = plane
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(0.2):
            _, found = self._plane.api.request("GET", PODS)
            for pod in found["items"]:
                if pod["status"].get("phase") == "Pending" and not self.away:
                    self._end(pod)

    def _end(self, pod: dict[str, Any]) -> None:
        labels, moment = pod["metadata"]["labels"], f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        self.runs[labels["batch.kubernetes.io/job-name"]].add(labels["batch.kubernetes.io/controller-uid"])
        failed = labels["batch.kubernetes.io/job-name"] in self.fails
        outcome = (
            {"outcome": "Failed", "reason": "RunError"}
            if failed
            else {"outcome": "Succeeded", "reason": "RunSucceeded"}
        )
        usage = {"inputTokens": TOKENS, "totalTokens": TOKENS, "source": "Callback", "complete": True}
        said = json.dumps(outcome | {"usage": usage, "run_id": pod["metadata"]["uid"]})
        state = {"exitCode": 10 if failed else 0, "startedAt": moment, "finishedAt": moment, "message": said}
        run = {"name": "run", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
        pod["status"] |= {
            "phase": "Failed" if failed else "Succeeded",
            "containerStatuses": [run | {"state": {"terminated": state}}],
        }
        self._plane.api.request("PUT", f"{PODS}/{pod['metadata']['name']}/status", pod)

    def stop(self) -> None:
        self._stopped.set()
        self.join(20)


@contextmanager
def kubelet(plane: ControlPlane) -> Iterator[Kubelet]:
    found = Kubelet(plane)
    found.start()
    try:
        yield found
    finally:
        found.stop()
