"""An administrator pauses a namespace or the installation: everything is suspended, no spec is touched, and each
resumes as it was."""

from typing import Any

import pytest

from graphcron.facade.translation import next_run_date
from graphcron.operator.cronjob import not_before
from graphcron.operator.pauses import REASON_LIMIT, Pause, Pauses, reason_of
from tests.support.world import World, at

BUDGET = Pause("The annotation graphcron.dev/paused of namespace team", "the budget is spent")
SAID = (
    "Paused by an administrator: the budget is spent. The annotation graphcron.dev/paused of namespace team pauses it, "
    "and without that it resumes as it was."
)


def namespace(name: str = "team", uid: str = "u", **annotations: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": uid, "annotations": annotations}}


def paused(reason: str, name: str = "team", uid: str = "u") -> dict[str, Any]:
    found = namespace(name, uid)
    found["metadata"]["annotations"]["graphcron.dev/paused"] = reason
    return found


def suspended(world: World) -> bool:
    assert world.cron_job
    return bool(world.cron_job["spec"]["suspend"])


class TestSwitches:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("the budget is spent", "the budget is spent"),
            ("", ""),
            ("true", "true"),
            ("false", None),
            (" False ", None),
        ],
    )
    def test_the_annotation_pauses_whatever_its_reason_is_except_false(self, text: str, reason: str | None) -> None:
        assert reason_of(paused(text)) == reason

    def test_without_it_a_namespace_is_not_paused(self) -> None:
        assert reason_of(namespace()) is None
        assert reason_of({"metadata": {"name": "team", "uid": "u", "annotations": None}}) is None

    def test_only_what_changes_something_is_one(self) -> None:
        pauses = Pauses()
        assert not pauses.put(namespace())
        assert pauses.put(paused("a"))
        assert not pauses.put(paused("a"))
        assert pauses.put(paused("b"))
        assert pauses.of("team") == Pause("The annotation graphcron.dev/paused of namespace team", "b")
        assert pauses.of("other") is None
        assert pauses.put(namespace())
        assert pauses.of("team") is None

    def test_a_namespace_that_is_gone_pauses_nothing(self) -> None:
        pauses = Pauses()
        pauses.put(paused("a"))
        pauses.put(paused("a", "other", "v"))
        pauses.keep({"v"})
        assert (pauses.of("team"), pauses.of("other") is None) == (None, False)

    def test_the_installations_switch_pauses_every_namespace(self) -> None:
        pauses = Pauses("upgrade")
        assert not pauses.put(paused("a"))
        assert pauses.of("team") == pauses.of("any") == Pause("The value 'paused' of the Helm chart", "upgrade")
        assert Pauses("").of("team") is None

    def test_a_long_reason_is_cut_and_none_needs_no_colon(self) -> None:
        assert len(Pause("It", "x" * 5000).sentence) < REASON_LIMIT + 100
        assert Pause("It", "").sentence.startswith("Paused by an administrator. It pauses it")


class TestAPause:
    def test_it_suspends_and_says_which_switch_it_is(self, made: World) -> None:
        made.pause = BUDGET
        made.reconcile("10:06")
        assert suspended(made)
        ready = made.condition("Ready")
        assert (ready["status"], ready["reason"], ready["message"]) == ("True", "PausedByAdministrator", SAID)
        assert made.graphcron["status"]["nextRunTimes"] == []
        assert next_run_date(made.graphcron, at("10:06")) is None
        assert made.graphcron["spec"].get("enabled") is None
        assert made.events[-1] == "Normal PausedByAdministrator"
        writes = len(made.writes)
        made.reconcile("10:07")
        assert len(made.writes) == writes

    def test_what_was_due_meanwhile_neither_fires_nor_counts_as_missed(self, made: World) -> None:
        made.pause = BUDGET
        made.reconcile("10:06")
        made.reconcile("14:30")
        made.pause = None
        made.reconcile("14:31")
        assert not suspended(made)
        assert not_before(made.cron_job or {}) == at("14:31")
        assert made.graphcron["status"]["nextRunTimes"][0] == "2026-12-01T15:00:00Z"
        made.reconcile("14:59")
        assert "history" not in made.graphcron["status"] or made.graphcron["status"]["history"] == []
        assert made.condition("Ready")["reason"] == "Scheduled"

    @pytest.mark.parametrize(
        ("edit", "reason"),
        [
            ({"enabled": False, "pauseReason": "mine"}, "Paused"),
            ({"endTime": "2026-12-01T10:30:00Z"}, "Expired"),
            ({"startTime": "2026-12-01T20:00:00Z"}, "NotStarted"),
        ],
    )
    def test_each_comes_back_as_it_was(self, world: World, edit: dict[str, Any], reason: str) -> None:
        world.edit(**edit)
        world.reconcile("11:00")
        before = dict(world.condition("Ready"))
        assert before["reason"] == reason
        world.pause = BUDGET
        world.reconcile("11:01")
        assert world.condition("Ready")["reason"] == "PausedByAdministrator"
        world.pause = None
        world.reconcile("11:05")
        assert world.condition("Ready") == before

    def test_one_that_gave_up_after_failures_still_has(self, world: World) -> None:
        world.edit(maxFailures=1)
        world.reconcile("10:05")
        world.fire("11:00", "Failed")
        world.reconcile("11:01")
        world.pause = BUDGET
        world.reconcile("11:02")
        world.pause = None
        world.reconcile("11:03")
        assert world.condition("Ready")["reason"] == "MaxFailuresReached"

    def test_an_invalid_one_is_suspended_all_the_same(self, made: World) -> None:
        made.pause = BUDGET
        made.edit(schedule="99 * * * *")
        assert made.decide("10:06").suspend
        assert made.decide("10:06").verdict.message.endswith("It is paused all the same: its CronJob is suspended.")

    def test_a_requested_run_is_refused_with_the_reason(self, made: World) -> None:
        made.pause = BUDGET
        made.request("now")
        made.reconcile("10:06")
        last = made.graphcron["status"]["lastRequest"]
        assert (last["outcome"], last["reason"]) == ("Refused", "PausedByAdministrator")
        assert last["message"] == f"{SAID} Request again with another token then."
        assert made.jobs == []

    def test_one_that_is_created_meanwhile_does_not_fire(self, world: World) -> None:
        world.pause = BUDGET
        world.reconcile("10:05")
        assert suspended(world)
