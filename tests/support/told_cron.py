"""A GraphCron as the notifier sees it, and its records carried on from one assessment to the next."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from graphcron.firing.formats import format_time
from graphcron.notifier import due as decisions
from graphcron.notifier.cron import Cron, DefaultChannel
from graphcron.notifier.due import Assessment, Due, Timing, assess

START = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
READY = {"type": "Ready", "status": "True", "reason": "Scheduled", "lastTransitionTime": "2026-12-01T10:00:00Z"}


def manifest(name: str = "hello", **spec: Any) -> dict[str, Any]:
    metadata = {
        "namespace": "team",
        "name": name,
        "uid": f"uid-of-{name}",
        "generation": 1,
        "creationTimestamp": "2026-12-01T10:00:00Z",
        "resourceVersion": "1",
    }
    status = {"observedGeneration": 1, "conditions": [READY], "firings": {}, "history": []}
    return {"metadata": metadata, "spec": spec, "status": status}


class ToldCron:
    """`tell` delivers what is due, as a receiver that works takes it."""

    def __init__(self, *events: str, defaults: Sequence[DefaultChannel] = (), **rule: Any) -> None:
        self.manifest = manifest()
        if events:
            self.manifest["spec"]["notify"] = [{"events": list(events), "channel": "team", **rule}]
        self.defaults = defaults
        self.now = START
        self.timing = Timing()

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.manifest["status"]
        return found

    @property
    def rule(self) -> dict[str, Any]:
        found: dict[str, Any] = self.manifest["spec"]["notify"][0]
        return found

    def wait(self, **length: float) -> None:
        self.now += timedelta(**length)

    def fire(self, outcome: str = "Failed", reason: str = "RunError", **more: Any) -> None:
        """One more firing has ended."""
        entry = {
            "scheduledTime": format_time(self.now),
            "outcome": outcome,
            "reason": reason,
            "finishedAt": format_time(self.now),
        }
        self.status["history"] = [entry | more, *self.status["history"]][:10]
        count = "waiting" if outcome == "WaitingForInput" else outcome.lower()
        self.status["firings"][count] = self.status["firings"].get(count, 0) + more.get("count", 1)
        if outcome == "Succeeded":
            self.status["lastSuccessfulTime"] = format_time(self.now)
            self.status.pop("consecutiveFailures", None)
        elif outcome == "Failed":
            self.status["consecutiveFailures"] = self.status.get("consecutiveFailures", 0) + 1

    def hold(self, kind: str, reason: str = "Because", status: str = "True") -> None:
        """A condition begins to hold."""
        self.end(kind)
        made = {"type": kind, "status": status, "reason": reason, "lastTransitionTime": format_time(self.now)}
        self.status["conditions"].append(made)

    def end(self, kind: str) -> None:
        self.status["conditions"] = [one for one in self.status["conditions"] if one["type"] != kind]

    def assess(self) -> Assessment:
        """As it is written into the status."""
        found = assess(Cron(self.manifest), self.defaults, self.now, self.timing)
        self._write(found.records)
        return found

    def begin(self, due: Due) -> Due:
        """It is about to be sent."""
        self._write(decisions.sending(Cron(self.manifest).records, due, due.record.id or "", self.now))
        return due

    def arrive(self, due: Due) -> None:
        records = Cron(self.manifest).records
        self._write(records | {due.record.key: decisions.delivered(records[due.record.key], self.now)})

    def tell(self) -> list[str]:
        """What is told now: each event, with its number if it has one."""
        told = []
        for due in self.assess().due:
            self.arrive(self.begin(due))
            told.append(due.record.event + (f" {due.record.count}" if due.record.count else ""))
        assert not self.assess().due, "what was told is due again"
        return told

    def _write(self, records: decisions.Records) -> None:
        self.status["notifications"] = [record.to_dict() for record in records.values()]
