"""What each value that platform teams ask for does to the rendered objects, and that all of it is off by default."""

import json
from decimal import Decimal

import pytest
import yaml

from graphcron.facade.settings import FacadeSettings
from graphcron.http_server import Limits
from graphcron.operator.run_pod import RunPods
from graphcron.operator.run_pod_defaults import CONTAINER_SECURITY, IN_POD_RESOURCES, POD_SECURITY, RESOURCES
from graphcron.operator.settings import OperatorSettings
from graphcron.resource.identity import CRON_LABEL, MANAGED_BY
from graphcron.resource.prices import Ledger
from graphcron.resource.spec_parts import Expect
from tests.chart.helm import CHART, NOTIFIER, URL, Manifest, helm, kinds, one, render
from tests.support.chart_values import POLICIES

COMPONENTS = ("operator", "facade", "notifier")
components = pytest.mark.parametrize("component", COMPONENTS)


def deployment(component: str, *values: str) -> Manifest:
    return one("Deployment", f"graphcron-{component}", *there(component), *values)


def there(component: str) -> tuple[str, ...]:
    """The values without which it is not installed."""
    return NOTIFIER if component == "notifier" else ()


def pod(component: str, *values: str) -> Manifest:
    found: Manifest = deployment(component, *values)["spec"]["template"]
    return found


def container(component: str, *values: str) -> Manifest:
    (found,) = pod(component, *values)["spec"]["containers"]
    return dict(found)


def test_by_default_there_is_nothing_but_the_two_components_and_the_test() -> None:
    assert kinds() == {
        "ServiceAccount", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
        "Lease", "Service", "Deployment", "Pod",
    }  # fmt: skip


PLATFORM = ("runAsUser", "runAsGroup", "fsGroup")
"""What OpenShift chooses for each namespace."""


@components
def test_the_platform_can_choose_the_user(component: str) -> None:
    left = pod(component, *(f"podSecurityContext.{name}=null" for name in PLATFORM))["spec"]["securityContext"]
    assert left == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert (
        pod(component, "podSecurityContext.runAsUser=1000680000")["spec"]["securityContext"]["runAsUser"] == 1000680000
    )
    relaxed = container(component, "securityContext.readOnlyRootFilesystem=false")["securityContext"]
    assert relaxed == container(component)["securityContext"] | {"readOnlyRootFilesystem": False}


def run_pods(*values: str) -> RunPods:
    """What the operator reads from the environment that the chart gives it."""
    given = {entry["name"]: entry.get("value", "x") for entry in container("operator", *values)["env"]}
    return OperatorSettings.read(given).pods


def test_run_pods_have_the_users_that_the_chart_says() -> None:
    assert run_pods().pod_security == POD_SECURITY
    assert run_pods().container_security == CONTAINER_SECURITY
    left = run_pods(*(f"runs.podSecurityContext.{name}=null" for name in PLATFORM)).pod_security
    assert left == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert run_pods("runs.podSecurityContext.runAsUser=1000680000").pod_security["runAsUser"] == 1000680000
    assert run_pods("runs.securityContext.privileged=false").container_security["privileged"] is False


def test_run_pods_have_the_resources_that_the_chart_says_and_a_quota_on_limits_takes_them() -> None:
    given = run_pods()
    assert (given.resources, given.in_pod_resources) == (RESOURCES, IN_POD_RESOURCES)
    for resources in (RESOURCES, IN_POD_RESOURCES):
        assert resources["requests"].keys() == resources["limits"].keys() == {"cpu", "memory"}


def test_a_firing_that_does_not_start_is_ended_after_ten_minutes_or_what_the_chart_says() -> None:
    def timeout(*values: str) -> int:
        given = {entry["name"]: entry.get("value", "x") for entry in container("operator", *values)["env"]}
        return OperatorSettings.read(given).run_start_timeout_seconds

    assert timeout() == 600
    assert timeout("runs.startTimeoutSeconds=1000000") == 1_000_000
    assert timeout("runs.startTimeoutSeconds=0") == 0


def test_what_is_expected_of_all_graphcrons_reaches_the_operator() -> None:
    def expected(*values: str) -> Expect:
        given = {entry["name"]: entry.get("value", "x") for entry in container("operator", *values)["env"]}
        return OperatorSettings.read(given).run_expect

    assert expected() == Expect()
    assert expected("runs.expect.successWithin=26h", "runs.expect.startWithin=5m") == Expect(
        success_within="26h", start_within="5m"
    )


def test_prices_reach_the_operator_and_one_template_of_traces_both_components() -> None:
    def ledger(*values: str) -> Ledger:
        given = {entry["name"]: entry.get("value", "x") for entry in container("operator", *values)["env"]}
        return OperatorSettings.read(given).ledger

    def of_the_console(*values: str) -> str | None:
        console = ("facade.console.enabled=true", "facade.console.existingSecret=sessions")
        given = {entry["name"]: entry.get("value") for entry in container("facade", *console, *values)["env"]}
        return given.get("GRAPHCRON_TRACE_URL")

    assert ledger() == Ledger()
    found = ledger('prices.models:={"gpt-4o*":{"input":"2.50","output":10}}', "prices.currency=EUR").prices
    assert (found.currency, found.models["gpt-4o*"].input, found.models["gpt-4o*"].cached) == (
        "EUR",
        Decimal("2.5"),
        None,
    )
    new, old = "https://new.example/{run_id}", "https://old.example/{run_id}"
    both = (f'traceUrl:="{new}"', f'facade.console.traceUrlTemplate:="{old}"')
    for values, expected in (((), None), (both[:1], new), (both[1:], old), (both, old)):
        assert (ledger(*values).trace_url or None, of_the_console(*values)) == (expected, expected)


def test_the_installation_is_paused_when_a_reason_is_given() -> None:
    def paused(*values: str) -> str | None:
        given = {entry["name"]: entry.get("value", "x") for entry in container("operator", *values)["env"]}
        return OperatorSettings.read(given).paused

    assert paused() is None
    assert paused("paused=Budget: 100 % spent") == "Budget: 100 % spent"


def test_large_user_ids_of_a_values_file_stay_whole_numbers() -> None:
    """Helm reads numbers of files as floating point."""
    rendered = helm("template", "x", str(CHART), "-f", str(CHART / "ci/everything-values.yaml"))
    (deployment,) = (
        item
        for item in yaml.safe_load_all(rendered.stdout)
        if item and item["metadata"]["name"] == "x-graphcron-operator" and item["kind"] == "Deployment"
    )
    (operator,) = deployment["spec"]["template"]["spec"]["containers"]
    (value,) = (entry["value"] for entry in operator["env"] if entry["name"] == "GRAPHCRON_RUN_POD_SECURITY_CONTEXT")
    assert '"runAsUser":1000680000' in value


def test_run_pods_have_an_account_of_the_chart_at_home_and_the_default_elsewhere_unless_one_is_named() -> None:
    def accounts(*values: str) -> tuple[str | None, str | None, bool]:
        pods, made = run_pods(*values), [item["metadata"]["name"] for item in render(*values) if is_account(item)]
        return pods.service_account, pods.service_account_elsewhere, "graphcron-run" in made

    assert accounts() == ("graphcron-run", None, True)
    assert accounts("runs.serviceAccountName=agents") == ("agents", "agents", False)


def is_account(item: Manifest) -> bool:
    return bool(item["kind"] == "ServiceAccount")


@components
def test_an_account_has_the_annotations_of_a_clouds_identity(component: str) -> None:
    name = f"graphcron-{component}"
    assert "annotations" not in one("ServiceAccount", name, *there(component))["metadata"]
    account = one(
        "ServiceAccount", name, *there(component), f"{component}.serviceAccount.annotations.example\\.com/role=r"
    )
    assert account["metadata"]["annotations"] == {"example.com/role": "r"}


NAMED: dict[str, tuple[tuple[str, ...], str, str]] = {
    "the release, which contains the chart's name": ((), "graphcron", "graphcron"),
    "the release and another name of the chart": (("nameOverride=crons",), "graphcron-crons", "graphcron"),
    "one name for all": (("fullnameOverride=agents",), "agents", "graphcron"),
    "both": (("fullnameOverride=agents", "nameOverride=crons"), "agents", "graphcron"),
    "a long one, of which 40 characters count": (("fullnameOverride=" + "a" * 50,), "a" * 40, "graphcron"),
}


@pytest.mark.parametrize(("values", "whole", "name"), NAMED.values(), ids=NAMED)
def test_names_are_overridden_everywhere(values: tuple[str, ...], whole: str, name: str) -> None:
    monitoring = [f"metrics.{kind}.enabled=true" for kind in ("serviceMonitor", "alerts", "dashboard")]
    for item in render(*values, *monitoring, *POLICIES, *GATEWAY, *NOTIFIER):
        assert item["metadata"]["labels"]["app.kubernetes.io/name"] == name
        if item["kind"] != "CustomResourceDefinition":
            assert item["metadata"]["name"].startswith((whole, f"ns-{whole}"))
    spec = one("Deployment", f"{whole}-operator", *values)["spec"]
    assert spec["selector"]["matchLabels"]["app.kubernetes.io/name"] == name
    assert spec["template"]["spec"]["serviceAccountName"] == f"{whole}-operator"
    monitor = one("ServiceMonitor", whole, *values, *monitoring)["spec"]["selector"]["matchLabels"]
    assert monitor.items() <= spec["template"]["metadata"]["labels"].items()


@components
def test_pod_labels_come_in_addition_and_never_replace_what_a_selector_looks_for(component: str) -> None:
    values = (f"{component}.podLabels.team=blue", f"{component}.podLabels.app\\.kubernetes\\.io/component=mine")
    labels = pod(component, *values)["metadata"]["labels"]
    assert labels == pod(component)["metadata"]["labels"] | {"team": "blue"}
    assert "team" not in deployment(component, *values)["spec"]["selector"]["matchLabels"]


def test_common_labels_are_on_every_object_and_in_no_selector() -> None:
    monitoring = [f"metrics.{name}.enabled=true" for name in ("serviceMonitor", "alerts", "dashboard")]
    switches = ("facade.podDisruptionBudget.enabled=true", "facade.autoscaling.enabled=true", *POLICIES, *monitoring)
    ingress = ("facade.ingress.enabled=true", "facade.ingress.host=agents.example.com")
    values = ("commonLabels.team=blue", *switches, *ingress, *GATEWAY, *NOTIFIER)
    for item in render(*values):
        assert item["metadata"]["labels"]["team"] == "blue", item["kind"]
        assert item["metadata"]["labels"]["app.kubernetes.io/name"] == "graphcron", item["kind"]
        assert "blue" not in str(item.get("spec", {}).get("selector", "")), item["kind"]
    for component in COMPONENTS:
        assert pod(component, *values)["metadata"]["labels"]["team"] == "blue"
    assert render("commonLabels.app\\.kubernetes\\.io/instance=x") == render()


@components
def test_extra_environment_comes_in_addition(component: str) -> None:
    extra = [{"name": "SSL_CERT_FILE", "value": "/x"}]
    usual = container(component)["env"]
    assert container(component, f'{component}.extraEnv:=[{{"name":"SSL_CERT_FILE","value":"/x"}}]')["env"] == (
        usual + extra
    )


@components
@pytest.mark.parametrize("ca", [[], ["agentServer.caConfigMap=company-ca"]], ids=["alone", "beside the CA"])
def test_extra_volumes_come_with_their_mounts(component: str, ca: list[str]) -> None:
    values = (
        *ca,
        f'{component}.extraVolumes:=[{{"name":"extra","emptyDir":{{}}}}]',
        f'{component}.extraVolumeMounts:=[{{"name":"extra","mountPath":"/extra"}}]',
    )
    usual_volumes = pod(component, *ca)["spec"].get("volumes", [])
    usual_mounts = container(component, *ca).get("volumeMounts", [])
    own = component == "operator" or (bool(ca) and component == "facade")
    assert len(usual_mounts) == len(usual_volumes) == int(own)
    assert pod(component, *values)["spec"]["volumes"] == [*usual_volumes, {"name": "extra", "emptyDir": {}}]
    assert container(component, *values)["volumeMounts"] == [*usual_mounts, {"name": "extra", "mountPath": "/extra"}]


@components
def test_a_spread_without_a_selector_counts_the_components_own_pods(component: str) -> None:
    spread = '{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"'
    own, given = pod(component, f'{component}.topologySpreadConstraints:=[{spread}}},{spread},"labelSelector":{{}}}}]')[
        "spec"
    ]["topologySpreadConstraints"]
    assert own["labelSelector"] == deployment(component)["spec"]["selector"]
    assert given["labelSelector"] == {}
    assert own["topologyKey"] == given["topologyKey"] == "zone"


@components
def test_a_priority_class_reaches_the_pods(component: str) -> None:
    assert pod(component, f"{component}.priorityClassName=high")["spec"]["priorityClassName"] == "high"
    assert "priorityClassName" not in pod(component)["spec"]


@pytest.mark.parametrize(("given", "rendered"), [("1", 1), ("50%", "50%")])
def test_a_budget_holds_for_the_facades_pods(given: str, rendered: int | str) -> None:
    values = ("facade.podDisruptionBudget.enabled=true", f"facade.podDisruptionBudget.maxUnavailable={given}")
    spec = one("PodDisruptionBudget", "graphcron-facade", *values)["spec"]
    assert spec["maxUnavailable"] == rendered
    assert spec["selector"] == deployment("facade")["spec"]["selector"]


def test_an_autoscaler_owns_the_number_of_facades() -> None:
    values = ("facade.autoscaling.enabled=true", "facade.autoscaling.maxReplicas=7")
    spec = one("HorizontalPodAutoscaler", "graphcron-facade", *values)["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 7)
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "graphcron-facade"}
    assert "replicas" not in deployment("facade", *values)["spec"], "an upgrade would undo what the autoscaler did"
    assert deployment("facade", "facade.replicas=3")["spec"]["replicas"] == 3


def ingress(*values: str) -> Manifest:
    on = ("facade.ingress.enabled=true", "facade.ingress.host=agents.example.com")
    found: Manifest = one("Ingress", "graphcron-facade", *on, *values)["spec"]
    return found


def paths(spec: Manifest) -> list[tuple[str, str]]:
    (rule,) = spec["rules"]
    assert rule["host"] == "agents.example.com"
    service = {"name": "graphcron-facade", "port": {"name": "http"}}
    assert all(path["backend"]["service"] == service for path in rule["http"]["paths"])
    return [(path["path"], path["pathType"]) for path in rule["http"]["paths"]]


def test_an_ingress_sends_everything_through_the_facade_or_only_the_crons() -> None:
    assert paths(ingress()) == [("/", "Prefix")]
    assert paths(ingress("facade.ingress.paths=crons")) == [("/runs/crons", "Prefix")]
    pattern = {"path": "/threads/.+/runs/crons", "pathType": "ImplementationSpecific"}
    extra = f'facade.ingress.extraPaths:=[{{"path":"{pattern["path"]}","pathType":"{pattern["pathType"]}"}}]'
    assert paths(ingress("facade.ingress.paths=crons", extra)) == [("/runs/crons", "Prefix"), tuple(pattern.values())]


def test_an_ingress_has_its_class_annotations_and_certificate() -> None:
    tls = 'facade.ingress.tls:=[{"hosts":["agents.example.com"],"secretName":"cert"}]'
    spec = ingress("facade.ingress.className=nginx", tls)
    assert (spec["ingressClassName"], spec["tls"][0]["secretName"]) == ("nginx", "cert")
    assert {"ingressClassName", "tls"}.isdisjoint(ingress())
    on = ("facade.ingress.enabled=true", "facade.ingress.host=x", "facade.ingress.annotations.a=b")
    assert one("Ingress", "graphcron-facade", *on)["metadata"]["annotations"] == {"a": "b"}


GATEWAY = ("facade.httpRoute.enabled=true", "facade.httpRoute.parentRefs[0].name=public")


def matches(*values: str) -> list[dict[str, str]]:
    (rule,) = one("HTTPRoute", "graphcron-facade", *GATEWAY, *values)["spec"]["rules"]
    return [match["path"] for match in rule["matches"]]


def test_an_http_route_sends_everything_through_the_facade_or_only_the_crons() -> None:
    crons = {"type": "PathPrefix", "value": "/runs/crons"}
    assert matches() == [{"type": "PathPrefix", "value": "/"}]
    assert matches("facade.httpRoute.paths=crons") == [crons]
    pattern = '{"type":"RegularExpression","value":"/threads/.+/runs/crons"}'
    extra = f"facade.httpRoute.extraPaths:=[{pattern}]"
    assert matches("facade.httpRoute.paths=crons", extra) == [crons, json.loads(pattern)]


def test_an_http_route_has_its_gateway_names_and_service() -> None:
    names = ("facade.httpRoute.hostnames[0]=agents.example.com", "facade.httpRoute.annotations.a=b")
    route = one("HTTPRoute", "graphcron-facade", *GATEWAY, *names, "facade.service.port=8080")
    assert route["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert route["metadata"]["annotations"] == {"a": "b"}
    assert route["spec"]["parentRefs"] == [{"name": "public"}]
    assert route["spec"]["hostnames"] == ["agents.example.com"]
    (rule,) = route["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": "graphcron-facade", "port": 8080}]
    assert rule["timeouts"] == {"request": "0s"}, "streams last as long as their runs"
    bare = one("HTTPRoute", "graphcron-facade", *GATEWAY)
    assert "hostnames" not in bare["spec"]
    assert "annotations" not in bare["metadata"]


def test_without_a_facade_nothing_of_it_is_there_whatever_else_is_on() -> None:
    on = ("facade.podDisruptionBudget.enabled=true", "facade.autoscaling.enabled=true", "facade.ingress.enabled=true")
    found = render("facade.enabled=false", "facade.ingress.host=x", *on, *GATEWAY, *POLICIES)
    assert not [item for item in found if "facade" in item["metadata"]["name"]]


def run_policy(*values: str) -> Manifest:
    found: Manifest = one("NetworkPolicy", "graphcron-run", *POLICIES, *values)["spec"]
    return found


def test_run_pods_reach_dns_and_the_agent_server_and_nobody_reaches_them() -> None:
    policy = run_policy()
    dns, agent_server = policy["egress"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == []
    assert dns["ports"] == [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    assert dns["to"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]
    assert agent_server == {"to": [{"podSelector": {"matchLabels": {"app": "agent-server"}}}]}


def test_the_policy_finds_run_pods_by_what_the_operator_sets_on_them() -> None:
    assert run_policy()["podSelector"] == {
        "matchLabels": MANAGED_BY,
        "matchExpressions": [{"key": CRON_LABEL, "operator": "Exists"}],
    }
    for component in COMPONENTS:
        assert CRON_LABEL not in pod(component, *POLICIES)["metadata"]["labels"]


def test_ports_and_places_of_dns_and_agent_server_are_open_to_change() -> None:
    values = ("networkPolicy.dns.ports:=[5353]", "networkPolicy.dns.to:=[]", "networkPolicy.agentServer.ports:=[8000]")
    dns, agent_server = run_policy(*values)["egress"]
    assert {port["port"] for port in dns["ports"]} == {5353}
    assert "to" not in dns
    assert agent_server["ports"] == [{"port": 8000, "protocol": "TCP"}]


def test_each_namespace_with_graphcrons_gets_the_policy_once() -> None:
    found = render(*POLICIES, 'networkPolicy.namespaces:=["a","b","ns"]')
    policies = [item["metadata"] for item in found if item["kind"] == "NetworkPolicy"]
    assert sorted(policy["namespace"] for policy in policies if policy["name"] == "graphcron-run") == ["a", "b", "ns"]


def test_the_facade_is_reached_on_its_port_by_whom_it_may_concern() -> None:
    def rules(*values: str) -> list[Manifest]:
        spec = one("NetworkPolicy", "graphcron-facade", *POLICIES, *values)["spec"]
        assert spec["policyTypes"] == ["Ingress"]
        assert spec["podSelector"] == deployment("facade")["spec"]["selector"]
        found: list[Manifest] = spec["ingress"]
        return found

    http, metrics = ({"ports": [{"port": port, "protocol": "TCP"}]} for port in ("http", "metrics"))
    some: Manifest = {"from": [{"podSelector": {}}]}
    assert rules() == [http, metrics]
    assert rules('networkPolicy.facade.from:=[{"podSelector":{}}]') == [http | some, metrics]
    assert rules('networkPolicy.metrics.from:=[{"podSelector":{}}]') == [http, metrics | some]


PROXY = ("proxy.http=http://plain:1", "proxy.https=http://tls:2")
NO_PROXY = "localhost,127.0.0.1,.svc,.cluster.local"


def test_run_pods_and_facade_have_the_proxies_and_the_operator_has_none() -> None:
    given = {"HTTP_PROXY": "http://plain:1", "HTTPS_PROXY": "http://tls:2", "NO_PROXY": NO_PROXY}
    assert {entry["name"]: entry["value"] for entry in run_pods(*PROXY).extra_env} == given
    facade = {entry["name"]: entry.get("value") for entry in container("facade", *PROXY)["env"]}
    assert given.items() <= facade.items()
    assert not {entry["name"] for entry in container("operator", *PROXY)["env"]} & given.keys()
    assert run_pods().extra_env == ()
    assert "PROXY" not in str(container("facade")["env"])


def test_one_scheme_alone_may_have_a_proxy() -> None:
    given = {entry["name"]: entry["value"] for entry in run_pods(PROXY[1], 'proxy.noProxy:=["10.0.0.0/8"]').extra_env}
    assert given == {"HTTPS_PROXY": "http://tls:2", "NO_PROXY": "10.0.0.0/8"}


def test_credentials_of_a_proxy_come_from_a_secret() -> None:
    (http, https, _) = run_pods("proxy.existingSecret=company-proxy").extra_env
    for entry, key in ((http, "http"), (https, "https")):
        assert entry["valueFrom"] == {"secretKeyRef": {"name": "company-proxy", "key": key}}
        assert entry in container("facade", "proxy.existingSecret=company-proxy")["env"]


def test_variables_of_run_pods_reach_the_operator_as_they_are() -> None:
    entries = [{"name": "A", "value": "$(B) $$"}, {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]
    found = {
        entry["name"]: entry.get("value", "x")
        for entry in container("operator", f"runs.extraEnv:={json.dumps(entries)}")["env"]
    }
    # Kubernetes makes one dollar of two.
    assert json.loads(found["GRAPHCRON_RUN_EXTRA_ENV"].replace("$$", "$")) == entries


def test_the_authority_is_lent_to_other_servers_only_when_asked() -> None:
    assert not run_pods("agentServer.caConfigMap=ca").ca_for_own_servers
    assert run_pods("agentServer.caConfigMap=ca", "agentServer.caForOwnServers=true").ca_for_own_servers


def test_policies_let_run_pods_reach_the_proxies() -> None:
    values = (
        *PROXY,
        'networkPolicy.proxy.to:=[{"ipBlock":{"cidr":"10.1.2.3/32"}}]',
        "networkPolicy.proxy.ports:=[3128]",
    )
    to = {"to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}], "ports": [{"port": 3128, "protocol": "TCP"}]}
    images = 'runs.inPod.images:=["*"]'
    for name in ("graphcron-run", "graphcron-run-in-pod"):
        with_proxy = one("NetworkPolicy", name, *POLICIES, images, *values)["spec"]["egress"]
        without = one("NetworkPolicy", name, *POLICIES, images)["spec"]["egress"]
        assert [rule for rule in with_proxy if rule not in without] == [to]
    alone = one("NetworkPolicy", "graphcron-run", "networkPolicy.enabled=true", *values)["spec"]["egress"]
    assert to in alone, "the Agent Server may be behind the proxy"


REFUSED = {
    "an autoscaler's range upside down": (
        ["facade.autoscaling.enabled=true", "facade.autoscaling.minReplicas=9"],
        "facade.autoscaling.minReplicas (9) is more than maxReplicas (5)",
    ),
    "an autoscaler with nothing to aim at": (
        ["facade.autoscaling.enabled=true", "facade.resources.requests.cpu=null"],
        "facade.autoscaling needs facade.resources.requests.cpu",
    ),
    "an Ingress without a host": (["facade.ingress.enabled=true"], "facade.ingress.host is not set"),
    "an Ingress for paths that are none": (["facade.ingress.paths=some"], "/facade/ingress/paths"),
    "an HTTPRoute without a Gateway": (["facade.httpRoute.enabled=true"], "facade.httpRoute.parentRefs is empty"),
    "an HTTPRoute for paths that are none": (["facade.httpRoute.paths=some"], "/facade/httpRoute/paths"),
    "a Gateway without a name": (["facade.httpRoute.parentRefs[0].namespace=x"], "/facade/httpRoute/parentRefs/0"),
    "a host name with a scheme": (["facade.httpRoute.hostnames[0]=http://x"], "/facade/httpRoute/hostnames/0"),
    "a pattern of no type": (["facade.httpRoute.extraPaths[0].value=/x"], "/facade/httpRoute/extraPaths/0"),
    "a path of no type": (['facade.ingress.extraPaths[0].path="/x"'], "pathType"),
    "a policy that would cut run pods off": (["networkPolicy.enabled=true"], "networkPolicy.agentServer.to is empty"),
    "a peer that is everybody": (["networkPolicy.agentServer.to[0]=x"], "/networkPolicy/agentServer/to/0"),
    "a budget in words": (["facade.podDisruptionBudget.maxUnavailable=some"], "/facade/podDisruptionBudget"),
    "a label that is a number": (["commonLabels.team=1"], "/commonLabels/team"),
    "a pod label that is a number": (["facade.podLabels.team=1"], "/facade/podLabels/team"),
    "a variable without a name": (["operator.extraEnv[0].value=x"], "/operator/extraEnv/0"),
    "a variable of ours for run pods": (["runs.extraEnv[0].name=GRAPHCRON_ORDER"], "GRAPHCRON_ORDER, which is Graph"),
    "a variable of two spellings": (["runs.extraEnv[0].name=X", "runs.extraEnv[0].val=x"], "/runs/extraEnv/0"),
    "a proxy with a password for all to read": (["proxy.https=http://ann:s3cret@proxy:1"], "/proxy/https"),
    "proxies twice": (["proxy.https=http://proxy:1", "proxy.existingSecret=x"], "the Secret has both URLs"),
    "a policy that would cut run pods off from the proxy": (
        ["networkPolicy.enabled=true", "proxy.https=http://proxy:1"],
        "networkPolicy.proxy.to is empty",
    ),
    "a mount without a path": (["operator.extraVolumeMounts[0].name=x"], "/operator/extraVolumeMounts/0"),
    "a spread of nothing": (["facade.topologySpreadConstraints[0].maxSkew=1"], "/facade/topologySpreadConstraints/0"),
    "a name that Kubernetes would refuse": (["fullnameOverride=Agents"], "/fullnameOverride"),
    "an account with a name that is none": (["runs.serviceAccountName=Mine"], "/runs/serviceAccountName"),
    "a misspelt value deep inside": (["facade.ingress.hots=x"], "additional properties 'hots' not allowed"),
}


@pytest.mark.parametrize(("values", "sentence"), REFUSED.values(), ids=REFUSED)
def test_wrong_values_are_refused_with_a_sentence(values: list[str], sentence: str) -> None:
    done = helm("template", "graphcron", str(CHART), *(w for v in (URL, *values) for w in ("--set", v)))
    assert done.returncode != 0
    assert sentence in done.stderr


def test_limits_of_slow_clients_reach_the_facade() -> None:
    values = (
        "facade.limits.connections=100000",
        "facade.limits.connectionsPerClient=20000",
        "facade.limits.headerTimeoutSeconds:=2.5",
    )
    given = {entry["name"]: entry.get("value") for entry in container("facade", *values)["env"]}
    settings = FacadeSettings.read({name: value or "" for name, value in given.items()} | {"GRAPHCRON_NAMESPACE": "ns"})
    assert settings.limits == Limits(connections=100_000, header_seconds=2.5, per_client=20_000)
    assert settings.body_timeout == 30
