"""The Helm chart, rendered by helm: what is installed with which values, and which values are refused."""

import pytest
import yaml

from cluster.paths import HERE
from tests.chart.helm import CHART, URL, helm, one, render, rules


def test_it_passes_helms_own_linter() -> None:
    done = helm("lint", "--strict", str(CHART), "--set", URL)
    assert done.returncode == 0, done.stdout


def test_operator_facade_run_and_test_have_an_account_each() -> None:
    accounts = {item["metadata"]["name"] for item in render() if item["kind"] == "ServiceAccount"}
    assert accounts == {f"graphcron-{name}" for name in ("operator", "facade", "run", "test")}


def test_the_operator_may_do_its_work_and_nothing_else() -> None:
    assert rules(one("ClusterRole", "graphcron-operator")) == {
        *(("graphcron.dev/graphcrons", verb) for verb in ("get", "list", "watch")),
        ("graphcron.dev/graphcrons/status", "patch"),
        *(("batch/cronjobs", verb) for verb in ("get", "list", "watch", "create", "patch")),
        *(("batch/jobs", verb) for verb in ("list", "watch")),
        *(("pods", verb) for verb in ("list", "watch")),
        ("events", "create"),
    }


def test_the_facade_may_touch_graphcrons_of_its_namespace_alone() -> None:
    role = one("Role", "graphcron-facade")
    assert role["metadata"]["namespace"] == "ns"
    assert rules(role) == {("graphcron.dev/graphcrons", verb) for verb in ("get", "list", "create", "update", "delete")}


def test_the_run_account_is_bound_to_nothing() -> None:
    bound = [
        subject["name"] for item in render() if item["kind"].endswith("RoleBinding") for subject in item["subjects"]
    ]
    assert "graphcron-run" not in bound


def test_in_one_namespace_nothing_is_cluster_wide() -> None:
    kinds = {item["kind"] for item in render("scope=namespace")}
    assert not {"ClusterRole", "ClusterRoleBinding"} & kinds
    operator = one("Deployment", "graphcron-operator", "scope=namespace")
    (container,) = operator["spec"]["template"]["spec"]["containers"]
    assert "GRAPHCRON_WATCH_NAMESPACE" in {entry["name"] for entry in container["env"]}


@pytest.mark.parametrize("name", ["graphcron-operator", "graphcron-facade"])
def test_pods_pass_the_restricted_standard(name: str) -> None:
    spec = one("Deployment", name)["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_crd_is_installed_kept_and_switchable() -> None:
    crd = one("CustomResourceDefinition", "graphcrons.graphcron.dev")
    assert crd["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    source = yaml.safe_load((HERE.root / "crds/graphcrons.yaml").read_text())
    assert crd["spec"] == source["spec"]
    assert (
        "annotations" not in one("CustomResourceDefinition", "graphcrons.graphcron.dev", "crds.keep=false")["metadata"]
    )
    assert not [item for item in render("crds.enabled=false") if item["kind"] == "CustomResourceDefinition"]


def test_without_a_facade_nothing_of_it_is_there() -> None:
    assert not [item for item in render("facade.enabled=false") if "facade" in item["metadata"]["name"]]


def test_a_digest_wins_over_a_tag_and_reaches_the_run_pods() -> None:
    digest = "sha256:" + "0" * 64
    operator = one("Deployment", "graphcron-operator", "image.tag=v9", f"image.digest={digest}")
    (container,) = operator["spec"]["template"]["spec"]["containers"]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert container["image"] == environment["GRAPHCRON_RUN_IMAGE"] == f"graphcron/graphcron@{digest}"


def test_rendering_twice_gives_the_same() -> None:
    command = ("template", "graphcron", str(CHART), "--set", URL)
    assert helm(*command).stdout == helm(*command).stdout


def test_values_set_to_nothing_mean_the_defaults() -> None:
    operator = one("Deployment", "graphcron-operator", "runs.resources=null", "image.pullSecrets=null")
    (container,) = operator["spec"]["template"]["spec"]["containers"]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert environment["GRAPHCRON_RUN_IMAGE_PULL_SECRETS"] == "[]"
    assert environment["GRAPHCRON_RUN_RESOURCES"] == "{}"


def test_a_release_named_by_a_number_has_labels_that_are_strings() -> None:
    done = helm("template", "123", str(CHART), "--set", URL)
    for document in filter(None, yaml.safe_load_all(done.stdout)):
        assert all(isinstance(value, str) for value in document["metadata"]["labels"].values())


REFUSED = {
    "no Agent Server": ([], "agentServer.url is not set"),
    "a misspelt value": ([URL, "agentServer.ur1=x"], "additional properties 'ur1' not allowed"),
    "a URL that is none": (["agentServer.url=agent.example"], "/agentServer/url"),
    "credentials in the URL": (["agentServer.url=http://me:secret@agent.example"], "/agentServer/url"),
    "a scope that is none": ([URL, "scope=galaxy"], "/scope"),
}


@pytest.mark.parametrize(("values", "sentence"), REFUSED.values(), ids=REFUSED)
def test_wrong_values_are_refused_with_a_sentence(values: list[str], sentence: str) -> None:
    done = helm("template", "graphcron", str(CHART), *(word for value in values for word in ("--set", value)))
    assert done.returncode != 0
    assert sentence in done.stderr
