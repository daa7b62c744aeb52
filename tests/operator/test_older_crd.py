"""The operator while the CRD of an older release is installed, which lets everything pass in a template: a typo is in
the condition, in the words in which a newer CRD would have refused it.

An apiserver of the test's own, and the operator as a process with the rights that the chart gives it.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from cluster.control_plane import control_plane
from cluster.errors import ClusterError
from cluster.paths import HERE
from examples.demo.session import Session, wait_for
from graphcron.resource.pod_types import REQUESTS_WITHIN_LIMITS
from graphcron.resource.quantity import QUANTITY
from graphcron.resource.template_metadata import RESERVED_LABELS, VALUES
from graphcron.resource.urls import WEBHOOK
from tests.support.charts_operator import NAMESPACE, charts_operator
from tests.support.manifests import graphcron, ready

FREE_FORM = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def older_crd() -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load((HERE.root / "crds/graphcrons.yaml").read_text())
    spec = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"] |= {"template": FREE_FORM, "webhook": {"type": "string"}}
    return manifest


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("older")
    crd = folder / "crd.yaml"
    crd.write_text(yaml.safe_dump(older_crd()))
    with control_plane(folder) as plane:
        plane.install_crd(crd)
        plane.install({"metadata": {"name": NAMESPACE}}, "/api/v1/namespaces")
        with charts_operator(plane, folder):
            yield Session(NAMESPACE, plane.place)


def memory(requests: str, limits: str) -> dict[str, Any]:
    return {"template": {"resources": {"requests": {"memory": requests}, "limits": {"memory": limits}}}}


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "megabytes": (memory("1Mi", "512MB"), f"spec.template.resources.limits.memory: {QUANTITY}"),
    "requests-over-limits": (memory("256Mi", "128Mi"), f"spec.template.resources: {REQUESTS_WITHIN_LIMITS}"),
    "a-misspelt-field": (
        {"template": {"affinity": {"nodeAfinity": {}}}},
        "spec.template.affinity.nodeAfinity: unknown field",
    ),
    "another-type": (
        {"template": {"tolerations": [{"key": "gpu", "tolerationSeconds": "60"}]}},
        "spec.template.tolerations.0.tolerationSeconds: ",
    ),
    "a-label-with-spaces": ({"template": {"labels": {"team": "a team"}}}, f"spec.template.labels: {VALUES}"),
    "a-reserved-label": ({"template": {"labels": {"job-name": "x"}}}, f"spec.template.labels: {RESERVED_LABELS}"),
    "an-impossible-port": ({"webhook": "https://hook.example:99999"}, f"spec.webhook: {WEBHOOK}"),
}


@pytest.mark.parametrize(("name", "spec", "sentence"), [(name, *case) for name, case in MISTAKES.items()], ids=MISTAKES)
def test_what_it_lets_pass_is_in_the_condition(
    session: Session, name: str, spec: dict[str, Any], sentence: str
) -> None:
    session.apply(graphcron(name, **spec))
    session.kubectl("wait", "--for=condition=Ready=False", f"graphcron/{name}", "--timeout=20s")
    conditions = (session.one("graphcron", name) or {})["status"]["conditions"]
    assert {(found["type"], found["status"], found["reason"]) for found in conditions} == {
        ("Ready", "False", "InvalidSpec"),
        ("Stalled", "True", "InvalidSpec"),
    }
    assert all(sentence in found["message"] for found in conditions)
    assert session.one("cronjob", name) is None


def test_a_pause_with_a_typo_beside_it_is_a_pause(session: Session) -> None:
    session.apply(graphcron("frozen"))
    ready(session, "frozen")
    session.apply(graphcron("frozen", enabled=False, template={"affinity": {"nodeAfinity": {}}}))
    wait_for("the CronJob to be suspended", lambda: (session.one("cronjob", "frozen") or {})["spec"]["suspend"], 10)
    session.kubectl("wait", "--for=condition=Suspended", "graphcron/frozen", "--timeout=10s")


@pytest.fixture
def newer_crd(session: Session) -> None:
    """An upgrade, while a GraphCron is there that is wrong in several places. Its CronJob is of before."""
    session.apply(graphcron("wrong"))
    ready(session, "wrong")
    wrong = {"labels": {"job-name": "x", "team": "a team"}, **memory("256Mi", "128Mi")["template"]}
    session.apply(graphcron("wrong", template=wrong, webhook="https://hook.example:0"))
    session.kubectl("wait", "--for=condition=Stalled", "graphcron/wrong", "--timeout=20s")
    session.kubectl("replace", "-f", str(HERE.root / "crds/graphcrons.yaml"))
    other = graphcron("other", template={"labels": {"job-name": "x"}})

    def is_in_force() -> bool:
        try:
            session.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(other))
        except ClusterError:
            return True
        return False

    wait_for("the newer CRD", is_in_force, 20)


def test_what_a_newer_crd_refuses_can_still_be_labelled_paused_and_mended(session: Session, newer_crd: None) -> None:
    """Kubernetes compares with what was there, and judges what is changed (CRD validation ratcheting)."""
    session.kubectl("label", "graphcron", "wrong", "team=blue")
    session.kubectl("patch", "graphcron", "wrong", "--type=merge", "-p", '{"spec":{"enabled":false}}')
    wait_for("the CronJob to be suspended", lambda: (session.one("cronjob", "wrong") or {})["spec"]["suspend"], 10)
    session.apply(graphcron("wrong", enabled=True))
    ready(session, "wrong")
    assert (session.one("cronjob", "wrong") or {})["spec"]["suspend"] is False
