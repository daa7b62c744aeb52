"""Two operators as real processes, one Lease: one writes, the other is ready to, and never both."""

import asyncio
import copy
import signal
from pathlib import Path
from typing import Any, cast

import pytest

from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, NotFound
from graphcron.kube.leader_election import LeaderElector
from graphcron.kube.lease import LeaseTiming
from graphcron.kube.write_gate import WriteGate
from tests.support.apiserver_fake import FakeApiserver
from tests.support.extent import Extent
from tests.support.operator_process import operator
from tests.support.until import until

QUICK = {
    "GRAPHCRON_LEASE_DURATION_SECONDS": "5",
    "GRAPHCRON_LEASE_RENEW_DEADLINE_SECONDS": "4",
    "GRAPHCRON_LEASE_RETRY_PERIOD_SECONDS": "0.2",
}
WORKERS = 20
"""Reconciliations at once, each with one write in flight at most (GRAPHCRON_WORKERS)."""
LASTING = {
    "GRAPHCRON_LEASE_DURATION_SECONDS": "600",
    "GRAPHCRON_LEASE_RENEW_DEADLINE_SECONDS": "500",
    "GRAPHCRON_LEASE_RETRY_PERIOD_SECONDS": "0.2",
}


def graphcron(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"schedule": "0 0 1 1 *", "assistantId": "agent"}}


@pytest.fixture
async def apiserver() -> FakeApiserver:
    return FakeApiserver()


def ready(apiserver: FakeApiserver) -> bool:
    return all("status" in item for item in apiserver.objects["graphcrons"].values())


def wrote(apiserver: FakeApiserver, who: str) -> list[str]:
    """Who had the Lease whenever somebody wrote anything else."""
    return [
        one.holder for one in apiserver.heard if one.who == who and one.method != "GET" and "/leases" not in one.path
    ]


def asked_for_lease(apiserver: FakeApiserver, who: str) -> int:
    return sum(one.who == who and "/leases" in one.path for one in apiserver.heard)


def replica(url: str, folder: Path, name: str, timing: dict[str, str]) -> Any:
    return operator(url, folder, name, GRAPHCRON_POD=name, **timing)


async def test_a_killed_leader_is_replaced_and_the_other_wrote_nothing_before(
    apiserver: FakeApiserver, tmp_path: Path
) -> None:
    async with apiserver.serving() as url, replica(url, tmp_path, "old", QUICK) as old:
        await until(lambda: apiserver.holder == "old")
        async with replica(url, tmp_path, "new", QUICK):
            await until(lambda: asked_for_lease(apiserver, "new"))
            await apiserver.put("graphcrons", graphcron("one"))
            await until(lambda: ready(apiserver))
            assert set(wrote(apiserver, "new")) <= {"new"}
            old.kill()
            await old.communicate()
            await apiserver.put("graphcrons", graphcron("two"))
            await until(lambda: ready(apiserver))
            assert set(wrote(apiserver, "new")) == {"new"}


async def test_a_leader_that_was_paused_at_work_starts_no_write_when_it_wakes_up(
    apiserver: FakeApiserver, tmp_path: Path, extent: Extent
) -> None:
    """Stopped at work; the other one takes over; the first goes on where it was. Only what had passed the write gate
    may still go out, one write for each worker at most: it is idempotent, and the new leader's state counts. On a busy
    machine they may change more than once."""
    async with (
        apiserver.serving() as url,
        replica(url, tmp_path, "old", QUICK) as old,
    ):
        await until(lambda: apiserver.holder == "old" and apiserver.watches_of("graphcrons"))
        async with replica(url, tmp_path, "new", QUICK):
            await until(lambda: asked_for_lease(apiserver, "new"))
            crons = extent.count(200, 60)
            for number in range(crons):
                await apiserver.put("graphcrons", graphcron(f"cron-{number}"))
            await until(lambda: len(wrote(apiserver, "old")) > crons // 4)
            old.send_signal(signal.SIGSTOP)
            try:
                await until(lambda: apiserver.holder == "new" and wrote(apiserver, "new"))
                before = asked_for_lease(apiserver, "old")
            finally:
                old.send_signal(signal.SIGCONT)
            await until(lambda: asked_for_lease(apiserver, "old") > before + 2)
            await until(lambda: ready(apiserver))
            late = [holder for holder in wrote(apiserver, "old") if holder != "old"]
            assert len(late) <= WORKERS
            assert set(wrote(apiserver, "new")) == {"new"}
            for name, cron in apiserver.objects["graphcrons"].items():
                assert cron["status"]["observedGeneration"] == cron["metadata"]["generation"]
                assert cron["status"]["cronJobName"] in apiserver.objects["cronjobs"], name


async def test_a_leader_that_ends_gives_the_lease_back(apiserver: FakeApiserver, tmp_path: Path) -> None:
    """A rolling upgrade: no replica waits until the Lease has run out, and the successor has observed everything."""
    async with apiserver.serving() as url, replica(url, tmp_path, "old", LASTING) as old:
        await until(lambda: apiserver.holder == "old" and apiserver.watches_of("graphcrons"))
        async with replica(url, tmp_path, "new", LASTING):
            await until(lambda: len(apiserver.watches_of("graphcrons")) == 2)
            old.send_signal(signal.SIGTERM)
            await asyncio.wait_for(old.communicate(), 20)
            assert old.returncode == 0
            await apiserver.put("graphcrons", graphcron("one"))
            await until(lambda: ready(apiserver))
            assert apiserver.holder == "new"
            assert not wrote(apiserver, "old")


class LeaseMemory:
    """The Leases of an apiserver. One that is set to be `slow` writes, sets `written`, and does not answer."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.slow = False
        self.written = asyncio.Event()

    async def get_lease(self, namespace: str, name: str) -> dict[str, Any]:
        if self.lease is None:
            raise NotFound(404, "no such Lease")
        return copy.deepcopy(self.lease)

    async def create_lease(self, namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
        return await self.replace_lease(namespace, manifest)

    async def replace_lease(self, namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
        known = self.lease["metadata"]["resourceVersion"] if self.lease else None
        if manifest["metadata"].get("resourceVersion") != known:
            raise Conflict(409, "the object has been modified")
        version = {"resourceVersion": str(int(known or 0) + 1)}
        self.lease = copy.deepcopy(manifest | {"metadata": manifest["metadata"] | version})
        if self.slow:
            self.written.set()
            await asyncio.Event().wait()
        return copy.deepcopy(self.lease)


@pytest.mark.parametrize("renewals", [0, 1])
async def test_a_claim_that_was_cut_off_is_given_back_too(renewals: int) -> None:
    kube, gate = LeaseMemory(), WriteGate()
    leader = LeaderElector(cast("Kube", kube), gate, ("team", "graphcron"), "me", LeaseTiming(), lambda: None)
    for _ in range(renewals):
        await leader.attempt()
    kube.slow = True
    attempt = asyncio.create_task(leader.attempt())
    await kube.written.wait()
    attempt.cancel()
    await asyncio.wait([attempt])
    assert kube.lease
    assert kube.lease["spec"]["holderIdentity"] == "me"
    kube.slow = False
    await leader.release()
    assert kube.lease["spec"]["holderIdentity"] == ""


async def test_without_the_lease_no_replica_writes(apiserver: FakeApiserver, tmp_path: Path) -> None:
    """Its permission is missing, say: no write passes the gate."""
    del apiserver.groups["coordination.k8s.io/v1"]
    async with apiserver.serving() as url, replica(url, tmp_path, "old", QUICK):
        await apiserver.put("graphcrons", graphcron("one"))
        await until(lambda: apiserver.watches_of("graphcrons") and asked_for_lease(apiserver, "old") > 3)
        assert not apiserver.writes
        apiserver.groups["coordination.k8s.io/v1"] = {"leases": "Lease"}
        await until(lambda: ready(apiserver))
