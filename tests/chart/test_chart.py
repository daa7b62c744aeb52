"""The Helm chart, rendered by helm: what is installed with which values, and which values are refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.paths import HERE
from graphcron.facade.auth.callers import Mode
from graphcron.facade.quota import Quota
from graphcron.facade.settings import FacadeSettings
from graphcron.facade.unknown_fields import UnknownFields
from graphcron.operator.settings import OperatorSettings
from tests.chart.helm import CHART, NOTIFIER, URL, helm, kinds, one, operator_container, render, rules


def test_it_passes_helms_own_linter() -> None:
    done = helm("lint", "--strict", str(CHART), "--set", URL)
    assert done.returncode == 0, done.stdout


def test_operator_facade_run_and_test_have_an_account_each() -> None:
    accounts = {item["metadata"]["name"] for item in render() if item["kind"] == "ServiceAccount"}
    assert accounts == {f"graphcron-{name}" for name in ("operator", "facade", "run", "test")}


def test_the_operator_may_do_its_work_and_nothing_else() -> None:
    assert rules(one("ClusterRole", "graphcron-operator")) == {
        *(("graphcron.dev/graphcrons", verb) for verb in ("get", "list", "watch")),
        *(("graphcron.dev/graphcronbackfills", verb) for verb in ("list", "watch")),
        *((f"graphcron.dev/{plural}/status", "patch") for plural in ("graphcrons", "graphcronbackfills")),
        *(("batch/cronjobs", verb) for verb in ("get", "list", "watch", "create", "patch")),
        *(("batch/jobs", verb) for verb in ("list", "watch", "create", "patch")),
        *(("pods", verb) for verb in ("list", "watch")),
        *(("namespaces", verb) for verb in ("list", "watch")),
        *(("events", verb) for verb in ("create", "list")),
    }


def test_the_operator_may_change_its_own_lease_alone() -> None:
    by_name, create = one("Role", "graphcron-operator-lease", "scope=cluster")["rules"]
    assert (by_name["resourceNames"], set(by_name["verbs"])) == (["graphcron-operator"], {"get", "update"})
    assert create["verbs"] == ["create"]
    container = operator_container()
    environment = {item["name"]: item for item in container["env"]}
    assert environment["GRAPHCRON_LEASE"]["value"] == "graphcron-operator"
    assert environment["GRAPHCRON_POD"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"


def test_the_operator_is_probed_where_it_answers_and_tells_metrics_on_a_port_of_their_own() -> None:
    container = operator_container()
    settings = OperatorSettings.read({"GRAPHCRON_RUN_IMAGE": "graphcron:1"})
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"health": settings.health_port, "metrics": settings.metrics_port}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}


def test_two_operators_outlive_an_upgrade_and_a_drain() -> None:
    spec = one("Deployment", "graphcron-operator", "operator.replicas=2")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    budget = one("PodDisruptionBudget", "graphcron-operator", "operator.replicas=2")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == spec["selector"]
    assert "PodDisruptionBudget" not in kinds(), "of one, a budget would only hold up drains"


def test_the_facade_may_touch_graphcrons_of_its_namespace_alone() -> None:
    role = one("Role", "graphcron-facade")
    assert role["metadata"]["namespace"] == "ns"
    crons = ("get", "list", "watch", "create", "patch", "delete")
    assert rules(role) == {
        *(("graphcron.dev/graphcrons", verb) for verb in crons),
        *(("graphcron.dev/graphcronbackfills", verb) for verb in ("get", "list", "create", "delete")),
    }


def test_a_client_stays_with_one_facade_whose_lists_have_what_it_wrote() -> None:
    assert one("Service", "graphcron-facade")["spec"]["sessionAffinity"] == "ClientIP"


def test_the_run_account_is_bound_to_nothing() -> None:
    bound = [
        subject["name"] for item in render() if item["kind"].endswith("RoleBinding") for subject in item["subjects"]
    ]
    assert "graphcron-run" not in bound


def test_in_one_namespace_nothing_is_cluster_wide() -> None:
    """Except what comes with the CRD, which is cluster-wide itself, and gives the release nothing."""
    found = render("scope=namespace", "crds.enabled=false", *NOTIFIER)
    assert all(item["metadata"]["namespace"] == "ns" for item in found)
    with_crd = [item for item in render("scope=namespace") if "namespace" not in item["metadata"]]
    assert {item["kind"] for item in with_crd} == {"CustomResourceDefinition", "ClusterRole"}
    assert {item["metadata"]["name"] for item in with_crd if item["kind"] == "ClusterRole"} == {
        "graphcron-view",
        "graphcron-edit",
    }
    container = operator_container("scope=namespace")
    assert "GRAPHCRON_WATCH_NAMESPACE" in {entry["name"] for entry in container["env"]}


@pytest.mark.parametrize("name", ["graphcron-operator", "graphcron-facade", "graphcron-notifier"])
def test_pods_pass_the_restricted_standard(name: str) -> None:
    spec = one("Deployment", name, *NOTIFIER)["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("plural", ["graphcrons", "graphcronbackfills", "graphcronchannels"])
def test_the_crd_is_installed_kept_and_switchable(plural: str) -> None:
    crd = one("CustomResourceDefinition", f"{plural}.graphcron.dev")
    assert crd["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    source = yaml.safe_load((HERE.root / f"crds/{plural}.yaml").read_text())
    assert crd["spec"] == source["spec"]
    assert (
        "annotations" not in one("CustomResourceDefinition", f"{plural}.graphcron.dev", "crds.keep=false")["metadata"]
    )
    assert not [item for item in render("crds.enabled=false") if item["kind"] == "CustomResourceDefinition"]


def test_without_a_facade_nothing_of_it_is_there() -> None:
    assert not [item for item in render("facade.enabled=false") if "facade" in item["metadata"]["name"]]


def facade_pod(*values: str) -> tuple[dict[str, Any], dict[str, str | None]]:
    """The facade's pod spec, and the environment of its container."""
    spec = one("Deployment", "graphcron-facade", *values)["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    return spec, {entry["name"]: entry.get("value") for entry in container["env"]}


def test_nobody_may_use_crons_through_the_facade_unless_asked_for_by_name() -> None:
    spec, environment = facade_pod()
    assert FacadeSettings.read(given(environment)).auth_mode is Mode.CLOSED
    assert "volumes" not in spec
    assert FacadeSettings.read(given(facade_pod("facade.auth.mode=open")[1])).auth_mode is Mode.OPEN


def test_the_console_has_its_session_keys_where_the_facade_looks() -> None:
    template = "https://trace.example/r/{run_id}"
    values = ("facade.console.enabled=true", "facade.console.existingSecret=sessions")
    spec, environment = facade_pod(*values, f'facade.console.traceUrlTemplate:="{template}"')
    settings = FacadeSettings.read(given(environment))
    assert (settings.console, settings.trace_url) == (True, template)
    (container,) = spec["containers"]
    (mount,) = container["volumeMounts"]
    assert settings.console_key_file == f"{mount['mountPath']}/session-keys"
    assert spec["volumes"][0]["secret"]["secretName"] == "sessions"
    assert "subPath" not in mount, "kubelet does not update those"
    assert FacadeSettings.read(given(facade_pod()[1])).console is False


def test_api_keys_are_a_secret_that_is_mounted_where_the_facade_looks() -> None:
    values = ("facade.auth.mode=apiKeys", "facade.auth.existingSecret=keys", "facade.auth.forwardApiKey=false")
    spec, environment = facade_pod(*values)
    settings = FacadeSettings.read(given(environment))
    assert (settings.auth_mode, settings.forward_api_key) == (Mode.API_KEYS, False)
    (container,) = spec["containers"]
    assert container["volumeMounts"] == [{"name": "api-keys", "mountPath": settings.keys_dir, "readOnly": True}]
    assert spec["volumes"] == [{"name": "api-keys", "secret": {"secretName": "keys", "defaultMode": 0o440}}]
    spec, _ = facade_pod(*values, "agentServer.caConfigMap=ca")
    assert [volume["name"] for volume in spec["volumes"]] == ["ca", "api-keys"]
    # The whole Secret, never one key of it by subPath: kubelet does not update those.
    assert not [mount for mount in spec["containers"][0]["volumeMounts"] if "subPath" in mount]


def test_hosts_of_webhooks_are_checked_unless_the_chart_says_any() -> None:
    assert FacadeSettings.read(given(facade_pod()[1])).check_webhook_hosts
    assert not FacadeSettings.read(given(facade_pod("facade.webhookHosts=any")[1])).check_webhook_hosts
    strict = FacadeSettings.read(given(facade_pod("facade.unknownFields=refuse")[1]))
    assert strict.unknown_fields is UnknownFields.REFUSE


def test_limits_reach_operator_and_facade_in_whole_numbers(tmp_path: Path) -> None:
    """Values from a file are floating-point numbers to Helm."""
    values = tmp_path / "values.yaml"
    values.write_text(
        "facade: {quota: {cronsPerOwner: 2000000}}\n"
        "guardrails: {minimumIntervalSeconds: 3000000, maxActiveDeadlineSeconds: 4000000}"
    )
    done = helm("template", "graphcron", str(CHART), "--set", URL, "--values", str(values))
    assert [done.stdout.count(f'"{number}"') for number in (2000000, 3000000, 4000000)] == [1, 2, 1]
    assert "activeDeadlineSeconds <= 4000000" in done.stdout
    assert FacadeSettings.read(given(facade_pod()[1])).quota == Quota()
    limited = facade_pod("facade.quota.cronsPerOwner=5", "guardrails.minimumIntervalSeconds=600")[1]
    assert FacadeSettings.read(given(limited)).quota == Quota(crons=5, interval=600)


def test_the_operator_has_the_least_interval_and_the_deadline_of_runs_that_name_none() -> None:
    def limits(*values: str) -> tuple[int, int | None]:
        container = operator_container(*values)
        environment = {entry["name"]: entry.get("value") for entry in container["env"]}
        settings = OperatorSettings.read(given(environment))
        return settings.minimum_interval, settings.pods.active_deadline_seconds

    assert limits() == (0, None)
    longest = "guardrails.maxActiveDeadlineSeconds=7200"
    assert limits("guardrails.minimumIntervalSeconds=600", longest) == (600, 7200)
    assert limits("runs.activeDeadlineSeconds=600", longest) == (0, 600)


def test_the_operator_has_the_prefix_of_owners_secrets() -> None:
    def prefix(*values: str) -> str | None:
        container = operator_container(*values)
        environment = {entry["name"]: entry.get("value") for entry in container["env"]}
        return OperatorSettings.read(given(environment)).owner_headers

    assert prefix() is None
    assert prefix("facade.ownerHeadersSecret=agent-headers-") == "agent-headers-"


def given(environment: dict[str, str | None]) -> dict[str, str]:
    """The environment as the process sees it; what comes from the pod is made up."""
    return {name: value or "" for name, value in environment.items()} | {"GRAPHCRON_NAMESPACE": "ns"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([], "--set facade.auth.mode=apiKeys"),
        (["facade.auth.mode=open"], "WARNING: the facade is in mode open."),
        (
            ["facade.auth.mode=apiKeys", "facade.auth.existingSecret=keys"],
            "LANGGRAPH_API_KEY=$(kubectl get secret keys -n default",
        ),
        ([*NOTIFIER], "NOT YET: the notifier may read no Secret"),
    ],
)
def test_the_notes_say_who_may_use_it(values: list[str], sentence: str) -> None:
    sets = [word for value in (URL, *values) for word in ("--set", value)]
    done = helm("install", "graphcron", str(CHART), "--dry-run=client", *sets)
    assert done.returncode == 0, done.stderr
    notes = done.stdout.partition("\nNOTES:\n")[2]
    assert sentence in notes
    assert ("WARNING" in notes) == ("facade.auth.mode=open" in values)


def test_a_digest_wins_over_a_tag_and_reaches_the_run_pods() -> None:
    digest = "sha256:" + "0" * 64
    container = operator_container("image.tag=v9", f"image.digest={digest}")
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert container["image"] == environment["GRAPHCRON_RUN_IMAGE"] == f"graphcron/graphcron@{digest}"


def test_rendering_twice_gives_the_same() -> None:
    command = ("template", "graphcron", str(CHART), "--set", URL)
    assert helm(*command).stdout == helm(*command).stdout


def test_values_set_to_nothing_mean_the_defaults() -> None:
    container = operator_container("runs.resources=null", "image.pullSecrets=null")
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
    "a port that is none": (["agentServer.url=http://agent.example:99999"], "/agentServer/url"),
    "credentials in the URL": (["agentServer.url=http://me:secret@agent.example"], "/agentServer/url"),
    "a scope that is none": ([URL, "scope=galaxy"], "/scope"),
    "a way to let in that is none": ([URL, "facade.auth.mode=Open"], "/facade/auth/mode"),
    "a deadline beyond the longest": (
        [URL, "runs.activeDeadlineSeconds=61", "guardrails.maxActiveDeadlineSeconds=60"],
        "runs.activeDeadlineSeconds (61) is more than guardrails.maxActiveDeadlineSeconds (60)",
    ),
    "a quota below none": ([URL, "facade.quota.cronsPerOwner=-1"], "/facade/quota/cronsPerOwner"),
    "a misspelt field of a pod spec": ([URL, "runs.resources.request.cpu=1"], "additional properties 'request' not"),
    "a quantity that is none": ([URL, "runs.resources.limits.memory=512MB"], "'512MB' does not match pattern"),
    "a quantity of pods that run a graph": ([URL, "runs.inPod.resources.limits.cpu=lots"], "'lots' does not match"),
    "a user that is no number": ([URL, "runs.podSecurityContext.runAsUser=me"], "/runs/podSecurityContext/runAsUser"),
    "a misspelt security context": ([URL, "runs.securityContext.privilegedd=false"], "properties 'privilegedd' not"),
    "a misspelt affinity": ([URL, "operator.affinity.nodeAfinity.x=1"], "additional properties 'nodeAfinity' not"),
    "an operator that is none": ([URL, "facade.tolerations[0].operator=Exist"], "/facade/tolerations/0/operator"),
    "a node label that is no text": ([URL, "facade.nodeSelector.gpu=true"], "/facade/nodeSelector/gpu"),
    "API keys from nowhere": ([URL, "facade.auth.mode=apiKeys"], "facade.auth.existingSecret is not set"),
    "a console without session keys": (
        [URL, "facade.console.enabled=true"],
        "facade.console.existingSecret is not set",
    ),
    "a trace that is no address": (
        [URL, "facade.console.traceUrlTemplate=ftp://x"],
        "/facade/console/traceUrlTemplate",
    ),
    "a trace of the installation that is no address": ([URL, "traceUrl=ftp://x"], "/traceUrl"),
    "a price that is none": ([URL, "prices.models.m.input=free", "prices.models.m.output=1"], "/prices/models/m/input"),
    "a price of input alone": ([URL, "prices.models.m.input=1"], "missing property 'output'"),
    "API keys that nobody is asked for": (
        [URL, "facade.auth.existingSecret=keys"],
        "facade.auth.existingSecret is set, but facade.auth.mode is not apiKeys",
    ),
}


@pytest.mark.parametrize(("values", "sentence"), REFUSED.values(), ids=REFUSED)
def test_wrong_values_are_refused_with_a_sentence(values: list[str], sentence: str) -> None:
    done = helm("template", "graphcron", str(CHART), *(word for value in values for word in ("--set", value)))
    assert done.returncode != 0
    assert sentence in done.stderr
