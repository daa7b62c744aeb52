"""Who may write: two replicas, one Lease."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.kube.lease import LeaseTiming, claim, held_by, may_take, release

AT = datetime(2026, 12, 1, 10, 0, 0, 250_000, tzinfo=UTC)


def lease(holder: str = "other", seconds: int = 15) -> dict[str, Any]:
    return {
        "metadata": {"name": "operator", "resourceVersion": "7"},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": seconds,
            "acquireTime": "2026-12-01T09:00:00.000000Z",
            "renewTime": "2026-12-01T09:59:59.000000Z",
            "leaseTransitions": 3,
        },
    }


@pytest.mark.parametrize(
    ("found", "now", "may"),
    [
        pytest.param(lease(), 114.9, False, id="another's, renewed within its duration"),
        pytest.param(lease(), 115.0, True, id="another's, not renewed for its duration"),
        pytest.param(lease(seconds=60), 115.0, False, id="the duration that counts is its holder's own"),
        pytest.param(lease("me"), 100.0, True, id="mine from before a restart"),
        pytest.param(lease(""), 100.0, True, id="given back"),
        pytest.param({"metadata": {"name": "operator"}}, 100.0, True, id="made empty by somebody"),
    ],
)
def test_who_may_take_it(found: dict[str, Any], now: float, may: bool) -> None:
    assert may_take(found, "me", observed_at=100.0, now=now) is may


def test_the_first_claim_makes_it() -> None:
    made = claim(None, "operator", "me", LeaseTiming(), AT)
    assert made == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "operator"},
        "spec": {
            "holderIdentity": "me",
            "leaseDurationSeconds": 15,
            "acquireTime": "2026-12-01T10:00:00.250000Z",
            "renewTime": "2026-12-01T10:00:00.250000Z",
            "leaseTransitions": 0,
        },
    }


def test_taking_it_over_counts_and_keeps_the_version_so_that_one_of_two_fails() -> None:
    taken = claim(lease(), "operator", "me", LeaseTiming(), AT)
    assert taken["metadata"]["resourceVersion"] == "7"
    assert taken["spec"]["leaseTransitions"] == 4
    assert taken["spec"]["acquireTime"] == "2026-12-01T10:00:00.250000Z"


def test_renewing_moves_the_renewal_alone() -> None:
    renewed = claim(lease("me"), "operator", "me", LeaseTiming(), AT)
    assert renewed["spec"] == lease("me")["spec"] | {"renewTime": "2026-12-01T10:00:00.250000Z"}


def test_what_is_given_back_is_free_at_once() -> None:
    left = release(lease("me"), AT)
    assert held_by(left) == ""
    assert left["metadata"]["resourceVersion"] == "7"
    assert may_take(left, "other", observed_at=100.0, now=100.0)


def test_a_killed_leader_is_replaced_within_20_seconds() -> None:
    """It may have renewed in its last moment, and the others may have asked just before the duration was over."""
    assert LeaseTiming().duration + LeaseTiming().retry_period < 20


def test_a_leader_stops_before_another_one_may_begin() -> None:
    assert LeaseTiming().renew_deadline < LeaseTiming().duration
    for wrong in ({"duration": 10}, {"renew_deadline": 2.0}, {"retry_period": 0.0}):
        with pytest.raises(ValueError, match="must be longer"):
            LeaseTiming(**wrong)
