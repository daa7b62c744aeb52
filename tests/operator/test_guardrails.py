"""The guard rails of the operator: images and keys of templates that are taken off a list, and what that does."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from graphcron.operator.admission import answer
from graphcron.operator.cronjob import not_before
from graphcron.operator.guardrails import refusal
from graphcron.operator.run_pod import RunPods
from graphcron.resource.lifetime import AT_MOST, REQUIRED, Lifetime
from graphcron.resource.spec import GraphCronSpec
from tests.support.controller_bench import INSTALLATION
from tests.support.in_pod_specs import IN_POD
from tests.support.world import World, at

PODS = RunPods(image="graphcron:1", server_url="https://default.example", in_pod_images=("registry.example/team/*",))


class TestAnImageThatIsTakenOffTheList:
    @pytest.fixture
    def forbidden(self, world: World) -> World:
        world.run_pods = PODS
        world.edit(**IN_POD)
        world.reconcile("10:05")
        assert world.cron_job
        assert not world.cron_job["spec"]["suspend"]
        world.run_pods = replace(PODS, in_pod_images=("registry.example/other/*",))
        world.reconcile("10:06")
        return world

    def test_is_not_run_any_more_and_the_status_says_so(self, forbidden: World) -> None:
        assert forbidden.cron_job
        assert forbidden.cron_job["spec"]["suspend"]
        said = "Suspended: spec.image is not allowed here; allowed are registry.example/other/*; "
        for kind, value in (("Ready", "False"), ("Stalled", "True"), ("Suspended", "True")):
            condition = forbidden.condition(kind)
            assert (condition["status"], condition["reason"]) == (value, "InPodNotAllowed")
            assert condition["message"].startswith(said)
        status = forbidden.graphcron["status"]
        assert (status["enabled"], status["nextRunTimes"]) == (False, [])
        assert forbidden.events.count("Warning InPodNotAllowed") == 1
        forbidden.writes.clear()
        forbidden.reconcile("11:30")
        assert forbidden.writes == []

    def test_runs_again_when_it_is_back_and_catches_up_on_nothing(self, forbidden: World) -> None:
        forbidden.run_pods = PODS
        forbidden.reconcile("12:30")
        assert forbidden.cron_job
        assert not forbidden.cron_job["spec"]["suspend"]
        assert not_before(forbidden.cron_job) == at("12:30")
        assert forbidden.condition("Ready")["reason"] == "Scheduled"

    def test_is_of_no_use_to_a_new_graphcron(self, world: World) -> None:
        for enabled in (True, False):
            world.edit(**IN_POD, enabled=enabled)
            world.reconcile("10:05")
            assert world.cron_job is None
            assert world.condition("Ready")["reason"] == "InPodNotAllowed"

    def test_is_of_no_use_to_a_paused_one_either_and_the_status_says_both(self, forbidden: World) -> None:
        forbidden.edit(enabled=False)
        forbidden.reconcile("10:07")
        message = forbidden.condition("Ready")["message"]
        assert "spec.image is not allowed here" in message
        assert message.endswith("It is paused, too.")


class TestTheKeysOfATemplate:
    """Those that the installation lists, each in full or up to a star."""

    TEAM: Mapping[str, Any] = {
        "template": {"labels": {"team": "blue"}, "annotations": {"example.com/cost-center": "42"}}
    }

    @pytest.mark.parametrize(
        ("labels", "annotations", "complaint"),
        [
            (["*"], ["*"], ""),
            (["other", "team"], ["example.com/*"], ""),
            (["te"], ["*"], "spec.template.labels has a key that is not allowed here; allowed are te; "),
            (["*"], ["example.com/"], "spec.template.annotations has a key that is not allowed here; allowed are exa"),
            (
                [],
                ["*"],
                "spec.template.labels is not allowed here: guardrails.templateLabels of the Helm chart is empty",
            ),
        ],
    )
    def test_are_held_against_the_lists(self, labels: list[str], annotations: list[str], complaint: str) -> None:
        pods = replace(PODS, template_labels=tuple(labels), template_annotations=tuple(annotations))
        refused = refusal(
            GraphCronSpec.model_validate({"schedule": "0 * * * *", "assistantId": "a", **self.TEAM}), pods
        )
        assert (refused.complaint if refused else "").startswith(complaint)
        assert bool(refused) == bool(complaint)
        bare = GraphCronSpec.model_validate({"schedule": "0 * * * *", "assistantId": "a"})
        assert refusal(bare, pods) is None

    def test_that_are_taken_off_a_list_suspend_what_fires(self, world: World) -> None:
        world.edit(**self.TEAM)
        world.reconcile("10:05")
        world.run_pods = replace(world.run_pods, template_labels=("app",))
        world.reconcile("10:06")
        assert world.cron_job
        assert world.cron_job["spec"]["suspend"]
        assert world.condition("Ready")["reason"] == "TemplateNotAllowed"
        assert world.condition("Suspended")["status"] == "True"


class TestALifetime:
    """The GraphCron was created at 10:00."""

    def test_one_without_an_end_is_suspended_and_says_why(self, made: World) -> None:
        made.lifetime = Lifetime(required=True)
        made.reconcile("10:06")
        assert made.cron_job
        assert made.cron_job["spec"]["suspend"]
        ready = made.condition("Ready")
        assert (ready["status"], ready["reason"]) == ("False", "LifetimeNotAllowed")
        assert ready["message"] == f"Suspended: {REQUIRED}"
        made.edit(endTime="2027-01-01T00:00:00Z")
        made.reconcile("10:07")
        assert not made.cron_job["spec"]["suspend"]

    def test_it_counts_from_the_creation_whenever_it_is_looked_at(self, made: World) -> None:
        made.edit(endTime="2026-12-02T10:00:00Z")
        made.lifetime = Lifetime(days=1)
        made.reconcile("10:06")
        assert made.condition("Ready")["reason"] == "Scheduled"
        made.edit(endTime="2026-12-02T10:00:01Z")
        made.reconcile("23:00")
        assert made.condition("Ready")["message"] == f"Suspended: {AT_MOST.format(1)}"

    def test_none_is_created_for_a_new_one(self, world: World) -> None:
        world.lifetime = Lifetime(required=True)
        world.reconcile("10:05")
        assert world.cron_job is None
        assert world.condition("Ready")["reason"] == "LifetimeNotAllowed"

    def test_the_webhook_says_the_same(self, world: World) -> None:
        installation = replace(INSTALLATION, lifetime=Lifetime(days=1))
        review = {"request": {"uid": "u", "object": world.graphcron}}
        said = answer(review, installation, at("10:00"))["response"]
        assert (said["allowed"], said["status"]["message"]) == (False, AT_MOST.format(1))
