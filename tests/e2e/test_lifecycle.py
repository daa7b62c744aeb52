"""A release's life: install, upgrade and rollback in a storm of firings, uninstall, reinstall.

The tests go through it in order. It lives in a namespace that enforces Pod Security `restricted`, and it has the CRD:
that is handed over to it, and back.

Nothing was released yet. What is called the previous version here is this chart with an older version number and a CRD
that lacks one field, on the same image: it shows that upgrades and rollbacks reach everything, and not that two
releases of the program get along.
"""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from langgraph_sdk import get_sync_client

from cluster import deploy
from cluster.paths import HERE
from examples.demo import flow
from examples.demo.session import Session, wait_for
from tests.e2e.conftest import CRD, CRDS
from tests.support.manifests import graphcron, ready

NAMESPACE = RELEASE = "lifecycle"
NAME = f"{RELEASE}-graphcron"
NEW_FIELD = "failedRunsHistoryLimit"
"""The field that the previous CRD lacks. All tests of a cluster share its CRD, so it is one that no other test sets."""

STORM = 50
"""GraphCrons that fire every minute, at the same second."""

SLOTS = 2
"""Firings of each: one during the upgrade, one during the rollback."""


def helm(*words: str | Path) -> str:
    return deploy.helm(HERE, *words, "--namespace", NAMESPACE)


def install(chart: Path, *more: str) -> None:
    """Install or upgrade, with more words for helm."""
    values = ("--set", f"agentServer.url={deploy.AGENT_SERVER_URL}", "--set", "image.tag=dev", *more)
    helm("upgrade", "--install", RELEASE, chart, *values, "--set", "facade.auth.mode=open,scope=namespace", "--wait")


def give_crds_to(release: str, namespace: str) -> None:
    """As Helm's documentation hands objects from one release to another."""
    owner = (f"meta.helm.sh/release-name={release}", f"meta.helm.sh/release-namespace={namespace}")
    deploy.kubectl(HERE, "annotate", "--overwrite", "crd", *CRDS, *owner)


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chart = tmp_path_factory.mktemp("previous") / "graphcron"
    shutil.copytree(current(), chart)
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about | {"version": "0.0.9", "appVersion": "0.0.9"}))
    crd = yaml.safe_load((chart / "files/graphcrons.yaml").read_text())
    del crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"][NEW_FIELD]
    (chart / "files/graphcrons.yaml").write_text(yaml.safe_dump(crd))
    return chart


def current() -> Path:
    return HERE.root / deploy.CHART


@pytest.fixture(scope="module")
def life(cluster: None, previous: Path) -> Iterator[Session]:
    """The previous version, installed."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    own = Session(NAMESPACE)
    deploy.kubectl(HERE, "delete", "namespace", NAMESPACE, "--ignore-not-found")  # of tests that were killed
    try:
        give_crds_to(RELEASE, NAMESPACE)
        own.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
        install(previous)
        yield own
    finally:
        helm("uninstall", RELEASE, "--ignore-not-found", "--wait")
        own.kubectl("delete", "namespace", NAMESPACE, "--timeout=120s")
        give_crds_to(deploy.RELEASE, deploy.NAMESPACE)


def crd_fields() -> set[str]:
    crd = json.loads(deploy.kubectl(HERE, "get", "crd", CRD, "-o", "json"))
    return set(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"])


def charts(life: Session) -> set[str]:
    """Version labels of the release's running pods."""
    pods = life.get("pods", "-l", f"app.kubernetes.io/instance={RELEASE}", "--field-selector=status.phase=Running")
    return {pod["metadata"]["labels"]["helm.sh/chart"] for pod in pods if not pod["metadata"].get("deletionTimestamp")}


def identities(life: Session) -> dict[str, str]:
    """Of all GraphCrons and CronJobs: what was deleted and made again has another one."""
    return {f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["uid"] for item in owned(life)}


def owned(life: Session) -> list[dict[str, Any]]:
    return life.get("graphcrons,cronjobs")


def await_time(moment: datetime) -> None:
    wait_for(f"the clock to say {moment}", lambda: datetime.now(UTC) >= moment, 120, 0.2)


def test_what_the_previous_version_made_works_where_restricted_is_enforced(life: Session) -> None:
    assert "Phase:          Succeeded" in helm("test", RELEASE)
    assert NEW_FIELD not in crd_fields()
    assert charts(life) == {"graphcron-0.0.9"}
    life.apply(graphcron("steady", schedule="* * * * *", input=flow.asking("still there?")))
    ready(life, "steady")


def test_an_upgrade_and_a_rollback_in_a_storm_of_firings_lose_none_and_double_none(life: Session) -> None:
    """Counted twice: by the firings that GraphCrons tell, and by the runs that the Agent Server has on the thread of
    each. A slot is a Job's name, and a Job is a thread, so there is no other place for a second run of a firing."""
    before = identities(life)
    wait_for("enough of this minute to be left", lambda: datetime.now(UTC).second < 35, 60)
    first = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    slots = [(first + timedelta(minutes=n)).strftime("%Y-%m-%dT%H:%M:%SZ") for n in range(SLOTS + 1)]
    when = {"schedule": "* * * * *", "startTime": slots[0], "endTime": slots[SLOTS]}
    names = [f"storm-{n}" for n in range(STORM)]
    life.apply(*(graphcron(name, input=flow.asking(name), onRunCompleted="keep", **when) for name in names))
    ready(life, *names)
    assert datetime.now(UTC) < first, "all of them before their first firing, or the count would prove nothing"

    await_time(first - timedelta(seconds=3))
    install(current())
    assert NEW_FIELD in crd_fields()
    assert charts(life) != {"graphcron-0.0.9"}
    await_time(first + timedelta(seconds=57))
    helm("rollback", RELEASE, "1", "--wait")
    assert NEW_FIELD not in crd_fields()
    assert charts(life) == {"graphcron-0.0.9"}

    def told() -> dict[str, Any] | None:
        """Name to what it tells of its firings, when all of them are over."""
        found = {item["metadata"]["name"]: item for item in life.get("graphcrons") if item["metadata"]["name"] in names}
        over = [len(item["status"].get("history", [])) >= SLOTS for item in found.values()]
        return found if len(over) == STORM and all(over) else None

    found = wait_for("the storm to be over", told, 240, 3)
    for item in found.values():
        history = [(entry["scheduledTime"], entry["outcome"]) for entry in item["status"]["history"]]
        assert sorted(history) == [(slot, "Succeeded") for slot in slots[:SLOTS]]
    with Session().forward("service/agent-server", 80) as url, get_sync_client(url=url) as agent_server:
        fired = [entry for item in found.values() for entry in item["status"]["history"]]
        assert len({entry["threadId"] for entry in fired}) == STORM * SLOTS
        for entry in fired:
            assert [run["run_id"] for run in agent_server.runs.list(entry["threadId"])] == [entry["runId"]]
    after = identities(life)
    assert before == {name: after.get(name) for name in before}
    life.kubectl("delete", "graphcrons", *names)


def test_the_upgraded_crd_takes_what_it_has_new(life: Session) -> None:
    install(current())
    assert NEW_FIELD in crd_fields()
    life.apply(graphcron("new-field", **{NEW_FIELD: 3}))
    ready(life, "new-field")
    assert (life.one("graphcron", "new-field") or {})["spec"][NEW_FIELD] == 3
    assert "Phase:          Succeeded" in helm("test", RELEASE)


PLATFORMS_USER = 1000680000
"""As OpenShift gives a namespace its ids: no image knows it."""


def test_all_pods_work_as_a_user_that_the_platform_chooses(life: Session) -> None:
    """Which namespaces' platforms do by admission; here the chart says it, so that Kubernetes' own does."""
    users = json.dumps({"runAsUser": PLATFORMS_USER, "runAsGroup": None, "fsGroup": None})
    contexts = [("--set-json", f"{name}={users}") for name in ("podSecurityContext", "runs.podSecurityContext")]
    install(current(), *(word for context in contexts for word in context))
    life.apply(graphcron("foreign-user", input=flow.asking("who am I?")))
    ready(life, "foreign-user")
    life.kubectl("create", "job", "as-platform", "--from=cronjob/foreign-user")

    def outcome() -> str | None:
        told = (life.one("graphcron", "foreign-user") or {}).get("status", {}).get("history", [])
        return next((firing["outcome"] for firing in told if firing["jobName"] == "as-platform"), None)

    assert wait_for("the firing by hand", outcome, flow.FIRING_SECONDS) == "Succeeded"
    running = life.get("pods", "-l", f"app.kubernetes.io/instance={RELEASE}", "--field-selector=status.phase=Running")
    fired = life.get("pods", "-l", "batch.kubernetes.io/job-name=as-platform")
    pods = [
        pod["spec"]["securityContext"] for pod in (*running, *fired) if not pod["metadata"].get("deletionTimestamp")
    ]
    assert len(pods) >= 3
    assert {(pod["runAsUser"], pod.get("fsGroup")) for pod in pods} == {(PLATFORMS_USER, None)}
    life.kubectl("delete", "graphcron", "foreign-user")


def test_after_an_uninstall_crons_are_there_and_fire_and_nothing_else_of_the_release_is_left(life: Session) -> None:
    before = identities(life)
    helm("uninstall", RELEASE, "--wait")
    assert identities(life) == before
    assert left(life) == {
        f"serviceaccount/{NAME}-run",
        *(f"customresourcedefinition.apiextensions.k8s.io/{crd}" for crd in CRDS),
        *(f"clusterrole.rbac.authorization.k8s.io/{NAME}-{role}" for role in ("view", "edit")),
    }
    assert not [item["metadata"]["name"] for item in owned(life) if item["metadata"].get("finalizers")]
    uninstalled = datetime.now(UTC)

    def fired() -> bool:
        jobs = life.get("jobs", "-l", "graphcron.dev/graphcron=steady")
        made = [job for job in jobs if datetime.fromisoformat(job["metadata"]["creationTimestamp"]) > uninstalled]
        return any(job.get("status", {}).get("succeeded") for job in made)

    wait_for("a firing without a release", fired, flow.FIRING_SECONDS, 2)
    life.kubectl("delete", "graphcron", "new-field", "--timeout=20s")
    flow.gone(life, ["new-field"])


def left(life: Session) -> set[str]:
    """What there is in the namespace, GraphCrons and what they made and Kubernetes' own apart; and what has the
    release's label, cluster-wide."""
    kinds = deploy.kubectl(HERE, "api-resources", "--verbs=list", "-o", "name").split()
    own = {"graphcrons.graphcron.dev", "cronjobs.batch", "jobs.batch", "pods", "events", "events.events.k8s.io"}
    ask = ",".join(sorted({*kinds} - own - {"pods.metrics.k8s.io"}))
    labelled = deploy.kubectl(HERE, "get", ask, "-A", "-o", "name", "-l", f"app.kubernetes.io/instance={RELEASE}")
    spaced = deploy.kubectl(HERE, "api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    there = life.kubectl("get", ",".join(sorted({*spaced} - own - {"pods.metrics.k8s.io"})), "-o", "name")
    return {*labelled.split(), *there.split()} - {"configmap/kube-root-ca.crt", "serviceaccount/default"}


def test_a_reinstalled_release_takes_up_what_is_there_and_tells_of_what_was_fired_meanwhile(life: Session) -> None:
    before = identities(life)
    known = {entry["jobName"] for entry in history(life)}
    install(current())
    assert identities(life) == before
    wait_for("the operator to tell of it", lambda: {entry["jobName"] for entry in history(life)} - known, 60)
    assert {entry["outcome"] for entry in history(life)} == {"Succeeded"}
    assert "Phase:          Succeeded" in helm("test", RELEASE)


def history(life: Session) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = (life.one("graphcron", "steady") or {})["status"].get("history", [])
    return told
