"""The Jobs that are written: those of requests, and the end of those that do not start."""

from datetime import timedelta
from typing import Any, cast

import pytest

from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, KubeError, NotFound, Refused
from graphcron.kube.resources import GRAPHCRONS, JOBS
from graphcron.operator.job_writer import JobWriter
from graphcron.operator.object_cache import ObjectCache
from graphcron.operator.observed import Observed
from tests.support.cluster_memory import MemoryCluster
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

    async def test_a_job_that_its_controller_forgot_is_touched_now_and_then(self, stuck: Bench) -> None:
        stuck.kube.refusals = []
        await stuck.reconcile()
        assert stuck.ready["reason"] == "NotStarting"
        assert stuck.kube.writes == ["status hello", "touch of hello-29400000"]
        assert stuck.controller.queue.due_in(HELLO) == pytest.approx(120, abs=1)
        await stuck.reconcile()
        assert len(stuck.kube.writes) == 2, "once"
        stuck.now += timedelta(minutes=2)
        await stuck.reconcile()
        assert stuck.kube.writes[2:] == ["touch of hello-29400000"]

    @pytest.mark.parametrize("error", [Conflict(409, "a namesake"), NotFound(404, "gone"), Refused(403, "no")])
    async def test_one_that_cannot_be_touched_holds_nothing_up(self, stuck: Bench, error: KubeError) -> None:
        stuck.kube.refusals = []
        await stuck.reconcile()
        stuck.now += timedelta(minutes=2)
        stuck.kube.fail = [error]
        await stuck.reconcile()
        assert stuck.kube.fail == []

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


class TestRequested:
    """Somebody asks for a run of a GraphCron that works."""

    @pytest.fixture
    async def asked(self, bench: Bench) -> Bench:
        bench.make()
        await bench.reconcile()
        self.ask(bench, "one")
        bench.kube.writes.clear()
        return bench

    @staticmethod
    def ask(bench: Bench, token: str) -> None:
        bench.kube.graphcrons["hello"]["metadata"]["annotations"] = {"graphcron.dev/run-requested": token}
        bench.controller.cache.put(GRAPHCRONS, bench.kube.touch("hello"))

    @staticmethod
    def last(bench: Bench) -> dict[str, Any]:
        found: dict[str, Any] = bench.kube.graphcrons["hello"]["status"]["lastRequest"]
        return found

    async def test_its_job_is_made_before_the_status_says_so(self, asked: Bench) -> None:
        await asked.reconcile()
        assert asked.kube.writes == [f"new job {self.last(asked)['jobName']}", "status hello"]
        assert asked.kube.graphcrons["hello"]["status"]["active"] == 1, "before its event comes"
        await asked.reconcile()
        assert len(asked.kube.writes) == 2

    async def test_one_that_is_there_already_is_the_one_that_was_asked_for(self, asked: Bench) -> None:
        """The operator died before it could record it."""
        asked.kube.fail = [Conflict(409, "already exists")]
        await asked.reconcile()
        assert asked.kube.writes == ["status hello"]
        assert self.last(asked)["outcome"] == "Started"

    async def test_what_the_cluster_refuses_is_the_answer(self, asked: Bench) -> None:
        asked.kube.fail = [Refused(403, "exceeded quota")]
        await asked.reconcile()
        assert (self.last(asked)["outcome"], self.last(asked)["reason"]) == ("Refused", "JobRefused")
        assert "exceeded quota" in self.last(asked)["message"]

    async def test_it_is_the_leader_who_makes_it(self, asked: Bench) -> None:
        asked.leads = False
        await asked.reconcile()
        assert asked.kube.writes == []
        asked.leads = True
        asked.controller.requeue_skipped()
        await asked.reconcile()
        assert len(asked.kube.writes) == 2

    async def test_with_replace_those_that_run_end_first(self, asked: Bench) -> None:
        await asked.reconcile()
        running = self.last(asked)["jobName"]
        asked.edit({"schedule": "0 * * * *", "assistantId": "agent", "concurrencyPolicy": "Replace"})
        await asked.reconcile()
        self.ask(asked, "two")
        asked.kube.writes.clear()
        await asked.reconcile()
        assert asked.kube.writes == [f"job {running}", f"new job {self.last(asked)['jobName']}", "status hello"]


@pytest.mark.parametrize("error", [Conflict(409, "a namesake"), NotFound(404, "gone"), Refused(403, "forbidden")])
async def test_one_surplus_job_that_stays_keeps_no_other(error: KubeError) -> None:
    kube = MemoryCluster()
    graphcron = kube.make("hello", successfulRunsHistoryLimit=0)
    done = {"conditions": [{"type": "Complete", "status": "True"}]}
    made = owned_by(graphcron) | {"creationTimestamp": "2026-12-01T10:00:00Z"}
    jobs = tuple({"metadata": made | {"name": name}, "status": done} for name in ("a", "b"))
    kube.fail = [error]
    writer = JobWriter(cast("Kube", kube), ObjectCache(), lambda: True)
    await writer.remove_surplus(HELLO, Observed(graphcron, None, jobs))
    assert kube.writes == ["expiry of b"]
