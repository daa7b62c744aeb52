"""What is said of channels, and of messages about a GraphCron that have not arrived. Pure."""

from typing import Any

from graphcron.kube.resources import Manifest
from graphcron.resource.identity import TEST_REQUESTED
from graphcron.resource.status import NOT_OBSERVED
from graphcron.views.words import condition, told

READY, PENDING = "Ready", "Pending"
UNREAD = (
    "no notifier has read it as it is. If this stays so for a minute, none works for this namespace: the value "
    "notifier.enabled of the chart installs it"
)


def undelivered(graphcron: Manifest) -> list[Manifest]:
    """The records of messages that a channel has not delivered, in their order."""
    records = (graphcron.get("status") or {}).get("notifications") or []
    return [record for record in records if record.get("state") != "Delivered"]


def undelivered_line(record: Manifest) -> str:
    """What has not arrived, by which channel, and why."""
    count, attempts = record.get("count") or 1, record.get("attempts") or 0
    several = f" ({count} firings)" if count > 1 else ""
    times = f" after {attempts} attempts" if attempts > 1 else ""
    said = f"failed{times}, and is tried again" if record.get("state") == "Failed" else "not sent yet"
    why = f": {message}" if (message := record.get("message")) else ""
    return f"{record['event']}{several} by channel {record['channel']}: {said}{why}"


def state(channel: Manifest) -> tuple[str, str]:
    """Ready, or why it is not in a word; and a sentence, empty for one that is ready."""
    observed = (channel.get("status") or {}).get("observedGeneration", NOT_OBSERVED)
    if observed != channel["metadata"].get("generation"):
        return PENDING, UNREAD
    for kind in ("Ready", "Delivering"):
        if (found := condition(channel, kind)) and found["status"] == "False":
            return str(found["reason"]), told("", str(found.get("message") or found["reason"]))
    return READY, ""


def request_test(token: str) -> dict[str, Any]:
    """Send a test message, once for each token, as a merge patch."""
    return {"metadata": {"annotations": {TEST_REQUESTED: token}}}


def requested_test(channel: Manifest) -> str:
    """The token of the newest request of a test; empty for none."""
    return str((channel["metadata"].get("annotations") or {}).get(TEST_REQUESTED) or "")


def answer_to(channel: Manifest, token: str) -> Manifest | None:
    """What became of the test with that token; None while nobody has answered."""
    last: Manifest = (channel.get("status") or {}).get("lastTest") or {}
    return last if last.get("token") == token else None
