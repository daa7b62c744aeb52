"""The object cache: which GraphCron a Job belongs to, what is kept of deleted objects, and what must not come back."""

import json
import tracemalloc
from typing import Any

from graphcron.kube.resources import CRON_JOBS, GRAPHCRONS, JOBS, LAST_APPLIED, PODS
from graphcron.operator.object_cache import Name, ObjectCache

HELLO: Name = ("team", "hello")
LABELS = {"graphcron.dev/graphcron": "hello", "batch.kubernetes.io/job-name": "hello-1"}


def thing(name: str, uid: str, owner: str | None = None, version: int = 1, **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "team",
        "uid": uid,
        "labels": LABELS,
        "resourceVersion": str(version),
    }
    if owner:
        metadata["ownerReferences"] = [{"uid": owner, "controller": True}]
    return {"metadata": metadata, **more}


def full() -> ObjectCache:
    """A GraphCron with CronJob, a Job and a pod."""
    cache = ObjectCache()
    assert cache.put(GRAPHCRONS, thing("hello", "g")) == HELLO
    assert cache.put(CRON_JOBS, thing("hello", "c", "g")) == HELLO
    assert cache.put(JOBS, thing("hello-1", "j", "c")) == HELLO
    assert cache.put(PODS, thing("hello-1-x", "p", "j")) == HELLO
    return cache


def names(cache: ObjectCache) -> tuple[list[str], list[str]]:
    observed = cache.of(HELLO)
    assert observed
    return (
        [job["metadata"]["name"] for job in observed.jobs],
        [pod["metadata"]["name"] for pod in observed.pods],
    )


def test_jobs_and_pods_lead_to_their_graphcron() -> None:
    assert names(full()) == (["hello-1"], ["hello-1-x"])


def test_the_runs_of_a_deleted_namesake_are_none_of_ours() -> None:
    cache = full()
    cache.drop(GRAPHCRONS, thing("hello", "g"))
    cache.put(GRAPHCRONS, thing("hello", "g2", version=9))
    assert names(cache) == ([], [])


def test_the_newer_of_two_copies_counts() -> None:
    cache = full()
    cache.put(GRAPHCRONS, thing("hello", "g", version=10, spec="new"))
    cache.put(GRAPHCRONS, thing("hello", "g", version=9, spec="old"))
    observed = cache.of(HELLO)
    assert observed
    assert observed.graphcron["spec"] == "new"


def test_an_answer_that_comes_after_the_deletion_brings_nothing_back() -> None:
    cache = full()
    cache.drop(GRAPHCRONS, thing("hello", "g", version=5))
    cache.put(GRAPHCRONS, thing("hello", "g", version=4))
    assert cache.of(HELLO) is None


def test_an_old_deletion_leaves_the_namesake() -> None:
    cache = full()
    cache.put(GRAPHCRONS, thing("hello", "g2", version=9))
    cache.drop(GRAPHCRONS, thing("hello", "g", version=5))
    assert cache.of(HELLO)


def test_a_deleted_job_stays_until_its_outcome_is_reported() -> None:
    cache = full()
    ended = {"conditions": [{"type": "Failed", "status": "True"}]}
    cache.drop(PODS, thing("hello-1-x", "p", "j", version=2))
    cache.drop(JOBS, thing("hello-1", "j", "c", version=3, status=ended))
    assert names(cache) == (["hello-1"], ["hello-1-x"])
    cache.reported(HELLO)
    assert names(cache) == ([], [])


def test_a_deletion_that_was_watched_has_its_time() -> None:
    """One that only a later list shows has none: how it was by then is not known."""
    cache = full()
    cache.drop(JOBS, thing("hello-1", "j", "c", version=3), "2026-12-01T11:00:00Z")
    observed = cache.of(HELLO)
    assert observed
    assert observed.jobs[0]["deletedAt"] == "2026-12-01T11:00:00Z"
    other = full()
    assert other.drop_missing(JOBS, set(), 9) == {HELLO}
    observed = other.of(HELLO)
    assert observed
    assert "deletedAt" not in observed.jobs[0]


def test_a_pod_that_is_gone_stays_while_its_job_runs() -> None:
    """The Job controller deletes the pod of an overdue Job first, and says afterwards that the Job has failed."""
    cache = full()
    cache.drop(PODS, thing("hello-1-x", "p", "j", version=2))
    cache.reported(HELLO)
    assert names(cache) == (["hello-1"], ["hello-1-x"])
    cache.put(
        JOBS, thing("hello-1", "j", "c", version=3, status={"conditions": [{"type": "Failed", "status": "True"}]})
    )
    cache.reported(HELLO)
    assert names(cache) == (["hello-1"], [])


def test_nothing_is_kept_of_what_is_gone() -> None:
    cache = full()
    for resource, name, uid in ((PODS, "hello-1-x", "p"), (JOBS, "hello-1", "j"), (CRON_JOBS, "hello", "c")):
        cache.drop(resource, thing(name, uid, version=7))
    cache.drop(GRAPHCRONS, thing("hello", "g", version=8))
    cache.reported(HELLO)
    assert len(cache) == 0


def test_graphcrons_are_counted_by_state_whatever_came_and_went() -> None:
    def reported(name: str, uid: str, version: int, types: str | None) -> dict[str, Any]:
        manifest = thing(name, uid, version=version)
        manifest["metadata"]["generation"] = 1
        conditions = [{"type": kind} for kind in types.split()] if types else []
        return manifest | ({"status": {"observedGeneration": 1, "conditions": conditions}} if types else {})

    cache = full()
    assert +cache.states() == {"pending": 1}
    cache.put(GRAPHCRONS, reported("hello", "g", 2, "Ready"))
    cache.put(GRAPHCRONS, reported("other", "o", 3, "Ready Suspended"))
    assert +cache.states() == {"ready": 1, "suspended": 1}
    cache.put(GRAPHCRONS, reported("hello", "g", 1, None))  # older than what is here
    cache.put(GRAPHCRONS, reported("hello", "g", 4, "Ready Suspended Expired"))
    assert +cache.states() == {"expired": 1, "suspended": 1}
    cache.drop(GRAPHCRONS, reported("other", "another uid", 5, None))
    cache.drop(GRAPHCRONS, reported("hello", "g", 6, None))
    cache.put(GRAPHCRONS, reported("hello", "g", 7, "Ready"))  # an answer that comes after the deletion
    assert +cache.states() == {"suspended": 1}
    assert cache.drop_missing(GRAPHCRONS, set(), version=9) == {("team", "other")}
    assert not +cache.states()


def test_it_counts_the_graphcrons_that_are_not_as_expected() -> None:
    def reported(version: int, *types: str) -> dict[str, Any]:
        conditions = [{"type": kind, "lastTransitionTime": "2026-12-01T10:00:00Z"} for kind in types]
        return thing("hello", "g", version=version) | {"status": {"conditions": conditions}}

    cache = ObjectCache()
    for version, types in enumerate((("Ready",), ("Ready", "Overdue", "Slow"), ("Ready", "Overdue")), 1):
        cache.put(GRAPHCRONS, reported(version, *types))
        assert set(+cache.unmet()) == set(types) - {"Ready"}
    cache.put(GRAPHCRONS, thing("other", "o") | {"status": {"conditions": ["forged"]}})
    assert +cache.unmet() == {"Overdue": 1}
    cache.drop(GRAPHCRONS, reported(9))
    assert not +cache.unmet()


def test_of_jobs_and_pods_no_copy_of_the_input_is_kept() -> None:
    cache = ObjectCache()
    cache.put(GRAPHCRONS, thing("hello", "g"))
    cache.put(CRON_JOBS, thing("hello", "c", "g"))
    cache.put(
        JOBS,
        thing(
            "hello-1", "j", "c", spec={"template": {"metadata": {"annotations": {"graphcron.dev/order": "x" * 1000}}}}
        ),
    )
    observed = cache.of(HELLO)
    assert observed
    assert "spec" not in observed.jobs[0]


def test_what_made_a_job_is_kept() -> None:
    cache = full()
    template = {"metadata": {"annotations": {"graphcron.dev/trigger": "Backfill", "graphcron.dev/order": "{}"}}}
    cache.put(JOBS, thing("hello-1", "j", "c", version=2, spec={"template": template}))
    observed = cache.of(HELLO)
    assert observed
    kept = {"template": {"metadata": {"annotations": {"graphcron.dev/trigger": "Backfill"}}}}
    assert observed.jobs[0]["spec"] == kept


def test_what_a_list_lacks_is_dropped_unless_it_is_newer_than_the_list() -> None:
    cache = full()
    cache.put(
        CRON_JOBS,
        {
            **thing("other", "c2", "g2", version=20),
            "metadata": {
                **thing("other", "c2", "g2", version=20)["metadata"],
                "labels": {"graphcron.dev/graphcron": "other"},
            },
        },
    )
    assert cache.drop_missing(CRON_JOBS, set(), version=10) == {HELLO}
    assert cache.drop_missing(CRON_JOBS, set(), version=10) == set()


def test_only_the_version_that_is_cached_is_known() -> None:
    cache = ObjectCache()
    known = {"metadata": {"name": "hello", "namespace": "team", "uid": "u", "resourceVersion": "7"}}
    assert not cache.is_known(GRAPHCRONS, known)
    cache.put(GRAPHCRONS, known)
    assert cache.is_known(GRAPHCRONS, known)
    for other in ({"resourceVersion": "8"}, {"uid": "v"}, {"name": "other"}):
        assert not cache.is_known(GRAPHCRONS, {"metadata": known["metadata"] | other})
    cache.drop(GRAPHCRONS, known)
    assert not cache.is_known(GRAPHCRONS, known)


def test_of_a_graphcron_that_is_too_large_to_run_its_outline_is_kept() -> None:
    huge = thing("hello", "g", spec={"schedule": "* * * * *", "input": [{}] * 400_000}, status={"active": 1})
    cache = ObjectCache()
    cache.put(GRAPHCRONS, huge)
    observed = cache.of(HELLO)
    assert observed
    assert observed.graphcron["oversize"]
    assert observed.graphcron["spec"] == {"schedule": "* * * * *"}
    assert observed.graphcron["status"] == {"active": 1}
    assert cache.is_known(GRAPHCRONS, huge)


def test_what_kubectl_keeps_for_itself_does_not_count() -> None:
    applied = thing("hello", "g", spec={"input": "x" * 250_000})
    applied["metadata"]["annotations"] = {LAST_APPLIED: json.dumps({"input": '"' * 250_000}), "team": "blue"}
    cache = ObjectCache()
    cache.put(GRAPHCRONS, applied)
    observed = cache.of(HELLO)
    assert observed
    assert observed.graphcron["spec"] == applied["spec"]
    assert observed.graphcron["metadata"]["annotations"] == {"team": "blue"}


def test_what_others_label_as_ours_takes_little() -> None:
    """Whoever may make pods and CronJobs may give them our labels, and more labels than fit into memory."""
    cache = full()
    many = {f"label-{number}": "" for number in range(50_000)}
    pod = thing("theirs", "p2", "x")
    pod["metadata"]["labels"] = LABELS | many
    for number in range(20):
        cache.put(PODS, pod | {"metadata": pod["metadata"] | {"name": f"theirs-{number}"}})
        cache.put(CRON_JOBS, thing(f"theirs-{number}", f"c{number}", "g", spec={"many": [{}] * 50_000}))
    tracemalloc.start()
    try:
        assert names(cache) == (["hello-1"], ["hello-1-x"])
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
