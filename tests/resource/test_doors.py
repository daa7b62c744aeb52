"""What is wrong in a spec is refused at admission, by the CRD alone, and so is an impossible status. With the CRD of an
older release still there, the operator's model refuses it, in the same words where the words are ours.

An apiserver of the test's own; kubectl asks it as here, for strict validation.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from graphcron.resource.durations import DURATION
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.pod_types import REQUESTS_WITHIN_LIMITS
from graphcron.resource.quantity import QUANTITY
from graphcron.resource.spec_reader import read_spec
from graphcron.resource.template_metadata import KEYS, RESERVED_ANNOTATIONS, RESERVED_LABELS, VALUES
from graphcron.resource.urls import PORT, WEBHOOK
from tests.support.graphcron_apiserver import graphcron_apiserver

LEAST = {"schedule": "0 0 1 1 *", "assistantId": "agent"}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("doors"), "ns") as plane:
        yield plane


def at_admission(plane: ControlPlane, spec: dict[str, Any]) -> str:
    """What the apiserver answers; empty when it takes the spec."""
    manifest = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": "x"}, "spec": LEAST | spec}
    path = "/apis/graphcron.dev/v1/namespaces/ns/graphcrons?dryRun=All&fieldValidation=Strict"
    status, answer = plane.api.request("POST", path, manifest)
    assert status in (201, 400, 422), answer
    return "" if status == 201 else str(answer["message"])


def at_the_operator(spec: dict[str, Any]) -> str:
    """The message of its condition; empty when it takes the spec."""
    try:
        read_spec(LEAST | spec)
    except InvalidGraphCron as invalid:
        return invalid.message
    return ""


def template(**fields: Any) -> dict[str, Any]:
    return {"template": fields}


def memory(value: Any) -> dict[str, Any]:
    return template(resources={"limits": {"memory": value}})


def label(key: str, value: str = "x") -> dict[str, Any]:
    return template(labels={"team": "blue", key: value})


def annotation(key: str) -> dict[str, Any]:
    return template(annotations={key: "x"})


def server(url: str) -> dict[str, Any]:
    return {"server": {"url": url}}


BAD_PORTS = ("0", "00", "65536", "99999", "123456789012", "abc", "-1", "8 0", "80:80")
PORTS = ("", ":", ":1", ":080", ":8443", ":65535")
BY_A_RULE = {
    **{f"a webhook's port {port}": ({"webhook": f"https://hook.example:{port}/x"}, WEBHOOK) for port in BAD_PORTS},
    **{
        f"a server's port {port}": (server(f"https://agents.example:{port}"), PORT)
        for port in BAD_PORTS
        if port != "8 0"
    },
    "a webhook's port after credentials": ({"webhook": "https://ada:1@hook.example:0"}, WEBHOOK),
    "a port of an IPv6 address": ({"webhook": "https://[2606:4700::1]:99999"}, WEBHOOK),
    "a webhook without a host": ({"webhook": "https:///x"}, WEBHOOK),
    "a webhook on the Agent Server itself": ({"webhook": "/hook"}, WEBHOOK),
    "a webhook by another protocol": ({"webhook": "ftp://hook.example"}, WEBHOOK),
    "a webhook with a line break": ({"webhook": "https://hook.example/\n"}, WEBHOOK),
    "a webhook with a space in its host": ({"webhook": "https://hook .example/"}, WEBHOOK),
    "a webhook whose host depends on the reader": ({"webhook": "https://hook.example\\@10.0.0.1/"}, WEBHOOK),
    "megabytes": (memory("512MB"), QUANTITY),
    "a space in a quantity": (memory("1 Gi"), QUANTITY),
    "a comma in a quantity": (memory("0,5"), QUANTITY),
    "no quantity": (memory("lots"), QUANTITY),
    "a quantity below zero": (memory("-1"), QUANTITY),
    "a number below zero": (memory(-1), QUANTITY),
    "requests over limits": (
        template(resources={"requests": {"memory": "256Mi"}, "limits": {"memory": "128Mi"}}),
        REQUESTS_WITHIN_LIMITS,
    ),
    "requests over limits, as a number": (
        template(resources={"requests": {"cpu": 1}, "limits": {"cpu": "999m"}}),
        REQUESTS_WITHIN_LIMITS,
    ),
    "a label's value with spaces": (label("team", "a team with spaces"), VALUES),
    "a label's value that ends in a dash": (label("team", "blue-"), VALUES),
    "a label's key with spaces": (label("the team"), KEYS),
    "a label without a name": (label("example.com/"), KEYS),
    "a label of two domains": (label("a/b/c"), KEYS),
    "a label of a domain in capitals": (label("Kubernetes.io/x"), KEYS),
    "an annotation's key with spaces": (annotation("the team"), KEYS),
    "an annotation of a domain in capitals": (annotation("container.Apparmor.Security.beta.kubernetes.io/run"), KEYS),
    "the Job's old label": (label("job-name"), RESERVED_LABELS),
    "the Job's other old label": (label("controller-uid"), RESERVED_LABELS),
    "the Job's label": (label("batch.kubernetes.io/job-name"), RESERVED_LABELS),
    "a label of kubernetes.io": (label("kubernetes.io/x"), RESERVED_LABELS),
    "a label of k8s.io": (label("k8s.io/x"), RESERVED_LABELS),
    "a label below k8s.io": (label("a.b.k8s.io/x"), RESERVED_LABELS),
    "our own label": (label("graphcron.dev/engine", "inPod"), RESERVED_LABELS),
    "a label by which we find our own": (label("app.kubernetes.io/managed-by", "me"), RESERVED_LABELS),
    "the Service's name": (label("app.kubernetes.io/name", "graphcron"), RESERVED_LABELS),
    "AppArmor": (annotation("container.apparmor.security.beta.kubernetes.io/run"), RESERVED_ANNOTATIONS),
    "seccomp": (annotation("seccomp.security.alpha.kubernetes.io/pod"), RESERVED_ANNOTATIONS),
    "our order": (annotation("graphcron.dev/order"), RESERVED_ANNOTATIONS),
    **{
        f"the duration {text!r}": ({"expect": {"successWithin": text}}, DURATION)
        for text in ("", "1d", "26", "1.5h", "5m1h", "9s", "8785h", "-5m", "5m\n", "99999999999999h")
    },
}


@pytest.mark.parametrize(("spec", "sentence"), BY_A_RULE.values(), ids=BY_A_RULE)
def test_both_doors_say_the_same_sentence(plane: ControlPlane, spec: dict[str, Any], sentence: str) -> None:
    assert sentence in at_admission(plane, spec)
    assert sentence in at_the_operator(spec)


NO_TERM: dict[str, Any] = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}
BY_A_TYPE = {
    "a number of seconds as text": (
        template(tolerations=[{"key": "gpu", "operator": "Exists", "tolerationSeconds": "60"}]),
        "tolerationSeconds",
    ),
    "a value that YAML takes for true": (
        template(tolerations=[{"key": "gpu", "operator": "Equal", "value": True}]),
        "value",
    ),
    "another operator": (template(tolerations=[{"key": "gpu", "operator": "Exist"}]), "operator"),
    "another effect": (template(tolerations=[{"key": "gpu", "effect": "NoScheduling"}]), "effect"),
    "a misspelt operator": (template(tolerations=[{"key": "gpu", "operators": "Exists"}]), "operators"),
    "a misspelt affinity": (template(affinity={"nodeAfinity": {}}), "nodeAfinity"),
    "a misspelt affinity, deep down": (
        template(affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topology": "x"}]}}),
        "topology",
    ),
    "an affinity as a list": (template(affinity={"nodeAffinity": []}), "nodeAffinity"),
    "an affinity without a term": (template(affinity={"nodeAffinity": NO_TERM}), "nodeSelectorTerms"),
    "misspelt requests": (template(resources={"request": {"cpu": "10m"}}), "resources.request"),
    "a quantity that is true": (memory(True), "memory"),
    "a quantity that is too long": (memory("1" * 33), "memory"),
    "eleven quantities": (template(resources={"limits": {f"x{n}": 1 for n in range(11)}}), "resources.limits"),
    "a label that is no text": (template(labels={"team": 1}), "labels"),
    "a label of 64 characters": (template(labels={"team": "x" * 64}), "labels"),
    "65 labels": (template(labels={f"x{n}": "" for n in range(65)}), "labels"),
    "a webhook of 4097 characters": ({"webhook": "https://hook.example/".ljust(4097, "x")}, "webhook"),
    "65 node labels": (template(nodeSelector={f"x{n}": "" for n in range(65)}), "nodeSelector"),
    "a node label that is no text": (template(nodeSelector={"gpu": True}), "nodeSelector"),
    "65 tolerations": (template(tolerations=[{"key": "x"}] * 65), "tolerations"),
}


@pytest.mark.parametrize(("spec", "name"), BY_A_TYPE.values(), ids=BY_A_TYPE)
def test_both_doors_name_what_is_misspelt_or_of_another_type(
    plane: ControlPlane, spec: dict[str, Any], name: str
) -> None:
    assert name in at_admission(plane, spec)
    assert name in at_the_operator(spec)


TAKEN = {
    "quantities in all spellings": template(
        resources={"requests": {"cpu": 1, "memory": "1e3", "nvidia.com/gpu": 1}, "limits": {"cpu": "1000m"}}
    ),
    "no resources": template(resources={}),
    "labels that people read": label("app.kubernetes.io/part-of", "reports"),
    "labels of a mesh": label("sidecar.istio.io/inject", "false"),
    "a label without a value": label("x", ""),
    "a domain that ends alike": label("kueue.x-k8s.io/queue-name", "batch"),
    "a domain in the name": label("kubernetes.io", "x"),
    "a node that is not to be removed": annotation("cluster-autoscaler.kubernetes.io/safe-to-evict"),
    "an annotation of a mesh": annotation("traffic.sidecar.istio.io/excludeOutboundPorts"),
    "an affinity of each kind": template(
        affinity={
            "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {}}]},
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}, "namespaceSelector": {}}
                ]
            },
        }
    ),
    **{f"a webhook with{port}": {"webhook": f"https://hook.example{port}/x?y=z"} for port in PORTS},
    **{f"a server with{port}": server(f"https://agents.example{port}") for port in PORTS},
    "a server on an IPv6 address": server("http://[fd12:3456::1]:8123/base"),
    "a webhook with credentials": {"webhook": "HTTPS://ada:p:w@hook.example:8443?token=x#y z"},
    "a webhook with letters of another language": {"webhook": "https://m\u00fcller.example/\u00e4"},
    "every taint": template(tolerations=[{"operator": "Exists"}]),
}


@pytest.mark.parametrize("spec", TAKEN.values(), ids=TAKEN)
def test_both_doors_take(plane: ControlPlane, spec: dict[str, Any]) -> None:
    assert (at_admission(plane, spec), at_the_operator(spec)) == ("", "")


FORGED = {
    "a count below none": {"firings": {"succeeded": -1}},
    "a count beyond all bounds": {"firings": {"failed": 2**31}},
    "failures below none": {"consecutiveFailures": -1},
}


@pytest.mark.parametrize("status", FORGED.values(), ids=FORGED)
def test_a_status_has_no_impossible_number(plane: ControlPlane, status: dict[str, Any]) -> None:
    path = "/apis/graphcron.dev/v1/namespaces/ns/graphcrons"
    manifest = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": "forged"}, "spec": LEAST}
    plane.install(manifest, path)
    _, made = plane.api.request("GET", f"{path}/forged")
    code, answer = plane.api.request("PUT", f"{path}/forged/status", made | {"status": status})
    assert (code, "should be" in answer["message"]) == (422, True)
