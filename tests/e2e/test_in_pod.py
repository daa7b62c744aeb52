"""Firings that run their graph in the pod: in an image that has nothing of ours, with no Agent Server."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import deploy, images
from cluster.errors import ClusterError
from cluster.paths import HERE
from examples.demo import flow
from examples.demo.session import Session, curl, wait_for
from tests.e2e.conftest import release
from tests.support.manifests import graphcron, ready

IMAGE = "graphcron/example-in-pod:dev"
IN_POD: dict[str, Any] = {"engine": "inPod", "image": IMAGE}
EXAMPLE: list[dict[str, Any]] = list(yaml.safe_load_all((HERE.root / "examples/in-pod/graphcron.yaml").read_text()))
THREAD: str = EXAMPLE[-1]["spec"]["threadId"]
EVERY_MINUTE = "* * * * *"

MESSAGES = """
import json, sys
from langgraph.checkpoint.sqlite import SqliteSaver
with SqliteSaver.from_conn_string("/checkpoints/threads.sqlite") as saver:
    found = saver.get_tuple({"configurable": {"thread_id": sys.argv[1]}})
    print(json.dumps([message.content for message in found.checkpoint["channel_values"]["messages"]]))
"""


@pytest.fixture(scope="module")
def in_pod(session: Session) -> Iterator[Session]:
    """A release that lets the example's image run, and a volume for its threads."""
    deploy.load({"in-pod": images.build("in-pod")})
    permit(session, "graphcron/example-in-pod:*")
    claim = json.loads(json.dumps(EXAMPLE[1]))
    folder = HERE.state / "in-pod-threads"
    if not session.get("storageclasses"):
        # Neither the local cluster nor a kind one of our own node image has any: a folder of the cluster's own will do.
        if folder.exists():
            shutil.rmtree(folder)  # of another run of these tests in the same cluster
        folder.mkdir(parents=True)
        session.apply(volume(session, on_node(folder)))
        claim["spec"] |= {"storageClassName": "", "volumeName": "in-pod-threads"}
    session.apply(EXAMPLE[0], claim)
    session.apply(graphcron("runs", schedule=EVERY_MINUTE, input=flow.asking("alone?"), **IN_POD))
    yield session
    session.kubectl("delete", "graphcrons", "--all", "--wait=true")
    session.kubectl("delete", "pods", "-l", "app.kubernetes.io/managed-by=graphcron", "--wait=true")
    session.kubectl("delete", "pod", "reader", "--ignore-not-found")
    session.kubectl("delete", "pvc", "in-pod-threads", "--wait=true")
    session.kubectl("delete", "pv", "in-pod-threads", "--ignore-not-found")
    release(session)


def permit(session: Session, images: str) -> None:
    """A release that lets these images run and no others."""
    words = ("upgrade", deploy.RELEASE, HERE.root / deploy.CHART, "--namespace", session.namespace)
    sets = ("--set", f"runs.inPod.images[0]={images}")
    deploy.helm(HERE, *words, "--reset-then-reuse-values", *sets, "--wait", "--timeout", "120s")


def on_node(folder: Path) -> Path:
    """Where the node has this folder of the cluster's state: the node of a local cluster is this machine."""
    kind = HERE.kind_file.read_text().strip() == "kind"
    return Path("/graphcron") / folder.relative_to(HERE.state) if kind else folder


def volume(session: Session, folder: Path) -> dict[str, Any]:
    """A folder of the node, as a volume that is no hostPath of a pod."""
    (node,) = session.get("nodes")
    on = [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node["metadata"]["name"]]}]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "in-pod-threads"},
        "spec": {
            "capacity": {"storage": "64Mi"},
            "accessModes": ["ReadWriteOnce"],
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": on}]}},
        },
    }


def fire(session: Session, name: str, job: str) -> dict[str, Any]:
    """What a firing by hand leaves in the history."""
    session.kubectl("create", "job", job, f"--from=cronjob/{name}")

    def over() -> dict[str, Any] | None:
        told = (session.one("graphcron", name) or {}).get("status", {}).get("history", [])
        return next((firing for firing in told if firing["jobName"] == job), None)

    return wait_for(f"Job {job}", over, 120)


def test_it_fires_and_fails_as_the_other_engine_does(in_pod: Session) -> None:
    in_pod.apply(
        graphcron("fails", input={"fail": "out of ideas"}, **IN_POD),
        graphcron("asks", input={"interrupt": "sure?"}, **IN_POD),
    )
    ready(in_pod, "fails", "asks")
    failed, asked = fire(in_pod, "fails", "by-hand-fails"), fire(in_pod, "asks", "by-hand-asks")
    assert (failed["outcome"], failed["reason"]) == ("Failed", "RunError")
    assert failed["message"] == "RuntimeError: out of ideas"
    assert (asked["outcome"], asked["reason"]) == ("WaitingForInput", "WaitingForInput")


def test_the_pod_has_no_key_no_token_and_no_server(in_pod: Session) -> None:
    (pod,) = in_pod.get("pods", "-l", "batch.kubernetes.io/job-name=by-hand-fails")
    assert "AGENT_SERVER" not in json.dumps(pod["spec"])
    assert not [volume for volume in pod["spec"]["volumes"] if "projected" in volume]
    (container,) = pod["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_thread_is_kept_on_its_volume_from_firing_to_firing(in_pod: Session) -> None:
    thread = json.loads(json.dumps(EXAMPLE[2]))
    thread["spec"]["schedule"] = "0 0 1 1 *"
    in_pod.apply(thread)
    ready(in_pod, "in-pod")
    for job in ("thread-one", "thread-two"):
        firing = fire(in_pod, "in-pod", job)
        assert (firing["outcome"], firing["threadId"]) == ("Succeeded", THREAD), firing
    (cron_job,) = [item for item in in_pod.get("cronjobs") if item["metadata"]["name"] == "in-pod"]
    spec = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    reader = {name: spec[name] for name in ("securityContext", "volumes", "automountServiceAccountToken")}
    container = spec["containers"][0] | {"command": ["python3", "-c", MESSAGES, THREAD], "env": []}
    reader["volumes"] = [volume for volume in spec["volumes"] if volume["name"] in ("checkpoints", "tmp")]
    container["volumeMounts"] = [
        mount for mount in container["volumeMounts"] if mount["name"] in ("checkpoints", "tmp")
    ]
    in_pod.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "reader"},
            "spec": reader | {"containers": [container], "restartPolicy": "Never"},
        }
    )
    in_pod.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/reader", "--timeout=60s")
    said = json.loads(in_pod.kubectl("logs", "reader"))
    assert len([line for line in said if line == "What time is it?"]) == 2, "the second firing went on with the first's"
    assert len(said) == 4


def test_it_runs_by_its_schedule(in_pod: Session) -> None:
    ran = flow.firing_of(in_pod, "runs")
    assert (ran["outcome"], ran["reason"]) == ("Succeeded", "RunSucceeded"), ran
    assert ran["runId"]


def test_an_image_that_is_not_listed_is_refused_at_the_door(in_pod: Session) -> None:
    with pytest.raises(ClusterError, match=r"spec\.image is not allowed here"):
        in_pod.apply(graphcron("foreign", engine="inPod", image="evil.example/x:1"))


def test_the_rest_api_shows_it_and_changes_what_it_can(in_pod: Session, url: str) -> None:
    uid = (in_pod.one("graphcron", "fails") or {})["metadata"]["uid"]
    changed = json.loads(curl("-X", "PATCH", f"{url}/runs/crons/{uid}", "--json", '{"schedule": "5 5 1 1 *"}'))
    assert changed["schedule"] == "5 5 1 1 *"
    refused = json.loads(
        curl("-X", "PATCH", f"{url}/runs/crons/{uid}", "--json", '{"webhook": "https://1.1.1.1/hook"}')
    )
    assert "not for engine inPod" in refused["detail"]
    spec = (in_pod.one("graphcron", "fails") or {})["spec"]
    assert (spec["engine"], spec["image"], spec["schedule"]) == ("inPod", IMAGE, "5 5 1 1 *")


def test_an_image_that_is_taken_off_the_list_runs_no_more(in_pod: Session) -> None:
    assert not (in_pod.one("cronjob", "runs") or {})["spec"]["suspend"]
    permit(in_pod, "graphcron/another:*")
    in_pod.kubectl("wait", "--for=condition=Suspended", "graphcron/runs", "--timeout=60s")
    assert "InPodNotAllowed" in in_pod.kubectl("describe", "graphcron", "runs").partition("Events:")[2]
    assert (in_pod.one("cronjob", "runs") or {})["spec"]["suspend"]
