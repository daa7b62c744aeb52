"""Whether somebody has to act on a GraphCron. Pure."""

from enum import IntEnum

from graphcron.kube.resources import Manifest
from graphcron.views.words import condition, phase, told, unmet


class Urgency(IntEnum):
    """Whether somebody has to act, the most urgent first."""

    BROKEN = 0
    """It does not fire, or its runs do not start, until somebody acts."""
    FAILING = 1
    """Its last run failed, waits for input, or does not end; or something that is expected of it is not so."""
    PENDING = 2
    """No operator has reconciled it as it is."""
    WORKING = 3
    OFF = 4
    """It does not fire, on purpose."""

    @property
    def needs_attention(self) -> bool:
        return self <= Urgency.FAILING


def urgency(graphcron: Manifest) -> Urgency:
    """How urgent it is to look after this GraphCron."""
    ready = condition(graphcron, "Ready")
    if ready is None or phase(graphcron) == "Pending":
        return Urgency.PENDING
    if ready["status"] != "True":
        return Urgency.BROKEN
    ran = condition(graphcron, "LastRunSucceeded")
    failed = ran is not None and ran["status"] == "False"
    if failed or condition(graphcron, "WaitingForInput") or condition(graphcron, "RunsEnding") or unmet(graphcron):
        return Urgency.FAILING
    return Urgency.OFF if condition(graphcron, "Suspended") or ready["reason"] == "Expired" else Urgency.WORKING


def why(graphcron: Manifest) -> str:
    """What a list says of a cron that is not just working: why it does not fire, what became of its last run, or
    what is expected and not so."""
    ready, found = condition(graphcron, "Ready"), urgency(graphcron)
    if ready is None or found is Urgency.WORKING:
        return ""
    if found is not Urgency.FAILING:
        return str(ready["message"])
    if waits := condition(graphcron, "WaitingForInput"):
        return f"It waits for input: {waits['message'] or waits['reason']}"
    ran = condition(graphcron, "LastRunSucceeded")
    if last := condition(graphcron, "RunsEnding") or (ran if ran and ran["status"] == "False" else None):
        return told(last["reason"], last["message"])
    return " ".join(told(found["type"], found["message"]) for found in unmet(graphcron))
