"""Each example in the chart's ci/ folder: helm's linter has nothing against it, and what it renders fits together."""

import copy
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chart.helm import CHART, Manifest, helm
from tests.chart.kube_types import complaints
from tests.support.chart_examples import EXAMPLES, FOREIGN, examples, named, rendered


def pod_specs(example: Path) -> list[Manifest]:
    """Of Deployments, and of the pod of `helm test`."""
    deployments = [item["spec"]["template"]["spec"] for item in named(example, "Deployment").values()]
    return deployments + [item["spec"] for item in named(example, "Pod").values()]


@examples
def test_helms_linter_has_nothing_against_it(example: Path) -> None:
    done = helm("lint", "--strict", str(CHART), "--values", str(example))
    assert done.returncode == 0, done.stdout


@examples
def test_no_object_is_there_twice(example: Path) -> None:
    objects = Counter(
        (item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]) for item in rendered(example)
    )
    assert max(objects.values()) == 1, objects.most_common(1)


@examples
def test_what_is_selected_or_referred_to_is_there(example: Path) -> None:
    templates = [item["spec"]["template"]["metadata"]["labels"] for item in named(example, "Deployment").values()]

    def finds(selector: dict[str, str]) -> int:
        return sum(selector.items() <= labels.items() for labels in templates)

    for item in named(example, "Service").values():
        assert finds(item["spec"]["selector"]) == 1
    for kind in ("Deployment", "PodDisruptionBudget"):
        for item in named(example, kind).values():
            assert finds(item["spec"]["selector"]["matchLabels"]) == 1, item["kind"]
    for item in named(example, "HorizontalPodAutoscaler").values():
        assert item["spec"]["scaleTargetRef"]["name"] in named(example, "Deployment")
    for item in named(example, "Ingress").values():
        for path in item["spec"]["rules"][0]["http"]["paths"]:
            service = named(example, "Service")[path["backend"]["service"]["name"]]
            assert path["backend"]["service"]["port"]["name"] in [port["name"] for port in service["spec"]["ports"]]
    for item in named(example, "HTTPRoute").values():
        for backend in item["spec"]["rules"][0]["backendRefs"]:
            ports = named(example, "Service")[backend["name"]]["spec"]["ports"]
            assert backend["port"] in [port["port"] for port in ports]
    accounts = named(example, "ServiceAccount")
    assert all(spec["serviceAccountName"] in accounts for spec in pod_specs(example))
    for kind in ("Role", "ClusterRole"):
        for item in named(example, f"{kind}Binding").values():
            assert item["roleRef"]["name"] in named(example, item["roleRef"]["kind"])
            assert {subject["name"] for subject in item["subjects"]} <= set(accounts)


@examples
def test_every_mount_has_its_volume_and_every_container_its_bounds(example: Path) -> None:
    for spec in pod_specs(example):
        volumes = [volume["name"] for volume in spec.get("volumes", [])]
        assert len(volumes) == len(set(volumes))
        for container in spec["containers"]:
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= set(volumes)
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
            assert not container["image"].endswith(":latest")
            names = [entry["name"] for entry in container["env"]]
            assert len(names) == len(set(names)), "which of the two would win?"


@examples
def test_pods_may_run_where_the_restricted_standard_is_enforced(example: Path) -> None:
    for spec in pod_specs(example):
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_there_is_an_example_with_everything_on() -> None:
    everything = {item["kind"] for item in rendered(CHART / "ci/everything-values.yaml")}
    assert {"PodDisruptionBudget", "HorizontalPodAutoscaler", "Ingress", "NetworkPolicy"} <= everything


@examples
def test_all_of_it_is_what_the_kubernetes_api_describes(example: Path) -> None:
    """The CRD apart: its schema is a tree of its own, and tests/resource/test_crd.py looks at it; and what others' CRDs
    define."""
    for item in rendered(example):
        if item["kind"] not in FOREIGN | {"CustomResourceDefinition"}:
            assert complaints(item) == []


BROKEN: dict[str, tuple[Callable[[Manifest], Any], str]] = {
    "a misspelt field": (lambda pod: pod.update(restartPolice="Never"), "Pod.spec.restartPolice is unknown"),
    "a string for a number": (lambda pod: pod.update(activeDeadlineSeconds="9"), "is no int: '9'"),
    "a number for a string": (lambda pod: pod["containers"][0]["env"].append({"name": 1}), "is no str: 1"),
    "a missing field": (lambda pod: pod["containers"][0].pop("name"), "Pod.spec.containers[0].name is missing"),
    "a list that is none": (lambda pod: pod.update(volumes={}), "Pod.spec.volumes is no list"),
    "a null": (lambda pod: pod.update(affinity=None), "Pod.spec.affinity is null"),
}


@pytest.mark.parametrize(("harm", "complaint"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_found(harm: Callable[[Manifest], Any], complaint: str) -> None:
    (pod,) = copy.deepcopy(list(named(EXAMPLES[0], "Pod").values()))
    assert complaints(pod) == []
    harm(pod["spec"])
    assert complaint in "; ".join(complaints(pod))
