"""What others change in the CronJob is corrected, or left and told."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from graphcron.kube.client import Kube
from graphcron.kube.resources import CRON_JOBS, GRAPHCRONS
from graphcron.operator.controller import Controller
from graphcron.operator.correction import Change, change_of, is_settled
from graphcron.operator.cronjob import digest_of
from graphcron.operator.inputs import Inputs
from graphcron.operator.reapply import Applied
from graphcron.operator.reasons import CHANGED_BY_ADMISSION, CHANGED_BY_OTHERS
from tests.support.controller_bench import HELLO, INSTALLATION, NOW, Bench
from tests.support.world import World, at


def use_a_mirror(cron_job: dict[str, Any]) -> None:
    """As a policy for registry mirrors, which also rewrites CronJobs."""
    pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    pod["containers"][0]["image"] = f"mirror.example/{pod['containers'][0]['image'].removeprefix('mirror.example/')}"


class TestOthersChangeTheCronJob:
    """The image, which makes an event each time."""

    IMAGE = "spec.jobTemplate.spec.template.spec.containers[run].image"

    @staticmethod
    def condition(bench: Bench) -> dict[str, Any] | None:
        conditions = bench.kube.graphcrons["hello"]["status"]["conditions"]
        return next((one for one in conditions if one["type"] == "CronJobModified"), None)

    @staticmethod
    async def mutated_by(bench: Bench, manager: str) -> None:
        """Somebody changes the CronJob and its event comes."""
        cron_job = bench.kube.cron_jobs["hello"]
        use_a_mirror(cron_job)
        steps = "f:spec f:jobTemplate f:spec f:template f:spec f:containers".split()
        fields: dict[str, Any] = {'k:{"name":"run"}': {"f:image": {}}}
        for step in reversed(steps):
            fields = {step: fields}
        cron_job["metadata"]["managedFields"] = [
            {"manager": "graphcron", "operation": "Apply"},
            {"manager": manager, "operation": "Update", "fieldsV1": fields},
        ]
        cron_job["metadata"]["resourceVersion"] = str(int(cron_job["metadata"]["resourceVersion"]) + 1000)
        bench.controller.cache.put(CRON_JOBS, cron_job)
        await bench.reconcile()

    async def test_what_a_webhook_changes_is_told_and_left_also_after_a_restart(self, bench: Bench) -> None:
        bench.kube.mutate = use_a_mirror
        bench.make()
        for number in range(20):
            await bench.reconcile()
            firing = {"active": [{"name": "hello-1"}], "lastScheduleTime": "2026-12-01T10:00:00Z"}
            bench.kube.cron_jobs["hello"]["status"] = firing
            bench.kube.cron_jobs["hello"]["metadata"]["resourceVersion"] = str(1000 + number)
            bench.controller.cache.put(CRON_JOBS, bench.kube.cron_jobs["hello"])
        assert bench.kube.writes == ["cronjob hello", "status hello", "status hello"]
        condition = self.condition(bench)
        assert condition
        assert (condition["status"], condition["reason"]) == ("True", "ChangedByAdmission")
        assert f"{self.IMAGE} (by a mutating webhook or policy)" in condition["message"]
        assert bench.ready["status"] == "True"
        assert [event["reason"] for event in bench.kube.events] == ["ChangedByAdmission"]
        again = Bench()
        again.kube = bench.kube
        again.controller = Controller(cast("Kube", bench.kube), INSTALLATION, clock=lambda: NOW)
        again.controller.cache.put(GRAPHCRONS, bench.kube.graphcrons["hello"])
        again.controller.cache.put(CRON_JOBS, bench.kube.cron_jobs["hello"])
        await again.reconcile()
        assert bench.kube.writes == ["cronjob hello", "status hello", "status hello"]

    async def test_an_edit_of_the_graphcron_reaches_a_cronjob_that_a_webhook_changes(self, bench: Bench) -> None:
        bench.kube.mutate = use_a_mirror
        bench.make()
        await bench.reconcile()
        edited = bench.kube.graphcrons["hello"]
        edited["metadata"] |= {"generation": 2, "resourceVersion": "99"}
        edited["spec"]["schedule"] = "5 * * * *"
        bench.controller.cache.put(GRAPHCRONS, edited)
        await bench.reconcile()
        assert bench.kube.cron_jobs["hello"]["spec"]["schedule"] == "5 * * * *"

    async def test_a_hand_edit_heals_at_once_and_so_does_a_second_one(self, bench: Bench) -> None:
        bench.make()
        await bench.reconcile()
        for _ in range(2):
            await self.mutated_by(bench, "kubectl-edit")
            pod = bench.kube.cron_jobs["hello"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
            assert pod["containers"][0]["image"] == "graphcron:test"
        assert self.condition(bench) is None

    async def test_a_field_that_somebody_removes_comes_back_however_often(self, bench: Bench) -> None:
        """Kubernetes records nobody for it. What waits for its time is not taken for settled, and is not forgotten."""
        bench.make()
        await bench.reconcile()
        removed, healed = 0, 0
        for _ in range(60):
            cron_job = bench.kube.cron_jobs["hello"]
            if cron_job["spec"].pop("startingDeadlineSeconds", None):
                removed += 1
                cron_job["metadata"]["generation"] += 1
                cron_job["metadata"]["resourceVersion"] = str(int(cron_job["metadata"]["resourceVersion"]) + 1000)
                bench.controller.cache.put(CRON_JOBS, cron_job)
            await bench.reconcile()
            healed += "startingDeadlineSeconds" in bench.kube.cron_jobs["hello"]["spec"]
            bench.now += timedelta(seconds=30)
        assert healed > 3
        assert removed - healed in (0, 1), "the last one may wait for its time"
        condition = self.condition(bench)
        assert condition is None or "spec.startingDeadlineSeconds (removed)" in condition["message"]
        assert bench.kube.writes.count("cronjob hello") == 1 + healed

    async def test_whoever_goes_on_changing_it_is_named_and_corrected_ever_more_rarely(self, bench: Bench) -> None:
        bench.make()
        await bench.reconcile()
        for _ in range(3 * 60 * 2):
            await self.mutated_by(bench, "kyverno")
            bench.now += timedelta(seconds=30)
        applies = bench.kube.writes.count("cronjob hello")
        assert 6 < applies < 15, "in three hours, of 360 changes"
        condition = self.condition(bench)
        assert condition
        assert condition["reason"] == "ChangedByOthers"
        assert f"{self.IMAGE} (by kyverno)" in condition["message"]
        due = bench.controller.queue.due_in(HELLO)
        assert due is not None
        assert due <= 3600, "though no event comes"
        assert bench.kube.writes.count("status hello") < 3 * applies


class TestChangeOf:
    """The decision, of a CronJob that somebody suspends."""

    @pytest.fixture
    def wanted(self, world: World) -> dict[str, Any]:
        found = world.decide("10:05").apply
        assert found
        world.reconcile("10:05")
        return found

    @staticmethod
    def decided(world: World, wanted: dict[str, Any], applied: Applied | None = None, now: str = "10:06") -> Change:
        observed = replace(world.observed(), applied=applied)
        return change_of(Inputs.read(observed, INSTALLATION, at(now)), wanted)

    @staticmethod
    def change(world: World, manager: str | None = None) -> None:
        """By that manager, or by a webhook within our own request."""
        assert world.cron_job
        world.cron_job["spec"]["suspend"] = True
        if manager:
            fields: dict[str, Any] = {"f:spec": {"f:suspend": {}}}
            entry = {"manager": manager, "operation": "Update", "fieldsV1": fields}
            world.cron_job["metadata"]["managedFields"].append(entry)

    def test_only_what_is_as_applied_or_left_for_good_is_settled(self) -> None:
        assert is_settled(None)
        assert is_settled((CHANGED_BY_ADMISSION, "spec.suspend"))
        assert not is_settled((CHANGED_BY_OTHERS, "spec.suspend"))

    def test_what_is_not_there_is_applied_and_what_is_right_is_left(self, world: World, wanted: dict[str, Any]) -> None:
        assert self.decided(world, wanted) == Change()
        world.cron_job = None
        assert self.decided(world, wanted) == Change(wanted)

    def test_what_a_webhook_would_change_back_is_left_and_told(self, world: World, wanted: dict[str, Any]) -> None:
        self.change(world)
        change = self.decided(world, wanted)
        assert (change.apply, change.at) == (None, None)
        assert change.modified
        assert change.modified[0] == "ChangedByAdmission"

    @pytest.mark.parametrize(
        ("applied", "tried"),
        [(None, True), (timedelta(hours=25), True), (timedelta(hours=23), False)],
    )
    def test_after_a_firing_it_is_tried_again_once_a_day(
        self, world: World, wanted: dict[str, Any], applied: timedelta | None, tried: bool
    ) -> None:
        """The webhook or the policy may be gone, and nobody else would apply it."""
        self.change(world)
        last = Applied(digest_of(wanted), at("11:01") - applied, 1) if applied else None
        assert self.decided(world, wanted, last, "11:01").apply is None
        world.fire("11:00", "Complete", json.dumps({"outcome": "Succeeded", "reason": "RunSucceeded"}))
        change = self.decided(world, wanted, last, "11:01")
        assert (change.apply == wanted, change.modified is None) == (tried, tried)

    def test_another_spec_is_applied_whatever_a_webhook_does(self, world: World, wanted: dict[str, Any]) -> None:
        self.change(world)
        world.edit(schedule="5 * * * *")
        other = World(schedule="5 * * * *").decide("10:05").apply
        assert other
        assert self.decided(world, other) == Change(other)

    def test_what_others_change_again_and_again_waits_for_its_time(self, world: World, wanted: dict[str, Any]) -> None:
        self.change(world, "kyverno")
        assert self.decided(world, wanted) == Change(wanted), "a hand edit heals at once"
        often = Applied(digest_of(wanted), at("10:05:30"), 6)  # a minute's pause
        change = self.decided(world, wanted, often)
        assert (change.apply, change.at) == (None, at("10:06:30"))
        assert change.modified
        assert change.modified[0] == "ChangedByOthers"
        assert self.decided(world, wanted, often, "10:06:30") == Change(wanted)
