"""`graphcron run` while the operator is killed: each request makes one Job, and each caller gets an answer.

`GRAPHCRON_TEST_SEED` repeats a run, as far as processes can be repeated.
"""

import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kubernetes.aio.config import kube_config

from cluster.control_plane import ControlPlane
from examples.demo.session import Session
from graphcron.commands import requesting
from graphcron.commands.cluster import Place
from graphcron.resource.identity import RUN_REQUESTED
from tests.support.charts_operator import NAMESPACE, ChartsOperator, charts_operator
from tests.support.extent import SEED, Extent
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.manifests import graphcron, ready
from tests.support.until import block_until

REQUESTS, SAMPLE = 100, 30
REQUESTS_PER_KILL = 10
CALLERS = 4
SECONDS = 60
SHORT_LEASE = {
    "GRAPHCRON_LEASE_DURATION_SECONDS": "2",
    "GRAPHCRON_LEASE_RENEW_DEADLINE_SECONDS": "1.5",
    "GRAPHCRON_LEASE_RETRY_PERIOD_SECONDS": "0.3",
}


def requested(plane: ControlPlane) -> list[str]:
    """The tokens of all Jobs."""
    _, found = plane.api.request("GET", f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs")
    return [job["metadata"]["annotations"][RUN_REQUESTED] for job in found["items"]]


def kill_now_and_then(plane: ControlPlane, operator: ChartsOperator, times: int, over: threading.Event) -> int:
    """Kill it some Jobs later, in the midst of its work, and start it again; how often that was done."""
    chance = random.Random(int(os.environ.get("GRAPHCRON_TEST_SEED") or SEED))
    for killed in range(times):
        goal = len(requested(plane)) + chance.randint(1, REQUESTS_PER_KILL - CALLERS)
        block_until(lambda goal=goal: over.is_set() or len(requested(plane)) >= goal, SECONDS)  # type: ignore[misc]
        if over.wait(chance.uniform(0, 0.05)):
            return killed
        operator.kill()
        operator.start()
    return times


def test_each_request_makes_one_job_whenever_the_operator_is_killed(
    tmp_path: Path, extent: Extent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requesting, "POLL_SECONDS", 0.05)
    number, place = extent.count(REQUESTS, SAMPLE), Place(NAMESPACE)
    with graphcron_apiserver(tmp_path, NAMESPACE) as plane, charts_operator(plane, tmp_path, **SHORT_LEASE) as operator:
        monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(plane.kubeconfig))
        session = Session(NAMESPACE, plane.place)
        session.apply(graphcron("report", concurrencyPolicy="Allow"))
        ready(session, "report")
        over = threading.Event()

        def call(token: str) -> str:
            requesting.request(place, "report", token, SECONDS)
            return requesting.follow(place, "report", token, to_the_end=False, seconds=SECONDS).outcome

        with ThreadPoolExecutor(CALLERS) as callers, ThreadPoolExecutor(1) as killer:
            kills = killer.submit(kill_now_and_then, plane, operator, number // REQUESTS_PER_KILL, over)
            tokens = [f"request-{one}" for one in range(number)]
            try:
                answers = list(callers.map(call, tokens))
            finally:
                over.set()
            assert kills.result() >= number // REQUESTS_PER_KILL - 1
        assert answers == ["Started"] * number
        assert Counter(requested(plane)) == Counter(tokens)
