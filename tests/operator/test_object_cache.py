"""The operator's picture: whose a Job is, what is kept of what is gone, and what must not come back."""

from typing import Any

from graphcron.operator.object_cache import CRON_JOBS, GRAPHCRONS, JOBS, PODS, Name, Seen

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


def full() -> Seen:
    """A GraphCron with CronJob, a Job and a pod."""
    seen = Seen()
    assert seen.put(GRAPHCRONS, thing("hello", "g")) == HELLO
    assert seen.put(CRON_JOBS, thing("hello", "c", "g")) == HELLO
    assert seen.put(JOBS, thing("hello-1", "j", "c")) == HELLO
    assert seen.put(PODS, thing("hello-1-x", "p", "j")) == HELLO
    return seen


def names(seen: Seen) -> tuple[list[str], list[str]]:
    observed = seen.of(HELLO)
    assert observed
    return (
        [job["metadata"]["name"] for job in observed.jobs],
        [pod["metadata"]["name"] for pod in observed.pods],
    )


def test_jobs_and_pods_lead_to_their_graphcron() -> None:
    assert names(full()) == (["hello-1"], ["hello-1-x"])


def test_the_runs_of_a_deleted_namesake_are_none_of_ours() -> None:
    seen = full()
    seen.drop(GRAPHCRONS, thing("hello", "g"))
    seen.put(GRAPHCRONS, thing("hello", "g2", version=9))
    assert names(seen) == ([], [])


def test_the_newer_of_two_copies_counts() -> None:
    seen = full()
    seen.put(GRAPHCRONS, thing("hello", "g", version=10, spec="new"))
    seen.put(GRAPHCRONS, thing("hello", "g", version=9, spec="old"))
    observed = seen.of(HELLO)
    assert observed
    assert observed.graphcron["spec"] == "new"


def test_an_answer_that_comes_after_the_deletion_brings_nothing_back() -> None:
    seen = full()
    seen.drop(GRAPHCRONS, thing("hello", "g", version=5))
    seen.put(GRAPHCRONS, thing("hello", "g", version=4))
    assert seen.of(HELLO) is None


def test_the_news_of_an_old_deletion_leaves_the_namesake() -> None:
    seen = full()
    seen.put(GRAPHCRONS, thing("hello", "g2", version=9))
    seen.drop(GRAPHCRONS, thing("hello", "g", version=5))
    assert seen.of(HELLO)


def test_a_job_that_is_gone_stays_until_its_outcome_was_told() -> None:
    seen = full()
    ended = {"conditions": [{"type": "Failed", "status": "True"}]}
    seen.drop(PODS, thing("hello-1-x", "p", "j", version=2))
    seen.drop(JOBS, thing("hello-1", "j", "c", version=3, status=ended))
    assert names(seen) == (["hello-1"], ["hello-1-x"])
    seen.told(HELLO)
    assert names(seen) == ([], [])


def test_a_pod_that_is_gone_stays_while_its_job_runs() -> None:
    """The Job controller deletes the pod of an overdue Job first, and says afterwards that the Job has failed."""
    seen = full()
    seen.drop(PODS, thing("hello-1-x", "p", "j", version=2))
    seen.told(HELLO)
    assert names(seen) == (["hello-1"], ["hello-1-x"])
    seen.put(JOBS, thing("hello-1", "j", "c", version=3, status={"conditions": [{"type": "Failed", "status": "True"}]}))
    seen.told(HELLO)
    assert names(seen) == (["hello-1"], [])


def test_nothing_is_kept_of_what_is_gone() -> None:
    seen = full()
    for shelf, name, uid in ((PODS, "hello-1-x", "p"), (JOBS, "hello-1", "j"), (CRON_JOBS, "hello", "c")):
        seen.drop(shelf, thing(name, uid, version=7))
    seen.drop(GRAPHCRONS, thing("hello", "g", version=8))
    seen.told(HELLO)
    assert len(seen) == 0


def test_graphcrons_are_counted_by_state_whatever_came_and_went() -> None:
    def told(name: str, uid: str, version: int, reason: str | None) -> dict[str, Any]:
        manifest = thing(name, uid, version=version)
        manifest["metadata"]["generation"] = 1
        condition = {"type": "Ready", "reason": reason}
        return manifest | ({"status": {"observedGeneration": 1, "conditions": [condition]}} if reason else {})

    seen = full()
    assert +seen.states() == {"pending": 1}
    seen.put(GRAPHCRONS, told("hello", "g", 2, "Scheduled"))
    seen.put(GRAPHCRONS, told("other", "o", 3, "Paused"))
    assert +seen.states() == {"ready": 1, "suspended": 1}
    seen.put(GRAPHCRONS, told("hello", "g", 1, None))  # older than what is here
    seen.put(GRAPHCRONS, told("hello", "g", 4, "Expired"))
    assert +seen.states() == {"expired": 1, "suspended": 1}
    seen.drop(GRAPHCRONS, told("other", "another uid", 5, None))
    seen.drop(GRAPHCRONS, told("hello", "g", 6, None))
    seen.put(GRAPHCRONS, told("hello", "g", 7, "Scheduled"))  # an answer that comes after the deletion
    assert +seen.states() == {"suspended": 1}
    assert seen.drop_missing(GRAPHCRONS, set(), version=9) == {("team", "other")}
    assert not +seen.states()


def test_of_jobs_and_pods_no_copy_of_the_input_is_kept() -> None:
    seen = Seen()
    seen.put(GRAPHCRONS, thing("hello", "g"))
    seen.put(CRON_JOBS, thing("hello", "c", "g"))
    seen.put(JOBS, thing("hello-1", "j", "c", spec={"template": "x" * 1000}))
    observed = seen.of(HELLO)
    assert observed
    assert "spec" not in observed.jobs[0]


def test_what_a_list_lacks_is_dropped_unless_it_is_newer_than_the_list() -> None:
    seen = full()
    seen.put(
        CRON_JOBS,
        {
            **thing("other", "c2", "g2", version=20),
            "metadata": {
                **thing("other", "c2", "g2", version=20)["metadata"],
                "labels": {"graphcron.dev/graphcron": "other"},
            },
        },
    )
    assert seen.drop_missing(CRON_JOBS, set(), version=10) == {HELLO}
    assert seen.drop_missing(CRON_JOBS, set(), version=10) == set()


def test_the_very_version_that_is_here_is_no_news_and_any_other_is() -> None:
    seen = Seen()
    known = {"metadata": {"name": "hello", "namespace": "team", "uid": "u", "resourceVersion": "7"}}
    assert not seen.is_known(GRAPHCRONS, known)
    seen.put(GRAPHCRONS, known)
    assert seen.is_known(GRAPHCRONS, known)
    for other in ({"resourceVersion": "8"}, {"uid": "v"}, {"name": "other"}):
        assert not seen.is_known(GRAPHCRONS, {"metadata": known["metadata"] | other})
    seen.drop(GRAPHCRONS, known)
    assert not seen.is_known(GRAPHCRONS, known)
