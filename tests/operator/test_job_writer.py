"""The Jobs that are written: those of requests, and the end of those that do not start."""

from datetime import timedelta

import pytest

from graphcron.kube.errors import Conflict, Refused
from graphcron.kube.resources import JOBS
from tests.support.controller_bench import HELLO, Bench, owned_by


class TestNotStarting:
    """A Job without a pod, of an hour ago."""

    @pytest.fixture
    async def stuck(self, bench: Bench) -> Bench:
        made = bench.make()
        await bench.reconcile()
        cron_job = bench.kube.cron_jobs["hello"]
        owner = [{"uid": cron_job["metadata"]["uid"], "controller": True}]
        metadata = owned_by(made) | {"name": "hello-29400000", "uid": "job", "ownerReferences": owner}
        times = {"creationTimestamp": "2026-12-01T09:05:00Z", "resourceVersion": "1"}
        bench.controller.cache.put(JOBS, {"metadata": metadata | times, "status": {}})
        bench.kube.refusals = [
            {
                "metadata": {},
                "involvedObject": {"uid": "job"},
                "message": "exceeded quota",
                "lastTimestamp": "2026-12-01T10:04:00Z",
            }
        ]
        bench.kube.writes.clear()
        return bench

    async def test_events_are_asked_for_and_the_status_has_their_words(self, stuck: Bench) -> None:
        await stuck.reconcile()
        assert stuck.kube.reads == ["events team reason=FailedCreate"]
        assert stuck.ready["reason"] == "NotStarting"
        assert "exceeded quota" in stuck.ready["message"]
        assert stuck.kube.writes == ["status hello"]
        assert stuck.controller.queue.due_in(HELLO) == pytest.approx(540, abs=1), "then it is ended"

    async def test_a_replica_that_does_not_lead_asks_nothing_and_ends_nothing(self, stuck: Bench) -> None:
        await stuck.reconcile()
        stuck.now += timedelta(minutes=10)
        stuck.leads = False
        stuck.kube.reads.clear()
        await stuck.reconcile()
        assert stuck.kube.reads == []
        assert stuck.kube.writes == ["status hello"]

    async def test_it_is_ended_once_after_a_look_at_its_pods(self, stuck: Bench) -> None:
        await stuck.reconcile()
        stuck.now += timedelta(minutes=10)
        for _ in range(2):
            await stuck.reconcile()
        assert stuck.kube.writes == ["status hello", "job hello-29400000"]
        assert stuck.kube.reads[-1] == "pods of hello-29400000"

    async def test_a_pod_that_started_in_that_very_moment_is_followed(self, stuck: Bench) -> None:
        await stuck.reconcile()
        stuck.now += timedelta(minutes=10)
        stuck.kube.pods = [{"status": {"containerStatuses": [{"name": "run", "state": {"running": {}}}]}}]
        await stuck.reconcile()
        assert stuck.kube.writes == ["status hello"]

    async def test_one_that_changed_meanwhile_is_left_to_the_next_reconciliation(self, stuck: Bench) -> None:
        await stuck.reconcile()
        stuck.now += timedelta(minutes=10)
        stuck.kube.fail = [Conflict(409, "the object has been modified")]
        await stuck.reconcile()
        await stuck.reconcile()
        assert stuck.kube.writes == ["status hello", "job hello-29400000"]

    async def test_without_the_right_to_end_it_the_rest_goes_on(self, stuck: Bench) -> None:
        await stuck.reconcile()
        stuck.now += timedelta(minutes=10)
        stuck.kube.fail = [Refused(403, "jobs.batch is forbidden")]
        await stuck.reconcile()
        assert stuck.controller.queue.due_in(HELLO) == pytest.approx(60, abs=1)
