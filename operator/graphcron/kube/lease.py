"""The decisions of leader election by a Lease (coordination.k8s.io/v1). Pure.

They are client-go's, with one difference: a leader measures its own time from the moment in which it *sent* a renewal
that succeeded. So it has stopped before the earliest moment in which another replica, which observed that renewal
later, may take over. `kubernetes.aio.leaderelection` asks the wall clock, counts from the answer, and goes on for as
long as a renewal hangs: two replicas would write at once.

Times without a date are seconds of a clock that only goes forward; those in the Lease are for people, and nothing is
decided by them: clocks of two machines differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from graphcron.kube.resources import Manifest


@dataclass(frozen=True)
class LeaseTiming:
    """Seconds; the defaults are client-go's.

    `duration`: after so long without a renewal others take over. `renew_deadline`: after so long without a renewal the
    leader itself stops to write; what it had under way has the difference to end in. `retry_period`: between attempts
    to renew, or to take over.
    """

    duration: int = 15
    renew_deadline: float = 10.0
    retry_period: float = 2.0

    def __post_init__(self) -> None:
        """Raises ValueError when a leader could miss its renewals, or two could write at once."""
        if not self.duration > self.renew_deadline > self.retry_period > 0:
            raise ValueError(
                "a lease's duration must be longer than its renew deadline, and that than its retry period"
            )


def may_take(lease: Mapping[str, Any], me: str, observed_at: float, now: float) -> bool:
    """Whether `me` may take or keep the Lease, whose version as it is was first observed at `observed_at`.

    One that names `me` is mine: identities are those of pods, and a pod's container has ended before it starts again.
    """
    spec = lease.get("spec") or {}
    holder = spec.get("holderIdentity")
    return not holder or holder == me or now >= observed_at + (spec.get("leaseDurationSeconds") or 0)


def held_by(lease: Mapping[str, Any]) -> str:
    """The holder's identity, empty when there is none."""
    return str((lease.get("spec") or {}).get("holderIdentity") or "")


def claim(lease: Mapping[str, Any] | None, name: str, me: str, timing: LeaseTiming, at: datetime) -> Manifest:
    """The Lease as `me` writes it to take or to renew it; None when there is none yet.

    It keeps the resourceVersion: of two who take it at once, the apiserver lets one.
    """
    before = dict((lease or {}).get("spec") or {})
    mine = before.get("holderIdentity") == me
    spec = before | {
        "holderIdentity": me,
        "leaseDurationSeconds": timing.duration,
        "acquireTime": before["acquireTime"] if mine and before.get("acquireTime") else _micro_time(at),
        "renewTime": _micro_time(at),
        "leaseTransitions": before.get("leaseTransitions", 0) + (lease is not None and not mine),
    }
    return _lease(lease or {"metadata": {"name": name}}, spec)


def release(lease: Mapping[str, Any], at: datetime) -> Manifest:
    """The Lease as its leader leaves it: anybody may take it at once."""
    spec = dict(lease["spec"]) | {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _micro_time(at)}
    return _lease(lease, spec)


def _lease(lease: Mapping[str, Any], spec: Manifest) -> Manifest:
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": dict(lease["metadata"]), "spec": spec}


def _micro_time(at: datetime) -> str:
    """metav1.MicroTime."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
