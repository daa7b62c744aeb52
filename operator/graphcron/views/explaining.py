"""`graphcron explain`: the way of a firing, from schedule to Agent Server, and the first thing that stops it. Pure.

It reads what kubectl shows, so it says no more than its caller may see.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from graphcron.firing.formats import parse_time
from graphcron.kube.resources import Manifest
from graphcron.resource.reason_guide import advice
from graphcron.views.words import condition, relative, stuck_pods, told, unmet

OPERATOR_PATIENCE = timedelta(seconds=30)
"""How long an operator that works takes at most to reconcile one change."""
CONTROLLER_PATIENCE = timedelta(minutes=2)
"""How late a CronJob controller may be with a Job before it is worth a word: a stock one makes 8.5 a second."""


@dataclass(frozen=True)
class Facts:
    """What the cluster says at `now` (aware). `cron_job` is None when there is none of the GraphCron's name, or when it
    was not `asked`."""

    graphcron: Manifest
    cron_job: Manifest | None
    now: datetime
    asked: bool = True
    """Whether the caller may see CronJobs."""


@dataclass(frozen=True)
class Step:
    """One step of the way: whether it is passed, one sentence about it, and what to do if it is not."""

    name: str
    passed: bool
    sentence: str
    todo: str = ""

    def to_dict(self) -> dict[str, str | bool]:
        return {"name": self.name, "passed": self.passed, "message": self.sentence, "todo": self.todo}


def explain(facts: Facts) -> list[Step]:
    """The steps in order, up to the first that is not passed, or all of them."""
    steps = []
    for step in _way(facts):
        steps.append(step)
        if not step.passed:
            break
    return steps


def _way(facts: Facts) -> Iterator[Step]:
    yield _operator(facts)
    yield _spec(facts)
    yield _schedule(facts)
    if facts.asked:
        yield _cron_job(facts)
    yield _controller(facts)
    yield _pods(facts)
    yield _last_run(facts)
    yield from _expectations(facts)


def _operator(facts: Facts) -> Step:
    metadata, status = facts.graphcron["metadata"], facts.graphcron.get("status") or {}
    if status.get("observedGeneration") == metadata.get("generation"):
        return Step("operator", True, "has reconciled the spec as it is")
    behind = "has never reconciled this GraphCron" if not status else "has not reconciled the last change of the spec"
    return Step(
        "operator",
        False,
        behind,
        f"If this lasts longer than {OPERATOR_PATIENCE.seconds} s, no operator works for namespace "
        f"{metadata['namespace']}. Ask for its pods (kubectl get pods -A -l app.kubernetes.io/component=operator), "
        "read their log, and check whether the installation has scope=namespace.",
    )


def _spec(facts: Facts) -> Step:
    stalled = condition(facts.graphcron, "Stalled")
    if stalled is None:
        return Step("spec", True, "can be scheduled")
    return Step("spec", False, told(stalled["reason"], stalled["message"]), advice(stalled["reason"]))


def _schedule(facts: Facts) -> Step:
    suspended = condition(facts.graphcron, "Suspended")
    if suspended is not None:
        todo = advice(suspended["reason"])
        return Step("schedule", False, told(suspended["reason"], suspended["message"]), todo)
    times = (facts.graphcron.get("status") or {}).get("nextRunTimes", [])
    when = f"; next at {times[0]} ({relative(times[0], facts.now)})" if times else ""
    return Step("schedule", True, f"'{facts.graphcron['spec']['schedule']}' is on{when}")


def _cron_job(facts: Facts) -> Step:
    name = facts.graphcron["metadata"]["name"]
    if facts.cron_job is None:
        return Step(
            "CronJob",
            False,
            f"there is no CronJob {name}",
            "The operator makes it again within a minute; if it does not, read the operator's log.",
        )
    if facts.cron_job["spec"].get("suspend"):
        return Step(
            "CronJob",
            False,
            f"CronJob {name} is suspended, and the GraphCron is not",
            "Somebody suspended the CronJob itself; the operator resumes it. If it stays so, read the operator's log.",
        )
    return Step("CronJob", True, f"CronJob {name} is active")


def _controller(facts: Facts) -> Step:
    times = (facts.graphcron.get("status") or {}).get("nextRunTimes", [])
    late = facts.now - parse_time(times[0]) if times else timedelta(0)
    if late > CONTROLLER_PATIENCE:
        return Step(
            "CronJob controller",
            False,
            f"has made no Job for {times[0]} ({relative(times[0], facts.now)})",
            "Is kube-controller-manager running? 'kubectl describe cronjob "
            f"{facts.graphcron['metadata']['name']}' has its Events. A stock controller starts about 8.5 Jobs a "
            "second: spread schedules with H.",
        )
    status = (facts.cron_job or {}).get("status") or facts.graphcron.get("status") or {}
    last = status.get("lastScheduleTime")
    return Step("CronJob controller", True, f"made its last Job for {last}" if last else "has had nothing to do yet")


def _pods(facts: Facts) -> Step:
    stuck = stuck_pods(facts.graphcron)
    if stuck is None:
        return Step("run pods", True, "none is kept from starting")
    todo = advice(stuck["reason"]) or advice("NotStarting")  # many reasons are Kubernetes' own
    return Step("run pods", False, told(stuck["reason"], stuck["message"]), todo)


def _last_run(facts: Facts) -> Step:
    history = (facts.graphcron.get("status") or {}).get("history", [])
    if not history:
        return Step("last firing", True, "none has ended yet")
    entry = history[0]
    when = f"{entry['scheduledTime']} ({relative(entry['scheduledTime'], facts.now)})"
    sentence = f"{when}: {entry['outcome']}, {entry['reason']}"
    if entry["outcome"] == "Succeeded":
        return Step("last firing", True, sentence)
    sentence += f": {entry['message']}" if entry.get("message") else ""
    if _as_intended(entry):
        return Step("last firing", True, sentence)
    return Step("last firing", False, sentence, advice(entry["reason"], entry["outcome"]))


def _expectations(facts: Facts) -> Iterator[Step]:
    """Those that are not met. Most GraphCrons have none."""
    for found in unmet(facts.graphcron):
        yield Step("expectations", False, told(found["type"], found["message"]), advice(found["reason"]))


def _as_intended(entry: Manifest) -> bool:
    """Whether a firing started no run, or gave way to the next one, because the spec says so."""
    return entry["outcome"] == "Skipped" or (entry["outcome"], entry["reason"]) == ("Replaced", "Replaced")
