"""A GraphCron with one backfill, and what a cluster makes of its Jobs, moved on step by step."""

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphcron.operator.backfill import BackfillPlan, decide
from graphcron.operator.backfill_begin import Given
from graphcron.operator.cronjob import Installation
from graphcron.operator.triggers import only_trigger
from graphcron.resource.backfill import BackfillStatus
from tests.support.world import PODS, World, at, pod, terminated

INSTALLATION = Installation(PODS)


class BackfillWorld(World):
    """The clock stands at 12:00 unless a test says otherwise. An hourly GraphCron that has fired at 11:00."""

    def __init__(self, spec: Mapping[str, Any] | None = None, created: str = "12:00", **graphcron: Any) -> None:
        super().__init__(**graphcron)
        self.reconcile("10:30")
        if self.cron_job:
            self.cron_job["status"] = {"lastScheduleTime": "2026-12-01T12:00:00Z"}
        self.reconcile("12:00")
        self.backfill = backfill(spec or {}, created)
        self.others: list[dict[str, Any]] = []
        self.absent: set[str] = set()
        self.obstacles: dict[str, tuple[str, str]] = {}
        self.made: list[dict[str, Any]] = []
        """The Jobs of the backfill."""
        self.their_pods: list[dict[str, Any]] = []
        self.created: list[str] = []
        """Names of all Jobs that it ever made."""
        self.there = True
        """Whether there is a GraphCron."""

    def plan(self, now: str = "12:00") -> BackfillPlan:
        observed = self.observed() if self.there else None
        given = Given(
            self.backfill,
            observed,
            tuple(self.made),
            tuple(self.their_pods),
            tuple(self.others),
            frozenset(self.absent),
            self.obstacles,
            create_failures={},
        )
        before = copy.deepcopy(given)
        plan = decide(given, replace(INSTALLATION, ledger=self.ledger), at(now))
        assert given == before, "a decision changes nothing"
        assert BackfillStatus.model_validate(plan.status).to_dict() == plan.status, "it is no status"
        return plan

    def step(self, now: str = "12:00") -> BackfillPlan:
        """What the controller does: the status, then Jobs."""
        plan = self.plan(now)
        self.backfill["status"] = plan.status
        self.events += [f"{event.type} {event.reason}" for event in plan.events]
        for job in plan.create:
            self.created.append(job["metadata"]["name"])
            made = {"uid": f"uid-{len(self.created)}", "creationTimestamp": f"2026-12-01T{now}:00Z"}
            self.made.append({"metadata": job["metadata"] | made, "status": {}} | only_trigger(job))
        for job in plan.expire:
            self.made.remove(job)
        return plan

    def end(
        self, name: str, outcome: str = "Succeeded", reason: str = "RunSucceeded", now: str = "12:01", **more: Any
    ) -> None:
        """A Job ends, with what its pod said."""
        job = next(job for job in self.made if job["metadata"]["name"] == name)
        kind = "Failed" if outcome == "Failed" else "Complete"
        ended = {"type": kind, "status": "True", "lastTransitionTime": f"2026-12-01T{now}:00Z"}
        job["status"] = {"conditions": [ended]}
        said = json.dumps({"outcome": outcome, "reason": reason, "run_id": f"run of {name}"} | more)
        self.their_pods.append(pod(name, now, run=terminated(10 if kind == "Failed" else 0, f"{now}:00", said)))

    def run(self, steps: int = 1000) -> None:
        """Until it is over: each Job succeeds."""
        for _ in range(steps):
            self.step()
            if self.status["phase"] in ("Complete", "Ended"):
                return
            for job in self.made:
                if not job["status"]:
                    self.end(job["metadata"]["name"])
        raise AssertionError(self.status)

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.backfill["status"]
        return found

    @property
    def counts(self) -> dict[str, int]:
        """Those that are not 0."""
        return {name: number for name, number in self.status["counts"].items() if number}

    @property
    def complete(self) -> dict[str, Any]:
        """The condition of that type."""
        return next(one for one in self.status["conditions"] if one["type"] == "Complete")


def backfill(spec: Mapping[str, Any], created: str = "12:00", name: str = "again") -> dict[str, Any]:
    """As somebody created it on the day that the tests play on: six hours from 03:00, unless `spec` has others."""
    return {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCronBackfill",
        "metadata": {
            "name": name,
            "namespace": "team",
            "uid": f"uid of {name}",
            "generation": 1,
            "resourceVersion": "1",
            "creationTimestamp": f"2026-12-01T{created}:00Z",
        },
        "spec": {"graphCron": "hello", "from": "2026-12-01T03:00:00Z", "to": "2026-12-01T09:00:00Z"} | dict(spec),
    }


def slot(time: str) -> str:
    """The name of the Job that was due at that time."""
    return f"hello-{int(at(time).timestamp()) // 60}"
