"""Run pods that are killed on a real cluster, in three ways: each firing has one run, and its status tells the truth.

`tests/contract/test_kills.py` kills processes at random moments, hundreds of them; here it is Kubernetes that kills,
that counts attempts and that makes the next pod. A pod is struck early, when it runs and no run is accepted yet (its
Agent Server is a Service without endpoints, until the next pod runs), or late, when the server says that its run is
under way. All crons of this file are made at once and fire in one minute; what happens to them is done before the first
test, and each test looks at its own.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

import pytest

from cluster import cgroups
from cluster.paths import HERE
from examples.demo import flow
from examples.demo.session import Session, TookTooLong, wait_for
from graphcron.firing.formats import format_time
from graphcron.firing.order import CRON_MARK, FIRING_METADATA, Firing
from tests.support.manifests import graphcron, ready, service

RUN_SECONDS = 45
"""Longer than Kubernetes takes to make the next pod (10 s after a failure), also while other releases fire, so that
this one has a run to follow."""
READY_SECONDS = 20
"""For the crons to be there before their minute."""

FOLLOWED = "was started by an earlier attempt: following it"
STARTED = "started on thread"

HOG = """
import os, sys
with open(sys.argv[1], "w") as file:
    file.write(str(os.getpid()))
held = [bytearray(b"x" * 2**20) for _ in range(256)]
"""
"""Joins a control group and takes 256 MiB, twice of what a run pod may have."""


@dataclass
class Story:
    """One firing: how its first pod is killed, and when."""

    way: Literal["evicted", "out-of-memory", "deleted"]
    moment: Literal["early", "late"]
    kind: Literal["stateless", "thread"] = "stateless"
    thread_id: str | None = None
    struck: str = ""
    """Name of the pod that was killed."""

    @property
    def name(self) -> str:
        return f"{self.way}-{self.moment}-{self.kind}"

    @property
    def counted(self) -> int:
        """Attempts that the Job counts as failed. An eviction is none, so no retry need be allowed for it."""
        return 0 if self.way == "evicted" else 1


STORIES = [
    *(Story(way, "early") for way in ("evicted", "deleted", "out-of-memory")),
    *(Story(way, "late", kind) for way in ("evicted", "deleted", "out-of-memory") for kind in ("stateless", "thread")),
]
LOCAL = "the kernel is made to run out of memory from the node, which is this machine on a local cluster only"


@pytest.fixture(scope="module")
def struck(session: Session, url: str) -> Iterator[list[Story]]:
    """All firings, each killed once by now."""
    is_local = HERE.kind_file.read_text().strip() == "local"
    stories = [story for story in STORIES if is_local or story.way != "out-of-memory"]
    early = [story for story in stories if story.moment == "early"]
    for story in stories:
        story.thread_id = ask(f"{url}/threads", {})["thread_id"] if story.kind == "thread" else None
    soon = datetime.now(UTC) + timedelta(seconds=READY_SECONDS)
    minute = soon.replace(second=0, microsecond=0) + timedelta(minutes=1)
    session.apply(
        *(service(story.name, {"app.kubernetes.io/name": "nobody"}) for story in early),
        *(manifest(story, f"{minute.minute} {minute.hour} * * *") for story in stories),
    )
    ready(session, *(story.name for story in stories))
    assert datetime.now(UTC) < minute, "the crons were not ready before their minute"
    try:
        with ThreadPoolExecutor(len(stories)) as striking:  # each at its moment, and not when another one is struck
            list(striking.map(partial(strike, session, url), stories))
        for story in early:
            with suppress(TookTooLong):  # the tests of this firing tell
                wait_for(f"the next pod of {story.name}", partial(running, session, story, but=story.struck), 60)
            session.apply(service(story.name, {"app.kubernetes.io/name": "agent-server"}))
        yield stories
    finally:
        session.kubectl("delete", "graphcrons", *(story.name for story in stories))
        session.kubectl("delete", "services", *(story.name for story in early))


def manifest(story: Story, schedule: str) -> dict[str, Any]:
    spec = {"schedule": schedule, "input": {"sleep": RUN_SECONDS}, "retryLimit": story.counted}
    spec |= {"threadId": story.thread_id} if story.thread_id else {"onRunCompleted": "keep"}
    if story.moment == "early":
        spec["server"] = {"url": f"http://{story.name}"}
    return graphcron(story.name, **spec)


def ask(url: str, body: Any = None) -> Any:
    """What the Agent Server answers, through the facade."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - our own URL
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        return json.load(response)


def strike(session: Session, url: str, story: Story) -> None:
    """Kill the firing's first pod, at its moment."""
    pod = wait_for(f"a pod of {story.name}", lambda: running(session, story), flow.FIRING_SECONDS)
    story.struck = pod["metadata"]["name"]
    if story.moment == "late":
        wait_for(f"the run of {story.name}", lambda: is_under_way(session, url, story), RUN_SECONDS)
    if story.way == "evicted":
        evict(session, story.struck)
    elif story.way == "deleted":
        session.kubectl("delete", "pod", story.struck, "--grace-period=0", "--force")
    else:
        exhaust(session, pod)


def running(session: Session, story: Story, but: str = "") -> dict[str, Any] | None:
    """The firing's pod whose container runs."""
    for pod in session.get("pods", "-l", f"graphcron.dev/graphcron={story.name}"):
        containers = pod["status"].get("containerStatuses", [])
        if pod["metadata"]["name"] != but and any("running" in container["state"] for container in containers):
            return pod
    return None


def is_under_way(session: Session, url: str, story: Story) -> bool:
    return any(run["status"] == "running" for run in runs(session, url, story))


def runs(session: Session, url: str, story: Story) -> list[dict[str, Any]]:
    """The Agent Server's runs of a firing and, so that none hides, of all threads that its cron made."""
    cron_id = (session.one("graphcron", story.name) or {})["metadata"]["uid"]
    made = ask(f"{url}/threads/search", {"metadata": {CRON_MARK: cron_id}})
    threads = {thread["thread_id"] for thread in made} | ({story.thread_id} if story.thread_id else set())
    return [run for thread in threads for run in ask(f"{url}/threads/{thread}/runs?limit=100")]


def evict(session: Session, pod: str) -> None:
    """By the Eviction API, as `kubectl drain` does."""
    path = f"/api/v1/namespaces/{session.namespace}/pods/{pod}/eviction"
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    session.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))


def exhaust(session: Session, pod: dict[str, Any]) -> None:
    """Have the kernel kill the runner for want of memory: another process takes what the container may have.

    No input does that to the first pod and not to the next one as well. Of the two processes kubelet's oom_score_adj
    makes the runner the one to be killed.
    """
    identity = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
    group = cgroups.of_container(identity)
    with subprocess.Popen([sys.executable, "-c", HOG, str(group / "cgroup.procs")], stderr=subprocess.DEVNULL) as hog:
        hog.wait(30)  # it ends by itself, or is killed as well

    def killed() -> bool:
        found = session.one("pod", pod["metadata"]["name"]) or {}
        state = found["status"]["containerStatuses"][0]["state"]
        return bool(state.get("terminated", {}).get("reason") == "OOMKilled")

    wait_for(f"pod {pod['metadata']['name']} to be out of memory", killed, 60)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_killed_pod_costs_no_second_run_and_its_firing_succeeds(
    session: Session, url: str, struck: list[Story], story: Story
) -> None:
    if story not in struck:
        pytest.skip(LOCAL)
    firing = flow.firing_of(session, story.name)
    assert (firing["outcome"], firing["reason"]) == ("Succeeded", "RunSucceeded"), firing
    (job,) = session.get("jobs", "-l", f"graphcron.dev/graphcron={story.name}")
    (run,) = runs(session, url, story)

    thread_id = story.thread_id or Firing.of_job(job["metadata"]["name"], job["metadata"]["uid"]).thread_id
    assert (run["status"], run["metadata"][FIRING_METADATA]) == ("success", job["metadata"]["uid"])
    assert (firing["runId"], firing["threadId"], run["thread_id"]) == (run["run_id"], thread_id, thread_id)
    assert firing["startedAt"] == format_time(datetime.fromisoformat(run["created_at"]))
    counts = (session.one("graphcron", story.name) or {})["status"]["firings"]
    assert counts == {"succeeded": 1, "failed": 0, "skipped": 0, "missed": 0}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_job_counts_what_was_an_attempt_and_the_next_pod_went_on(
    session: Session, struck: list[Story], story: Story
) -> None:
    if story not in struck:
        pytest.skip(LOCAL)
    firing = flow.firing_of(session, story.name)
    status = (session.one("job", firing["jobName"]) or {})["status"]
    assert (status.get("succeeded"), status.get("failed", 0)) == (1, story.counted)
    pods = session.get("pods", "-l", f"batch.kubernetes.io/job-name={firing['jobName']}")
    (other,) = [pod["metadata"]["name"] for pod in pods if pod["metadata"]["name"] != story.struck]
    assert (FOLLOWED if story.moment == "late" else STARTED) in session.kubectl("logs", other)
