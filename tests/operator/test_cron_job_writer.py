"""The CronJob is applied, suspended as it is where it cannot be, and never taken from somebody else."""

import copy
from typing import cast

import pytest

from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, Refused, Unavailable
from graphcron.kube.resources import GRAPHCRONS
from graphcron.operator.controller import Controller
from graphcron.operator.cronjob import not_before
from tests.support.controller_bench import HELLO, INSTALLATION, LEAST, LIVE_ON, NOW, WEBHOOK, Bench, edited


async def test_a_cronjob_that_the_watch_has_not_brought_is_found(bench: Bench) -> None:
    """A controller that lost its memory does not apply what is there already."""
    made = bench.make()
    await bench.reconcile()
    again = Bench()
    again.kube = bench.kube
    again.controller = Controller(
        cast("Kube", bench.kube),
        INSTALLATION,
        clock=lambda: NOW,
    )
    again.controller.cache.put(GRAPHCRONS, bench.kube.graphcrons["hello"])
    bench.kube.writes.clear()
    await again.reconcile()
    assert bench.kube.writes == []
    assert made


async def test_a_foreign_cronjob_of_the_name_is_left_alone(bench: Bench) -> None:
    bench.make()
    foreign = {"metadata": {"name": "hello", "namespace": "team", "uid": "x"}, "spec": {"schedule": "0 * * * *"}}
    bench.kube.cron_jobs["hello"] = copy.deepcopy(foreign)
    await bench.reconcile()
    assert bench.kube.cron_jobs["hello"] == foreign
    assert (bench.ready["status"], bench.ready["reason"]) == ("False", "CronJobNameTaken")
    assert [event["reason"] for event in bench.kube.events] == ["CronJobNameTaken"]


async def test_what_the_cluster_refuses_is_recorded_and_not_retried_without_end(bench: Bench) -> None:
    bench.make()
    bench.kube.fail = [Refused(422, "spec.timeZone: unknown time zone")]
    await bench.reconcile()
    assert bench.ready["reason"] == "CronJobRefused"
    assert bench.ready["message"].endswith("spec.timeZone: unknown time zone")


PAUSED = ". It is paused all the same: its CronJob is suspended."
TYPED = Refused(500, "failed to create typed patch object (team/hello; batch/v1, Kind=CronJob): .spec.x: not declared")


async def test_what_the_cluster_refuses_of_an_edit_says_that_the_old_one_fires_on(bench: Bench) -> None:
    await edited(bench, schedule="5 * * * *")
    bench.kube.fail = [TYPED]
    await bench.reconcile()
    assert bench.kube.writes == ["status hello"]
    assert bench.ready["message"] == f"The cluster refused the CronJob: {TYPED.message}{LIVE_ON}"
    assert "enabled" not in bench.kube.graphcrons["hello"]["status"], "it is not known, and not False"


@pytest.mark.parametrize("refused", [TYPED, Refused(422, "spec.schedule: no")], ids=["500", "422"])
async def test_pausing_works_although_the_cluster_refuses_the_rest_of_the_spec(bench: Bench, refused: Refused) -> None:
    await edited(bench, enabled=False)
    bench.kube.fail = [refused]
    await bench.reconcile()
    assert bench.kube.writes == ["suspend hello", "status hello"]
    assert bench.kube.cron_jobs["hello"]["spec"]["suspend"] is True
    assert bench.ready["message"] == f"The cluster refused the CronJob: {refused.message}{PAUSED}"
    assert {"Stalled", "Suspended"} <= bench.conditions.keys()
    bench.kube.fail = [refused]
    await bench.reconcile()
    assert bench.kube.writes == ["suspend hello", "status hello"], "once"


async def test_pausing_works_although_the_rest_of_the_spec_is_invalid(bench: Bench) -> None:
    await edited(bench, enabled=False, colour="blue")
    await bench.reconcile()
    await bench.reconcile()
    assert bench.kube.writes == ["suspend hello", "status hello"]
    assert bench.ready["message"] == f"spec.colour: unknown field{PAUSED}"
    assert bench.conditions["Suspended"]["status"] == "True"


async def test_pausing_works_although_a_webhook_fails(bench: Bench) -> None:
    await edited(bench, enabled=False)
    bench.kube.fail = [WEBHOOK]
    with pytest.raises(Unavailable):
        await bench.reconcile()
    assert bench.kube.writes == ["suspend hello"]


async def test_an_invalid_spec_that_is_not_paused_any_more_stays_suspended_and_says_so(bench: Bench) -> None:
    await edited(bench, enabled=False, colour="blue")
    await bench.reconcile()
    bench.edit(LEAST | {"colour": "blue"})
    await bench.reconcile()
    assert bench.ready["message"] == "spec.colour: unknown field. Until then its CronJob stays suspended."
    assert bench.kube.cron_jobs["hello"]["spec"]["suspend"] is True


async def test_after_the_mend_a_paused_one_is_applied_in_full_and_resumes_without_catching_up(bench: Bench) -> None:
    await edited(bench, enabled=False, colour="blue")
    await bench.reconcile()
    bench.edit(LEAST)
    await bench.reconcile()
    assert bench.ready["status"] == "True"
    assert bench.kube.cron_jobs["hello"]["spec"]["suspend"] is False
    assert not_before(bench.kube.cron_jobs["hello"]) == NOW


async def test_what_the_cluster_refused_is_requeued(bench: Bench) -> None:
    """A quota is freed, or the foreign CronJob deleted, and no event of ours tells of it."""
    bench.make()
    bench.kube.fail = [Refused(403, "exceeded quota: used 41")]
    await bench.reconcile()
    assert bench.controller.queue.due_in(HELLO) == pytest.approx(60, abs=1)


async def test_a_refusal_in_other_words_is_not_written_again(bench: Bench) -> None:
    """Webhooks put request ids into their refusals; each new text would be a write, and the write an event."""
    bench.make()
    for number in range(3):
        bench.kube.fail = [Refused(403, f"denied, request {number}")]
        await bench.reconcile()
    assert bench.kube.writes == ["status hello"]
    assert len(bench.kube.events) == 1


async def test_a_cronjob_of_a_deleted_namesake_is_waited_for(bench: Bench) -> None:
    bench.make()
    await bench.reconcile()
    again = Bench()
    again.kube.cron_jobs = bench.kube.cron_jobs
    again.kube.make("other")
    again.make()
    with pytest.raises(Conflict, match="still being removed"):
        await again.reconcile()
    assert again.kube.writes == []
    del again.kube.cron_jobs["hello"]
    await again.reconcile()
    assert again.ready["status"] == "True"
