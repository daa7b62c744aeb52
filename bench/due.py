"""How late firings start when many are due in one minute: of bare CronJobs, of GraphCrons, and of GraphCrons with `H`.

`python -m bench.due [--count 1000]`, on the project's own cluster, whose controller manager has its stock settings; it
takes some twenty minutes. No pod is scheduled, by a node selector that no node has: what is measured is the making of
Jobs, by which a firing starts, and of a thousand pods one machine would be full.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from cluster import deploy
from examples.demo.session import Session, wait_for

NAMESPACE = "graphcron"
NOWHERE = {"graphcron.dev/nowhere": "true"}
LEAD = timedelta(minutes=4)
"""For the objects to be there, and in line, before the minute."""
WINDOW = timedelta(minutes=10)
"""How long those with `H` are watched: each fires once an hour."""
PATIENCE = 900.0

Make = Callable[[str, str], dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    count = parser.parse_args().count
    deploy.everything()
    session = Session(NAMESPACE)
    print(
        f"{count} due in one minute{'':<14}{'Jobs':>8}{'late p50':>10}{'p99':>8}{'max, s':>8}{'Jobs/s':>8}", flush=True
    )
    for name, kind, make in (("bare CronJobs", "cronjobs", cron_job), ("GraphCrons", "graphcrons", graphcron)):
        minute = (datetime.now(UTC) + LEAD).replace(second=0, microsecond=0)
        with_all(session, kind, make, count, f"{minute.minute} {minute.hour} * * *")
        wait_for("all Jobs", lambda: len(jobs(session)) >= count or None, PATIENCE, 5)
        row(name, jobs(session), minute)
        clean(session, kind)
    with_all(session, "graphcrons", graphcron, count, "H * * * *")
    began = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    due = {item["metadata"]["name"]: first(item, began) for item in session.get("graphcrons")}
    time.sleep((began + WINDOW + timedelta(seconds=30) - datetime.now(UTC)).total_seconds())
    made = [job for job in jobs(session) if began <= scheduled(job) < began + WINDOW]
    missing = {name for name, at in due.items() if at < began + WINDOW} - {owner(job) for job in made}
    row(f"GraphCrons with H, {WINDOW.seconds // 60} min", made, None)
    clean(session, "graphcrons")
    if missing:
        raise SystemExit(f"no Job was made for {len(missing)} that were due")


def with_all(session: Session, kind: str, make: Make, count: int, schedule: str) -> None:
    """Make so many, and wait until GraphCrons are ready."""
    for start in range(0, count, 250):
        names = [f"due-{number:04}" for number in range(start, min(count, start + 250))]
        session.kubectl("create", "-f", "-", stdin="\n".join(json.dumps(make(name, schedule)) for name in names))
    if kind == "graphcrons":
        wait_for("all Ready", lambda: len(session.get("cronjobs")) >= count or None, PATIENCE, 5)


def graphcron(name: str, schedule: str) -> dict[str, Any]:
    return {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCron",
        "metadata": {"name": name},
        "spec": {"schedule": schedule, "assistantId": "agent", "template": {"nodeSelector": NOWHERE}},
    }


def cron_job(name: str, schedule: str) -> dict[str, Any]:
    container = {"name": "run", "image": "graphcron/graphcron:dev", "command": ["true"]}
    context = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    hardened = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod = {
        "nodeSelector": NOWHERE,
        "restartPolicy": "Never",
        "securityContext": context,
        "containers": [container | {"securityContext": hardened}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {"schedule": schedule, "timeZone": "Etc/UTC", "jobTemplate": {"spec": {"template": {"spec": pod}}}},
    }


def jobs(session: Session) -> list[dict[str, Any]]:
    return [job for job in session.get("jobs") if owner(job).startswith("due-")]


def owner(job: dict[str, Any]) -> str:
    return str(job["metadata"]["ownerReferences"][0]["name"])


def scheduled(job: dict[str, Any]) -> datetime:
    """By its name, as the controller manager makes it."""
    return datetime.fromtimestamp(int(job["metadata"]["name"].rpartition("-")[2]) * 60, UTC)


def first(item: dict[str, Any], after: datetime) -> datetime:
    times: Iterator[datetime] = (datetime.fromisoformat(text) for text in item["status"]["nextRunTimes"])
    return next(time for time in times if time >= after)


def row(name: str, made: list[dict[str, Any]], minute: datetime | None) -> None:
    if minute:
        made = [job for job in made if scheduled(job) == minute]
    stamps = [datetime.fromisoformat(job["metadata"]["creationTimestamp"]) for job in made]
    late = sorted((stamp - scheduled(job)).total_seconds() for job, stamp in zip(made, stamps, strict=True))
    rate = len(late) / max(1.0, late[-1]) if minute else len(late) / WINDOW.total_seconds()
    worst = late[int(len(late) * 0.99)]
    print(
        f"{name:<38}{len(late):>8}{statistics.median(late):>10.0f}{worst:>8.0f}{late[-1]:>8.0f}{rate:>8.1f}", flush=True
    )


def clean(session: Session, kind: str) -> None:
    session.kubectl("delete", kind, "--all", "--wait=false")
    wait_for("the end of them", lambda: not (session.get("cronjobs") or jobs(session)), PATIENCE, 5)


if __name__ == "__main__":
    main()
