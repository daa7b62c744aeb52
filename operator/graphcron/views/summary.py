"""What REST and page say of one GraphCron: whether it fires and why not, what it did, and what is next. Pure.

Names are the status's, in snake_case; nothing is left out, so that a client need not ask whether a key is there.
"""

from datetime import datetime
from statistics import median
from typing import Any

from pydantic.alias_generators import to_camel

from graphcron.firing.formats import parse_time
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import id_of, owner_of, requested_job_name
from graphcron.resource.reason_guide import advice
from graphcron.resource.status import FiringCounts
from graphcron.resource.usage import TokenCounts
from graphcron.views.actions import requested_run
from graphcron.views.forecast import forecast_of
from graphcron.views.glance import glance, status_of
from graphcron.views.schedules import schedule_in_words
from graphcron.views.spending import line_of, spending_document
from graphcron.views.words import condition, length, phase

_TOKENS = {name: to_camel(name) for name in TokenCounts.model_fields}
RAN = ("Succeeded", "Failed")
"""Outcomes of runs that ended by themselves."""
NONE_YET = "None"
"""Stands for the last outcome of a GraphCron of which no firing has ended."""
PENDING = "No operator has read the spec as it is. If this stays so for a minute, none works for this namespace."


def summary(graphcron: Manifest, now: datetime) -> dict[str, Any]:
    """All that is said of a GraphCron, whole or kept."""
    status = status_of(graphcron)
    shown = graphcron | {"status": status}
    metadata, spec = graphcron["metadata"], graphcron.get("spec") or {}
    counts, history = counts_of(status), status.get("history", [])
    reason, ready = phase(shown), condition(shown, "Ready")
    is_read = ready is not None and reason != "Pending"
    due = (counts["succeeded"], counts["failed"] + counts["missed"])
    return {
        "cron_id": id_of(graphcron),
        "name": glance(graphcron).name,
        "graphcron": metadata["name"],
        "namespace": metadata.get("namespace"),
        "owner": owner_of(graphcron),
        "assistant_id": spec.get("assistantId"),
        "thread_id": spec.get("threadId"),
        "schedule": spec.get("schedule"),
        "schedule_in_words": schedule_in_words(graphcron),
        "timezone": spec.get("timezone") or "Etc/UTC",
        "enabled": spec.get("enabled") is not False,
        "pause_reason": spec.get("pauseReason"),
        "phase": reason,
        "message": str(ready["message"]) if ready and is_read else PENDING,
        "advice": _advice(reason) if is_read else "",
        "conditions": [_condition(one) for one in status.get("conditions", [])],
        "next_run_times": [time for time in _times(status) if is_read and parse_time(time) > now],
        "active": status.get("active", 0),
        "counts": counts,
        "success_rate": round(due[0] / sum(due), 4) if sum(due) else None,
        "median_duration_seconds": _median(history),
        "consecutive_failures": status.get("consecutiveFailures", 0),
        "last_schedule_time": status.get("lastScheduleTime"),
        "last_successful_time": status.get("lastSuccessfulTime"),
        "last_firing": firing(history[0]) if history else None,
        "last_outcomes": [entry["outcome"] for entry in history],
        "last_request": last_request(shown),
        "spending": spending_document(line_of(shown), now),
        "forecast": expected.to_dict() if (expected := forecast_of(shown, status)) else None,
    }


def counts_of(status: Manifest) -> dict[str, int]:
    """The number of firings by outcome, zero where there was none."""
    found = status.get("firings") or {}
    return {name: found.get(name) or 0 for name in FiringCounts.model_fields}


def firings(graphcron: Manifest) -> list[dict[str, Any]]:
    """The recorded firings, the newest first."""
    return [firing(entry) for entry in status_of(graphcron).get("history", [])]


def firing(entry: Manifest) -> dict[str, Any]:
    """One firing that has ended, or several in a row that made no Job."""
    return {
        "scheduled_time": entry["scheduledTime"],
        "last_scheduled_time": entry.get("lastScheduledTime"),
        "count": entry.get("count", 1),
        "trigger": entry.get("trigger", "Schedule"),
        "outcome": entry["outcome"],
        "reason": entry["reason"],
        "message": entry.get("message", ""),
        "advice": _advice(entry["reason"], entry["outcome"]),
        "job_name": entry.get("jobName"),
        "run_id": entry.get("runId"),
        "thread_id": entry.get("threadId"),
        "started_at": entry.get("startedAt"),
        "finished_at": entry.get("finishedAt"),
        "duration_seconds": _seconds(entry),
        "usage": _usage(entry["usage"]) if entry.get("usage") else None,
        "cost": entry.get("cost"),
        "cost_incomplete": bool(entry.get("costIncomplete")),
        "answer": entry.get("answer"),
        "trace_url": entry.get("traceUrl"),
    }


def _usage(found: Manifest) -> dict[str, Any]:
    models = {name: _tokens(counts) for name, counts in found["models"].items()}
    return _tokens(found) | {"models": models, "source": found["source"], "complete": found["complete"]}


def _tokens(counts: Manifest) -> dict[str, int]:
    return {name: counts[key] for name, key in _TOKENS.items()}


def last_request(graphcron: Manifest) -> dict[str, Any] | None:
    """The newest request to run now; its outcome is Pending until the operator has carried it out."""
    token, last = requested_run(graphcron), (graphcron.get("status") or {}).get("lastRequest") or {}
    if token and token != last.get("token"):
        return _request(token)
    return _request(last["token"], last) if last else None


def request_of(graphcron: Manifest, token: str) -> dict[str, Any]:
    """What became of that request to run now, as far as it is recorded: last_request, or else its firing."""
    status = status_of(graphcron)
    last, job = status.get("lastRequest") or {}, requested_job_name(graphcron["metadata"], token)
    fired = next((entry for entry in status.get("history", []) if entry.get("jobName") == job), None)
    return _request(token, last if last.get("token") == token else fired)


def _request(token: str, carried_out: Manifest | None = None) -> dict[str, Any]:
    found = carried_out or {}
    return {
        "token": token,
        "outcome": found.get("outcome", "Pending"),
        "job_name": found.get("jobName"),
        "reason": found.get("reason"),
        "message": found.get("message", ""),
        "advice": _advice(found.get("reason") or "", found.get("outcome", "")),
    }


def _advice(reason: str, outcome: str = "") -> str:
    """What to do; empty where that is nothing."""
    todo = advice(reason, outcome)
    return "" if todo == "Nothing." else todo


def _condition(found: Manifest) -> dict[str, Any]:
    return {
        "type": found["type"],
        "status": found["status"],
        "reason": found["reason"],
        "message": found.get("message", ""),
        "last_transition_time": found["lastTransitionTime"],
    }


def _times(status: Manifest) -> list[str]:
    times: list[str] = status.get("nextRunTimes", [])
    return times


def _seconds(entry: Manifest) -> int | None:
    return None if (found := length(entry)) is None else int(found.total_seconds())


def _median(history: list[Manifest]) -> float | None:
    lengths = [_seconds(entry) for entry in history if entry["outcome"] in RAN]
    known = [length for length in lengths if length is not None]
    return float(median(known)) if known else None
