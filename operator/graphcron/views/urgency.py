"""Whether somebody has to act on a GraphCron. Pure."""

from enum import IntEnum

from graphcron.kube.resources import Manifest
from graphcron.views.words import condition, phase


class Urgency(IntEnum):
    """Whether somebody has to act, the most urgent first."""

    BROKEN = 0
    """It does not fire, or its runs do not start, until somebody acts."""
    FAILING = 1
    """Its last run failed, waits for input, or does not end."""
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
    if failed or condition(graphcron, "WaitingForInput") or condition(graphcron, "RunsEnding"):
        return Urgency.FAILING
    return Urgency.OFF if condition(graphcron, "Suspended") or ready["reason"] == "Expired" else Urgency.WORKING
