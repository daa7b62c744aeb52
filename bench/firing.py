"""From a Job's creation to the run accepted by the Agent Server: of a GraphCron, and of the least that could do it.

`python -m bench.firing [--rounds 20] [--burst 100]`, on the project's own cluster. The reference is a Job whose pod has
the same image, security and resources, no volumes, and posts the same JSON with http.client and no more. First both by
turns, one at a time, so that whatever else the machine does falls on both. Then, with `--burst`, so many of each that
are due in one minute, as CronJobs and as GraphCrons: whether each run exists once, how late the controller manager
made its Job, and how long after that the run was accepted, which includes the time that one machine takes to start so
many pods. It fails when a GraphCron's run is missing or there twice.

When a run was accepted is told by the server. When a Job was made is the moment of the request for one at a time, and
its creationTimestamp in the burst: whole seconds, so that those figures are up to 1 s too large.
"""

import argparse
import http.client
import json
import math
import os
import statistics
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cluster import deploy
from examples.demo.session import Session, wait_for
from graphcron.firing.order import ORDER_ANNOTATION, Firing, Order, scheduled_time_of
from graphcron.operator.history import is_over
from graphcron.runner.request import request_body

LABEL = {"graphcron.dev/bench": "firing"}
SELECTOR = ",".join(f"{name}={value}" for name, value in LABEL.items())
ONCE_A_YEAR = "0 0 1 1 *"
WANTED_RATIO = 1.2
LEAD = timedelta(seconds=45)
"""For the objects of a burst to be there before their minute."""
PATIENCE = 600.0

POST = """
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1])
connection.request("POST", sys.argv[2], sys.argv[3], {"Content-Type": "application/json"})
response = connection.getresponse()
if response.status != 200:
    sys.exit(response.read().decode())
"""

Json = dict[str, Any]


class Server:
    """An HTTP server on loopback that speaks JSON."""

    def __init__(self, url: str) -> None:
        self._address = url.removeprefix("http://")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer; None when there is no such thing."""
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        if response.status == 404:
            return None
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {data.decode(errors='replace')}")
        return json.loads(data) if data else None


@dataclass
class Bench:
    """What is asked and told, and the threads that the runs were on."""

    session: Session
    api: Server
    agent: Server
    threads: set[str] = field(default_factory=set)

    def runs(self, thread_id: str) -> list[Json]:
        self.threads.add(thread_id)
        return self.agent.ask("GET", f"/threads/{thread_id}/runs?limit=100") or []


@contextmanager
def bench() -> Iterator[Bench]:
    """Whatever happens, what was made is deleted."""
    session = Session()
    with session.proxy() as api, session.forward("service/agent-server", 80) as agent:
        made = Bench(session, Server(api), Server(agent))
        try:
            yield made
        finally:
            clean(session)
            for thread_id in made.threads:
                made.agent.ask("DELETE", f"/threads/{thread_id}")


def clean(session: Session) -> None:
    session.kubectl("delete", "graphcrons,cronjobs,jobs", "-l", SELECTOR, "--wait=false")
    wait_for("the end of all pods", lambda: not session.get("pods", "-l", SELECTOR), PATIENCE, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--burst", type=int, default=0)
    arguments = parser.parse_args()
    deploy.everything()
    with bench() as made:
        made.session.apply(graphcron("firing", ONCE_A_YEAR))
        made.session.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "graphcron/firing")
        cron_job = made.session.one("cronjob", "firing") or {}
        if arguments.rounds:
            one_at_a_time(made, cron_job, arguments.rounds)
        if arguments.burst:
            bursts(made, cron_job, arguments.burst)


def one_at_a_time(made: Bench, cron_job: Json, rounds: int) -> None:
    sides: dict[str, Callable[[int], Json]] = {
        "bare Job": lambda number: bare_job(f"bare-{number}", cron_job),
        "GraphCron": lambda number: job_by_hand(f"firing-{number}", cron_job),
    }
    figures: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(-1, rounds):  # the first of each is the one that warms up
        # Each is as often the one that comes after the other.
        for name, make in list(sides.items())[:: 1 if number % 2 else -1]:
            figures[name].append(once(made, make(number + 1)))
    print(f"Job made to run accepted, {rounds} of each by turns; {load()}")
    for name, seconds in figures.items():
        row(name, seconds[1:])
    ratio = statistics.median(figures["GraphCron"][1:]) / statistics.median(figures["bare Job"][1:])
    print(f"  ratio of the medians {ratio:.2f} (wanted: {WANTED_RATIO})", flush=True)


def once(made: Bench, job: Json) -> float:
    """Seconds from the Job to its run. Returns when the Job is gone."""
    path = f"/apis/batch/v1/namespaces/{made.session.namespace}/jobs"
    name = job["metadata"]["name"]
    began = datetime.now(UTC)
    uid = made.api.ask("POST", path, job)["metadata"]["uid"]
    thread_id = job["metadata"]["annotations"].get("thread") or Firing.of_job(name, uid).thread_id
    wait_for(
        f"the end of Job {name}", lambda: made.api.ask("GET", f"{path}/{name}")["status"].get("completionTime"), 60
    )
    (run,) = made.runs(thread_id)
    made.api.ask("DELETE", f"{path}/{name}", {"propagationPolicy": "Foreground"})
    wait_for(f"Job {name} to be gone", lambda: made.api.ask("GET", f"{path}/{name}") is None, 60)
    return (accepted(run) - began).total_seconds()


def accepted(run: Json) -> datetime:
    return datetime.fromisoformat(run["created_at"])


def graphcron(name: str, schedule: str) -> Json:
    spec = {
        "schedule": schedule,
        "assistantId": "agent",
        "input": {"messages": [{"role": "user", "content": "how late is it?"}]},
        "onRunCompleted": "keep",
        "template": {"labels": LABEL},
    }
    metadata = {"name": name, "labels": LABEL}
    return {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": metadata, "spec": spec}


def job_by_hand(name: str, cron_job: Json) -> Json:
    """As `kubectl create job --from` makes it."""
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": cron_job["metadata"]["name"], "controller": True}
    template = cron_job["spec"]["jobTemplate"]
    metadata = {
        "name": name,
        "labels": template["metadata"]["labels"],
        "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
        "ownerReferences": [owner | {"uid": cron_job["metadata"]["uid"]}],
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]}


def bare_job(name: str, cron_job: Json) -> Json:
    """A Job that posts what a run pod of that CronJob would, to a thread that the same request makes."""
    thread_id = str(uuid.uuid4())
    template = cron_job["spec"]["jobTemplate"]["spec"]["template"]
    order = Order.from_json(template["metadata"]["annotations"][ORDER_ANNOTATION])
    request = json.loads(request_body(order, Firing.of_job(name, thread_id), None)) | {"if_not_exists": "create"}
    host = deploy.AGENT_SERVER_URL.removeprefix("http://")
    (ours,) = template["spec"]["containers"]
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": template["spec"]["securityContext"],
        "containers": [
            {name: ours[name] for name in ("name", "image", "imagePullPolicy", "resources", "securityContext")}
            | {
                "command": ["/opt/graphcron/bin/python", "-c", POST],
                "args": [host, f"/threads/{thread_id}/runs", json.dumps(request)],
            }
        ],
    }
    metadata = {"name": name, "labels": LABEL, "annotations": {"thread": thread_id}}
    spec = {"backoffLimit": 0, "template": {"metadata": {"labels": LABEL}, "spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def bare_cron_job(name: str, schedule: str, cron_job: Json) -> Json:
    job = bare_job(name, cron_job)
    template = {"metadata": {"annotations": job["metadata"]["annotations"]}, "spec": job["spec"]}
    spec = {"schedule": schedule, "timeZone": "Etc/UTC", "jobTemplate": template}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name, "labels": LABEL}, "spec": spec}


def bursts(made: Bench, cron_job: Json, count: int) -> None:
    names = [f"burst-{number:03}" for number in range(count)]
    print(f"{count} due in one minute: late, and then from Job to run; {load()}")
    burst(made, "bare", "cronjobs", names, lambda name, due: bare_cron_job(name, due, cron_job))
    clean_burst(made.session, "cronjobs", names)
    if wrong := burst(made, "GraphCron", "graphcrons", names, graphcron):
        raise SystemExit("\n".join(wrong))


def burst(made: Bench, side: str, kind: str, names: Sequence[str], make: Callable[[str, str], Json]) -> list[str]:
    """One minute in which all are due; what was wrong with their runs."""
    minute = (datetime.now(UTC) + LEAD).replace(second=0, microsecond=0) + timedelta(minutes=1)
    due = f"{minute.minute} {minute.hour} * * *"
    made.session.kubectl("create", "-f", "-", stdin="\n".join(json.dumps(make(name, due)) for name in names))
    if kind == "graphcrons":
        made.session.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "graphcrons", "-l", SELECTOR)
    if datetime.now(UTC) >= minute:
        raise SystemExit("making the objects took longer than until their minute")

    def ended() -> list[Json]:
        jobs = [job for job in made.session.get("jobs") if scheduled_time_of(job["metadata"]["name"]) == minute]
        mine = [job for job in jobs if job["metadata"]["ownerReferences"][0]["name"] in names]
        return mine if len(mine) >= len(names) and all(map(is_over, mine)) else []

    waiting = (minute - datetime.now(UTC)).total_seconds()
    jobs = wait_for("the end of all Jobs", ended, waiting + PATIENCE, 3)
    late, took, wrong = [], [], []
    for job in jobs:
        metadata = job["metadata"]
        thread_id = metadata.get("annotations", {}).get("thread")
        runs = made.runs(thread_id or Firing.of_job(metadata["name"], metadata["uid"]).thread_id)
        created = datetime.fromisoformat(metadata["creationTimestamp"])
        late.append((created - minute).total_seconds())
        took += [(accepted(run) - created).total_seconds() for run in runs]
        if len(runs) != 1 or not job["status"].get("succeeded"):
            wrong.append(f"{metadata['name']}: {len(runs)} runs, {job['status']}")
    row(f"{side}: Job after its minute", late)
    row(f"{side}: run after its Job", took)
    print(f"  {len(jobs)} Jobs, {len(took)} runs, {len(wrong)} wrong; {load()}", flush=True)
    return wrong


def clean_burst(session: Session, kind: str, names: Sequence[str]) -> None:
    session.kubectl("delete", kind, *names, "--wait=false")
    wait_for("the end of the burst's pods", lambda: not session.get("pods", "-l", SELECTOR), PATIENCE, 2)


def row(name: str, seconds: Sequence[float]) -> None:
    ordered = sorted(seconds)
    p95 = ordered[math.ceil(len(ordered) * 0.95) - 1]
    print(f"  {name:<30} median {statistics.median(ordered):6.2f} s  p95 {p95:6.2f} s  max {ordered[-1]:6.2f} s")


def load() -> str:
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
