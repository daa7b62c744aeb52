"""The crons that the demo leaves to look at: one that works, one that fails, one paused, one stalled, one blocked, one
over its budget, and one that is overdue.

Their schedules are those of real life; a history they have since they are run on request.
"""

import json
import time
from functools import partial
from typing import Any

from cluster.paths import HERE
from examples.demo.screen import Screen
from examples.demo.session import Session, wait_for

FILE = "examples/demo/crons.yaml"
WORKS, FAILS, PAUSED, STALLED, BLOCKED = "morning-report", "invoice-check", "newsletter", "month-end", "partner-sync"
SPENT, OVERDUE = "research", "stock-levels"
EXPECTED = {
    WORKS: ("Scheduled", "Succeeded"),
    FAILS: ("Scheduled", "Failed"),
    PAUSED: ("Paused", "Succeeded"),
    STALLED: ("InvalidSchedule", None),
    BLOCKED: ("NotStarting", None),
    SPENT: ("OverBudget", "Succeeded"),
    OVERDUE: ("Scheduled", None),
}
"""Reason of the condition Ready, and the outcome of the newest firing; None for any."""
SECONDS = 120.0
PRICES = {"currency": "USD", "models": {"pretending-*": {"input": "2.50", "output": "10", "cached": "1.25"}}}
"""Of the model that examples/agent pretends to ask."""
VALUES = ("--set-json", f"prices={json.dumps(PRICES)}")


def create(session: Session, screen: Screen) -> None:
    """Apply them, and run those that can run once, unless they have run at an earlier visit."""
    screen.command("kubectl", "-n", session.namespace, "apply", "-f", FILE)
    screen.output(session.kubectl("apply", "-f", HERE.root / FILE))
    # One that has run at an earlier visit is as it is to be, and the blocked one not ready.
    runnable = (name for name in EXPECTED if name not in (STALLED, OVERDUE))
    if names := [name for name in runnable if "lastRequest" not in _status(session, name)]:
        session.kubectl("wait", "--for=condition=Ready", *(f"graphcron/{name}" for name in names), "--timeout=30s")
        request = ("annotate", "graphcrons", *names, f"graphcron.dev/run-requested=demo-{int(time.time())}")
        screen.command("kubectl", "-n", session.namespace, *request)
        screen.output(session.kubectl(*request, "--overwrite"))


def look(session: Session, screen: Screen) -> None:
    """Wait until each is what it is here for, and show them as somebody on call sees them."""
    for name in EXPECTED:
        wait_for(f"GraphCron {name} to be {EXPECTED[name]}", partial(_is_as_expected, session, name), SECONDS)
    wait_for(f"GraphCron {OVERDUE} to be overdue", partial(_is_overdue, session), SECONDS)
    graphcron(session, screen, "list")
    graphcron(session, screen, "costs")
    graphcron(session, screen, "explain", BLOCKED, fails=True)


def delete(session: Session, screen: Screen) -> None:
    screen.command("kubectl", "-n", session.namespace, "delete", "-f", FILE)
    screen.output(session.kubectl("delete", "-f", HERE.root / FILE))


def graphcron(session: Session, screen: Screen, *words: str, fails: bool = False) -> None:
    """The command line; `fails` is whether it ends with 1, since it has found something wrong."""
    screen.command("graphcron", *words, "-n", session.namespace)
    screen.output(session.graphcron(*words, fails=fails))


def _status(session: Session, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (session.one("graphcron", name) or {}).get("status", {})
    return found


def _is_overdue(session: Session) -> bool:
    conditions = _status(session, OVERDUE).get("conditions", [])
    return any(one["type"] == "Overdue" and one["status"] == "True" for one in conditions)


def _is_as_expected(session: Session, name: str) -> bool:
    status = _status(session, name)
    ready = next((one["reason"] for one in status.get("conditions", []) if one["type"] == "Ready"), None)
    outcome = next((entry["outcome"] for entry in status.get("history", [])), None)
    return ready == EXPECTED[name][0] and EXPECTED[name][1] in (None, outcome)
