"""Which CronJob without an owner is ours, and that it becomes ours with all of its fields."""

import copy
from typing import Any, cast

import pytest

from graphcron.kube.client import Kube
from graphcron.operator.adoption import is_orphan_of, taken_over
from graphcron.operator.controller import Controller
from tests.support.controller_bench import INSTALLATION, Bench


class TestAdoption:
    """A CronJob of ours without an owner: after a restore, after --cascade=orphan, or when somebody removed it."""

    @pytest.fixture
    async def orphan(self, bench: Bench) -> dict[str, Any]:
        """Of an earlier GraphCron of the name, which is not in the cache any more."""
        bench.make(schedule="5 5 * * *")
        await bench.reconcile()
        bench.controller = Controller(cast("Kube", bench.kube), INSTALLATION, clock=lambda: bench.now)
        bench.kube.graphcrons.clear()
        bench.make(schedule="0 * * * *")
        bench.kube.writes.clear()
        cron_job = bench.kube.cron_jobs["hello"]
        del cron_job["metadata"]["ownerReferences"]
        return cron_job

    async def test_it_is_adopted(self, bench: Bench, orphan: dict[str, Any]) -> None:
        uid = orphan["metadata"]["uid"]
        await bench.reconcile()
        adopted = bench.kube.cron_jobs["hello"]
        owner = adopted["metadata"]["ownerReferences"][0]
        assert (owner["uid"], owner["controller"]) == (bench.kube.graphcrons["hello"]["metadata"]["uid"], True)
        assert adopted["metadata"]["uid"] == uid
        assert adopted["spec"]["schedule"] == "0 * * * *"
        assert bench.ready["status"] == "True"
        assert bench.kube.writes == ["cronjob hello", "status hello"]

    async def test_what_a_restore_wrote_is_taken_over_so_that_it_can_be_removed(
        self, bench: Bench, orphan: dict[str, Any]
    ) -> None:
        """Else a field that the GraphCron has no longer stays as the other manager's."""
        orphan["metadata"]["managedFields"] = [
            {"manager": "velero", "operation": "Update", "fieldsV1": {"f:spec": {"f:suspend": {}}}},
            {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {"f:schedule": {}}}},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {}},
        ]
        await bench.reconcile()
        assert bench.kube.writes == ["managed fields of hello", "cronjob hello", "status hello"]
        ours, status = bench.kube.taken_over
        assert (ours["manager"], ours["operation"]) == ("graphcron", "Apply")
        assert ours["fieldsV1"] == {"f:spec": {"f:suspend": {}, "f:schedule": {}}}
        assert status["subresource"] == "status"

    @pytest.mark.parametrize(
        "change",
        [
            {"labels": {}},
            {"labels": {"app.kubernetes.io/managed-by": "graphcron", "graphcron.dev/graphcron": "other"}},
            {"ownerReferences": [{"kind": "CronTab", "name": "x", "uid": "y", "controller": True}]},
        ],
    )
    async def test_one_of_somebody_elses_is_not(
        self, bench: Bench, orphan: dict[str, Any], change: dict[str, Any]
    ) -> None:
        orphan["metadata"] |= change
        before = copy.deepcopy(orphan)
        await bench.reconcile()
        assert bench.ready["reason"] == "CronJobNameTaken"
        assert bench.kube.cron_jobs["hello"] == before


STATUS = {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status"}
OURS = {"manager": "graphcron", "operation": "Apply", "fieldsV1": {"f:spec": {"f:schedule": {}}}}


def test_what_is_all_ours_is_not_taken_over_again() -> None:
    """Each would be a write, and the write an event."""
    assert taken_over({"metadata": {"managedFields": [OURS, STATUS]}}) is None
    assert taken_over({"metadata": {}}) is None


@pytest.mark.parametrize("other", [OURS | {"operation": "Update"}, OURS | {"manager": "helm"}])
def test_our_name_by_another_way_and_another_name_by_ours_are_not_us(other: dict[str, Any]) -> None:
    found = taken_over({"metadata": {"managedFields": [OURS, other, STATUS]}})
    assert found == [OURS | {"fieldsType": "FieldsV1"}, STATUS]


def test_an_owner_that_does_not_control_it_does_not_keep_it() -> None:
    labels = {"app.kubernetes.io/managed-by": "graphcron", "graphcron.dev/graphcron": "hello"}
    owned = {"metadata": {"labels": labels, "ownerReferences": [{"kind": "App", "name": "x", "uid": "y"}]}}
    assert is_orphan_of(owned, "hello")
    assert not is_orphan_of(owned, "other")
    owned["metadata"]["ownerReferences"] = [{"kind": "App", "name": "x", "uid": "y", "controller": True}]
    assert not is_orphan_of(owned, "hello")
