"""The Events FailedCreate: the last of each object, asked for once for a namespace."""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError, Refused
from graphcron.operator.create_failures import CreateFailures, failures_of
from graphcron.operator.observed import CreateFailure
from tests.support.cluster_memory import MemoryCluster

LATER = datetime(2026, 12, 1, 11, 5, tzinfo=UTC)


def event(uid: str, message: str, **times: Any) -> dict[str, Any]:
    return {"metadata": {}, "involvedObject": {"uid": uid}, "message": message} | times


def test_the_last_of_an_object_counts_whichever_api_wrote_it() -> None:
    found = failures_of(
        [
            event("job", "old", lastTimestamp="2026-12-01T11:00:00Z"),
            event("job", "new", lastTimestamp=None, eventTime="2026-12-01T11:05:00.000000Z"),
            event("job", "older", lastTimestamp="2026-12-01T10:00:00Z"),
            event("cronjob", "x" * 5000, series={"lastObservedTime": "2026-12-01T11:05:00.000000Z"}),
            event("timeless", "?"),
        ]
    )
    assert found == {"job": CreateFailure(LATER, "new"), "cronjob": CreateFailure(LATER, "x" * 1024)}


async def test_many_that_ask_at_once_or_soon_after_share_one_request() -> None:
    kube = MemoryCluster()
    kube.refusals = [event("job", "quota", lastTimestamp="2026-12-01T11:05:00Z")]
    failures = CreateFailures(cast("Kube", kube))
    for _ in range(2):
        found = await asyncio.gather(*(failures.of("team") for _ in range(20)))
        assert all(one == {"job": CreateFailure(LATER, "quota")} for one in found)
    await failures.of("other")
    assert kube.reads == ["events team reason=FailedCreate", "events other reason=FailedCreate"]


async def test_without_the_right_to_list_them_nothing_is_known_and_nothing_fails() -> None:
    class Forbidden(MemoryCluster):
        async def list_events(self, namespace: str, selector: str) -> list[dict[str, Any]]:
            error: KubeError = Refused(403, "events is forbidden")
            raise error

    assert await CreateFailures(cast("Kube", Forbidden())).of("team") == {}
