"""Where a command looks, and the one sentence that it says when it cannot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from graphcron.commands.cluster import NO_CRD, Failed, Place, UserKube, alike
from graphcron.kube.errors import KubeError, NoCluster, NotFound, Refused, Unavailable
from graphcron.kube.resources import Resource

Manifest = dict[str, Any]


def named(name: str, namespace: str = "team", made: str = "") -> Manifest:
    return {"metadata": {"name": name, "namespace": namespace, "creationTimestamp": made}}


class Answers:
    """Stands in for the cluster; `fail` is what each question meets."""

    def __init__(self) -> None:
        self.fail: Exception | None = None
        self.crd = True
        self.found: list[Manifest] = [named("report")]
        self.asked: list[Any] = []
        self.context: str | None = None

    def _ask(self, *question: Any) -> None:
        self.asked.append(question)
        if self.fail:
            raise self.fail

    async def get_graphcron(self, namespace: str, name: str) -> Manifest:
        self._ask("get", namespace, name)
        for one in self.found:
            if one["metadata"]["name"] == name:
                return one
        raise NotFound(404, "not found")

    async def get_cron_job(self, namespace: str, name: str) -> Manifest:
        self._ask("get CronJob", namespace, name)
        raise NotFound(404, "not found")

    async def serves_graphcrons(self) -> bool:
        return self.crd

    async def merge(self, namespace: str, name: str, body: Manifest) -> Manifest:
        self._ask("merge", namespace, name)
        return body

    async def pages(
        self, resource: Resource, namespace: str | None, selector: str
    ) -> AsyncIterator[tuple[list[Manifest], int]]:
        self._ask(str(resource), selector, namespace)
        for one in self.found:
            yield [one], 1


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Answers:
    answers = Answers()

    @asynccontextmanager
    async def connect(context: str | None) -> AsyncIterator[tuple[Answers, str]]:
        answers.context = context
        yield answers, "kubeconfig's"

    monkeypatch.setattr(UserKube, "connect_as_user", connect)
    return answers


@pytest.mark.parametrize(
    ("place", "namespace"),
    [(Place(), "kubeconfig's"), (Place("team"), "team"), (Place("team", everywhere=True), None)],
)
def test_it_looks_where_kubectl_would(cluster: Answers, place: Place, namespace: str | None) -> None:
    place.graphcrons("team=a")
    assert cluster.asked == [("graphcrons", "team=a", namespace)]


def test_a_context_is_handed_on(cluster: Answers) -> None:
    Place(context="other").graphcrons()
    assert cluster.context == "other"


def test_graphcrons_come_by_namespace_and_name(cluster: Answers) -> None:
    cluster.found = [named("b", "x"), named("a", "y"), named("a", "x")]
    found = [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in Place(everywhere=True).graphcrons()]
    assert found == [("x", "a"), ("x", "b"), ("y", "a")]


def test_run_pods_come_by_age_and_by_the_label_of_their_graphcron(cluster: Answers) -> None:
    cluster.found = [named("late", made="2026-12-01T11:00:00Z"), named("early", made="2026-12-01T10:00:00Z")]
    assert [one["metadata"]["name"] for one in Place("team").pods("report")] == ["early", "late"]
    assert cluster.asked == [("pods", "graphcron.dev/graphcron=report", "team")]


SENTENCES: dict[str, tuple[Exception, str]] = {
    "no answer": (Unavailable(0, "the Kubernetes API does not answer: no"), "the Kubernetes API does not answer: no"),
    "too many": (Unavailable(429, "too many requests"), "the cluster cannot answer now: too many requests"),
    "no CRD": (NotFound(404, "the server could not find it"), NO_CRD),
    "forbidden": (Refused(403, "graphcrons is forbidden"), "you may not do this: graphcrons is forbidden"),
    "invalid": (Refused(422, "spec.schedule: no"), "spec.schedule: no"),
    "another": (KubeError(418, "a teapot"), "a teapot"),
    "no kubeconfig": (NoCluster("this command needs a kubeconfig"), "this command needs a kubeconfig"),
}


@pytest.mark.parametrize(("error", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_each_failure_is_a_sentence(cluster: Answers, error: Exception, sentence: str) -> None:
    cluster.fail = error
    with pytest.raises(Failed) as failed:
        Place().graphcrons()
    assert str(failed.value) == sentence


def test_a_name_that_is_none_is_told_with_its_namespace(cluster: Answers) -> None:
    with pytest.raises(Failed, match=r"^namespace team has no GraphCron 'typo'\. 'graphcron list -A' "):
        Place("team").graphcron("typo")


UUID = "01a20527-c6d8-78ac-9a30-8df9de5583bc"
TITLED: Manifest = {"metadata": {"name": UUID}, "spec": {"metadata": {"name": "Morning News"}}}


@pytest.mark.parametrize(
    ("name", "guess"),
    [("reporrt", "'report'"), ("Report", "'report'"), ("morning news", f"'{UUID}'"), ("x", "")],
)
def test_a_name_that_is_none_may_be_a_slip_or_a_title(name: str, guess: str) -> None:
    assert alike(name, [named("report"), named("another"), TITLED]) == guess


def test_who_may_not_list_is_told_without_a_guess(cluster: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answers, "pages", forbidden)
    with pytest.raises(Failed, match=r"has no GraphCron 'reporrt'\. 'graphcron list"):
        Place("team").graphcron("reporrt")


async def forbidden(*_: Any) -> AsyncIterator[Any]:
    raise Refused(403, "graphcrons is forbidden")
    yield


def test_a_cluster_without_the_crd_has_no_such_name_either_and_that_is_told(cluster: Answers) -> None:
    cluster.crd = False
    with pytest.raises(Failed, match=r"the CRD is not installed\. 'helm install' brings it\.$"):
        Place("team").graphcron("typo")


def test_nothing_is_patched_that_is_not_there(cluster: Answers) -> None:
    assert Place("team").patch("report", {"spec": {}}) == {"spec": {}}
    with pytest.raises(Failed, match="no GraphCron 'typo'"):
        Place("team").patch("typo", {"spec": {}})
    assert ("merge", "team", "typo") not in cluster.asked


def test_a_graphcron_without_its_cronjob_is_an_answer(cluster: Answers) -> None:
    assert Place("team").with_cron_job("report") == (named("report"), None)
