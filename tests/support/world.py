"""Builders of plain data for the core's tests: a GraphCron, and the CronJob and Jobs that the cluster makes of it."""

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from graphcron.operator.cronjob import Installation
from graphcron.operator.exceeded import NOT_SHARED
from graphcron.operator.observed import CreateFailure, Observed
from graphcron.operator.pauses import Pause
from graphcron.operator.reconcile import Plan, conclude, decide, decide_in_full
from graphcron.operator.requests import REPLACED_BY_REQUEST, RunRequest, run_request
from graphcron.operator.run_pod import RunPods
from graphcron.operator.triggers import only_trigger
from graphcron.operator.unchanged import unchanged_until
from graphcron.resource.lifetime import ANY_LIFETIME
from graphcron.resource.prices import NO_LEDGER
from graphcron.resource.spec_parts import Expect
from graphcron.resource.status import GraphCronStatus
from graphcron.resource.usage import BackfillSpent

PODS = RunPods(image="graphcron:test", server_url="http://agent.example")


def at(text: str) -> datetime:
    """`10:30` is that time on 1 December 2026, UTC."""
    return datetime.fromisoformat(f"2026-12-01T{text}").replace(tzinfo=UTC)


def _moment(now: str) -> str:
    """The time HH:MM or HH:MM:SS of the day that the tests play on."""
    seconds = f"{now}:00"[: len("HH:MM:SS")]
    return f"2026-12-01T{seconds}Z"


class World:
    """One GraphCron and what a cluster would hold for it, moved on step by step with a clock of its own."""

    def __init__(self, **spec: Any) -> None:
        self.graphcron: dict[str, Any] = {
            "apiVersion": "graphcron.dev/v1",
            "kind": "GraphCron",
            "metadata": {"name": "hello", "namespace": "team", "uid": "3a0d031f-3407-41b6-b45a-3f375dcb3dc2"},
            "spec": {"schedule": "0 * * * *", "assistantId": "agent"} | spec,
        }
        self.graphcron["metadata"] |= {"generation": 1, "creationTimestamp": "2026-12-01T10:00:00Z"}
        self.cron_job: dict[str, Any] | None = None
        self.jobs: list[dict[str, Any]] = []
        self.pods: list[dict[str, Any]] = []
        self.writes: list[str] = []
        self.events: list[str] = []
        self.ended: list[str] = []
        """Names of Jobs that the operator ended."""
        self.run_pods = PODS
        self.least = timedelta()
        self.start_timeout = timedelta(minutes=10)
        self.expect = Expect()
        self.lifetime = ANY_LIFETIME
        self.pause: Pause | None = None
        self.ledger = NO_LEDGER
        self.backfills: tuple[BackfillSpent, ...] = ()
        self.shared = NOT_SHARED
        self.create_failures: dict[str, CreateFailure] = {}
        """The Events FailedCreate, by uid of what could not create."""
        self.asked = 0
        """How often Events were asked for."""

    def edit(self, **spec: Any) -> None:
        self.graphcron["spec"] |= spec
        self.graphcron["metadata"]["generation"] += 1

    def decide(self, now: str) -> Plan:
        plan = decide_in_full(self.observed(), self._installation(), at(now))
        if plan.asks:
            self.asked += 1
            plan = decide_in_full(self.observed(asked=True), self._installation(), at(now))
            assert not plan.asks
        return plan

    def observed(self, asked: bool = False) -> Observed:
        failures = self.create_failures if asked else None
        return Observed(
            self.graphcron,
            self.cron_job,
            tuple(self.jobs),
            tuple(self.pods),
            failures,
            self.pause,
            backfills=self.backfills,
            shared=self.shared,
        )

    def _installation(self) -> Installation:
        return Installation(self.run_pods, self.least, self.start_timeout, expect=self.expect, lifetime=self.lifetime)

    def reconcile(self, now: str) -> None:
        """What the controller does, on data: apply, then the status, each only when it differs. When the first check of
        the decision finds nothing changed, the full decision must find nothing to write."""
        plan, first = self.decide(now), decide(self.observed(), self._installation(), at(now))
        if plan.apply is not None:
            self.writes.append("cronjob")
            before = self.cron_job
            self.cron_job = copy.deepcopy(plan.apply)
            self.cron_job["metadata"]["uid"] = "cj"
            self.cron_job["metadata"]["creationTimestamp"] = (
                before["metadata"]["creationTimestamp"] if before else _moment(now)
            )
            self.cron_job["metadata"]["generation"] = before["metadata"]["generation"] + 1 if before else 1
            self.cron_job["metadata"]["managedFields"] = [
                {"manager": "graphcron", "operation": "Apply"},
                {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status"},
            ]
            self.cron_job["status"] = before["status"] if before else {}
        plan = replace(plan, request=run_request(self.observed(), plan.verdict))
        if plan.request and plan.request.job:
            self._create(plan.request, now)
        wanted, events = conclude(self.observed(asked=True), plan, at(now), self.ledger)
        assert GraphCronStatus.model_validate(wanted).to_dict() == wanted, "it is no status"
        self.events += [f"{event.type} {event.reason}" for event in events]
        if first.unchanged:
            assert (plan.apply, wanted) == (None, self.graphcron["status"]), "it was taken for unchanged"
            assert plan.wake_at == first.wake_at
        if wanted != self.graphcron.get("status"):
            self.writes.append("status")
            self.graphcron["status"] = wanted
            self.graphcron["metadata"]["managedFields"] = [
                {"manager": "kubectl", "operation": "Apply"},
                {"manager": "graphcron", "operation": "Update", "subresource": "status"},
            ]
        if plan.end:
            job = next(job for job in self.jobs if job is plan.end.job)
            job["metadata"]["annotations"] = {"graphcron.dev/ended": plan.end.because}
            self.ended.append(job["metadata"]["name"])

    def _create(self, request: RunRequest, now: str) -> None:
        """The Job of a request, unless there is one of its name; before it, those end that it replaces."""
        for ended in request.ends:
            ended["metadata"].setdefault("annotations", {})["graphcron.dev/ended"] = REPLACED_BY_REQUEST
        assert request.job
        name = request.job["metadata"]["name"]
        if name not in [other["metadata"]["name"] for other in self.jobs]:
            made = {"uid": name, "creationTimestamp": _moment(now)}
            self.writes.append("job")
            self.jobs.append({"metadata": request.job["metadata"] | made, "status": {}} | only_trigger(request.job))

    def request(self, token: str, annotation: str = "run-requested") -> None:
        """Somebody annotates the GraphCron."""
        self.graphcron["metadata"].setdefault("annotations", {})[f"graphcron.dev/{annotation}"] = token

    def unchanged_until(self, now: str) -> datetime | None:
        return unchanged_until(self.observed(), self._installation().mark, at(now))

    @property
    def conditions(self) -> dict[str, Any]:
        """By type."""
        return {condition["type"]: condition for condition in self.graphcron["status"]["conditions"]}

    def condition(self, kind: str) -> Any:
        return self.conditions[kind]

    def fire(self, due: str, end: str | None = None, said: str | None = None, **condition: Any) -> None:
        """A Job for that minute; `end` is Complete or Failed, `said` its pod's termination message."""
        assert self.cron_job
        name = f"hello-{int(at(due).timestamp()) // 60}"
        active = [] if end else [{"kind": "Job", "name": name}]
        self.cron_job["status"] = {"lastScheduleTime": f"2026-12-01T{due}:00Z", "active": active}
        job: dict[str, Any] = {
            "metadata": {"name": name, "uid": name, "creationTimestamp": f"2026-12-01T{due}:01Z"},
            "status": {"startTime": f"2026-12-01T{due}:01Z"},
        }
        if end:
            ended = {"type": end, "status": "True", "lastTransitionTime": f"2026-12-01T{due}:09Z"} | condition
            job["status"]["conditions"] = [ended]
        self.jobs.append(job)
        if said is None and end is None:
            self.pods.append(pod(name, due, run=RUNNING))
        elif said is not None:
            code = 0 if end == "Complete" else 75 if any(reason in said for reason in _RETRIED) else 10
            self.pods.append(pod(name, due, run=terminated(code, f"{due}:08", said)))

    @staticmethod
    def pod_of(job: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
        """A pod of that Job, with the state of its container."""
        metadata = job["metadata"]
        found = pod(metadata["name"], "10:00", run=run)
        return found | {"metadata": found["metadata"] | {"creationTimestamp": metadata["creationTimestamp"]}}

    def job_ends(self, job: int, moment: str, end: str = "Complete", reason: str = "") -> None:
        """That Job ended at that time."""
        ended = {"type": end, "status": "True", "lastTransitionTime": f"2026-12-01T{moment}:00Z", "reason": reason}
        self.jobs[job]["status"] |= {"conditions": [ended]}
        assert self.cron_job
        self.cron_job["status"]["active"] = []
        if end == "Complete":
            self.jobs[job]["status"]["completionTime"] = ended["lastTransitionTime"]


_RETRIED = ("PodStopped", "AgentServerUnreachable")
"""Reasons that a run pod reports with the exit code of what another pod may do better."""


def pod(job: str, made: str, **containers: dict[str, Any]) -> dict[str, Any]:
    """A pod of that Job, with the state of each of its containers."""
    labels = {"batch.kubernetes.io/job-name": job}
    statuses = [{"name": name.replace("_", "-"), "state": state} for name, state in containers.items()]
    over = all("terminated" in state for state in containers.values())
    return {
        "metadata": {"name": f"{job}-x", "creationTimestamp": f"2026-12-01T{made}:01Z", "labels": labels},
        "status": {"phase": "Succeeded" if over else "Running", "containerStatuses": statuses},
    }


def terminated(code: int, moment: str, said: str = "") -> dict[str, Any]:
    """The state of a container that ended at that time."""
    reason = "Error" if code else "Completed"
    finished = f"2026-12-01T{moment}Z"
    return {"terminated": {"exitCode": code, "reason": reason, "finishedAt": finished, "message": said}}


RUNNING: dict[str, Any] = {"running": {"startedAt": "2026-12-01T10:00:00Z"}}
