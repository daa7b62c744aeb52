"""A budget of a namespace at work: all its GraphCrons stop. Neither a restart nor a deletion gives anything back."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from graphcron.firing.formats import format_time
from graphcron.kube.client import Kube
from graphcron.kube.errors import KubeError
from graphcron.operator import spending_record
from graphcron.operator.shared_spending import SharedSpending
from graphcron.operator.spending_record import SpendingRecord
from graphcron.resource.budget import SharedBudgets
from graphcron.resource.windows import begin
from tests.support.apiserver_fake import FakeApiserver
from tests.support.operator_process import operator
from tests.support.until import until
from tests.support.world import at

SETTINGS = {
    "GRAPHCRON_BUDGETS": json.dumps({"namespace": {"tokens": 100, "per": "Month"}}),
    "GRAPHCRON_SPENDING_CONFIG_MAP": "spending",
    "GRAPHCRON_NAMESPACE": "team",
}


@pytest.fixture
async def apiserver() -> FakeApiserver:
    found = FakeApiserver()
    found.objects["configmaps"]["spending"] = {"metadata": {"name": "spending", "uid": "cm", "resourceVersion": "1"}}
    return found


def graphcron(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"schedule": "0 0 1 1 *", "assistantId": "agent"}}


def suspended(apiserver: FakeApiserver, name: str) -> bool:
    return bool(apiserver.objects["cronjobs"].get(name, {}).get("spec", {}).get("suspend"))


async def use(apiserver: FakeApiserver, name: str, tokens: int) -> None:
    """The status says that it used so many."""
    found = apiserver.objects["graphcrons"][name]
    since = format_time(begin("Month", datetime.now(UTC), ZoneInfo("Etc/UTC")))
    window = {"since": since, "firings": 1, "tokens": tokens}
    spending = {"spending": {"today": window, "week": window, "month": window}}
    await apiserver.put("graphcrons", found | {"status": found["status"] | spending})


def recorded(apiserver: FakeApiserver) -> str:
    return str(apiserver.objects["configmaps"]["spending"].get("data", {}).get("sums.json"))


async def test_all_stop_and_what_was_deleted_while_it_was_down_is_not_forgotten(
    apiserver: FakeApiserver, tmp_path: Path
) -> None:
    crons = apiserver.objects["graphcrons"]
    async with apiserver.serving() as url:
        async with operator(url, tmp_path, **SETTINGS):
            for name in ("a", "b", "idle"):
                await apiserver.put("graphcrons", graphcron(name))
            await until(lambda: len(crons) == 3 and all("status" in item for item in crons.values()))
            await use(apiserver, "a", 60)
            await use(apiserver, "b", 39)
            await until(lambda: '["99",0]' in recorded(apiserver))
            assert not any(suspended(apiserver, name) for name in crons)
            await use(apiserver, "b", 40)
            await until(lambda: all(suspended(apiserver, name) for name in crons))
            said = "the budget of namespace team is used up until"
            await until(lambda: all(said in str(item["status"]) for item in crons.values()))
            await until(lambda: '["100",0]' in recorded(apiserver))
        await apiserver.delete("graphcrons", "a")
        await apiserver.delete("cronjobs", "a")
        before = len(apiserver.writes)
        async with operator(url, tmp_path, **SETTINGS):
            await apiserver.put("graphcrons", graphcron("a"))
            await until(lambda: suspended(apiserver, "a"))
            await until(lambda: said in str(crons["a"].get("status")))
            assert all(suspended(apiserver, name) for name in crons)
        assert apiserver.writes[before:] == ["PATCH cronjobs/a", "PATCH a/status"]


async def test_a_raised_budget_resumes_all_when_the_operator_has_it(apiserver: FakeApiserver, tmp_path: Path) -> None:
    crons = apiserver.objects["graphcrons"]
    more = json.dumps({"namespace": {"tokens": 101, "per": "Month"}})
    async with apiserver.serving() as url:
        async with operator(url, tmp_path, **SETTINGS):
            for name in ("a", "idle"):
                await apiserver.put("graphcrons", graphcron(name))
            await until(lambda: len(crons) == 2 and all("status" in item for item in crons.values()))
            await use(apiserver, "a", 100)
            await until(lambda: all(suspended(apiserver, name) for name in crons))
        async with operator(url, tmp_path, **(SETTINGS | {"GRAPHCRON_BUDGETS": more})):
            await until(lambda: not any(suspended(apiserver, name) for name in crons))


async def test_without_its_configmap_it_works_and_says_so(apiserver: FakeApiserver, tmp_path: Path) -> None:
    del apiserver.objects["configmaps"]["spending"]
    async with apiserver.serving() as url, operator(url, tmp_path, **SETTINGS) as process:
        await apiserver.put("graphcrons", graphcron("a"))
        await until(lambda: "status" in apiserver.objects["graphcrons"]["a"])
        await use(apiserver, "a", 100)
        await until(lambda: suspended(apiserver, "a"))
        assert process.stdout
        while b"what deleted GraphCrons have used is not known: " not in await process.stdout.readline():
            pass


class HardOfHearing:
    """A cluster that first cannot be asked, and has a record."""

    def __init__(self, sums: str) -> None:
        self.data, self.fails = {"sums.json": sums}, 2

    async def get_config_map(self, namespace: str, name: str) -> dict[str, Any]:
        self.fails -= 1
        if self.fails >= 0:
            raise KubeError(503, "etcd has no leader")
        return {"data": self.data}

    async def patch_config_map(self, namespace: str, name: str, data: dict[str, str]) -> None:
        self.data = data


async def test_nothing_is_written_over_a_record_that_could_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spending_record, "PAUSE_SECONDS", 0.001)
    cluster = HardOfHearing('{"namespace/tokens.Month/team":{"2027-01-01T00:00:00Z":["60",0]}}')
    spent = SharedSpending(SharedBudgets.model_validate({"namespace": {"tokens": 100}}), None)
    record = SpendingRecord(cast(Kube, cluster), spent, "ns", "spending", lambda: at("10:00"), lambda: True)
    await record.read()
    window = {"since": "2026-12-01T00:00:00Z", "firings": 1, "tokens": 70}
    spending = {"spending": {"today": window, "week": window, "month": window}}
    spent.put({"metadata": {"namespace": "other", "name": "a", "uid": "a"}, "status": spending})
    record.restore()
    running = asyncio.create_task(record.run())
    await until(lambda: "other" in cluster.data["sums.json"])
    running.cancel()
    assert '"namespace/tokens.Month/team":{"2027-01-01T00:00:00Z":["60",0]}' in cluster.data["sums.json"]
