"""The notifier as the chart installs it: not at all unless asked, and then with no more than its work needs."""

import json

import pytest

from graphcron.notifier.settings import NotifierSettings
from tests.chart.helm import CHART, NOTIFIER, URL, Manifest, helm, one, render
from tests.support.chart_values import POLICIES

NAME = "graphcron-notifier"
EVERYWHERE = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]


def container(*values: str) -> Manifest:
    (found,) = one("Deployment", NAME, *NOTIFIER, *values)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(*values: str) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "from the pod") for entry in container(*values)["env"]}


def notifiers(*values: str) -> set[tuple[str, str]]:
    """Kind and namespace of what belongs to it."""
    items = [item for item in render(*values) if item["metadata"]["name"].startswith(NAME)]
    return {(item["kind"], item["metadata"].get("namespace", "")) for item in items}


def test_it_is_off_by_default_and_leaves_no_trace() -> None:
    assert notifiers(*POLICIES, "metrics.serviceMonitor.enabled=true") == set()
    assert "notifier" not in json.dumps([item for item in render() if item["kind"] != "CustomResourceDefinition"])


def test_switched_on_it_has_an_account_its_lease_and_no_way_in() -> None:
    assert notifiers(*NOTIFIER) == {
        ("ClusterRole", ""),
        ("ClusterRoleBinding", ""),
        *((kind, "ns") for kind in ("Deployment", "ServiceAccount", "Lease", "Role", "RoleBinding")),
    }
    lease, create = one("Role", f"{NAME}-lease", *NOTIFIER)["rules"]
    assert (lease["resourceNames"], lease["verbs"], create["verbs"]) == ([NAME], ["get", "update"], ["create"])
    assert environment()["GRAPHCRON_LEASE"] == NAME


def test_in_one_namespace_it_needs_nothing_cluster_wide() -> None:
    own = 'notifier.secrets:=[{"namespace":"ns","names":["slack-url"]}]'
    found = notifiers(*NOTIFIER, "scope=namespace", own)
    assert {namespace for _, namespace in found} == {"ns"}
    assert "GRAPHCRON_WATCH_NAMESPACE" in environment("scope=namespace")
    assert "GRAPHCRON_WATCH_NAMESPACE" not in environment()


def test_it_reads_the_secrets_that_the_administrator_names_and_no_other() -> None:
    assert "secrets" not in json.dumps([item for item in render(*NOTIFIER) if item["kind"].endswith("Role")])
    entries = [{"namespace": "team-a", "names": ["slack-url", "signing"]}, {"namespace": "team-b"}]
    values = (*NOTIFIER, f"notifier.secrets:={json.dumps(entries)}")
    roles = {
        item["metadata"]["namespace"]: item["rules"]
        for item in render(*values)
        if item["metadata"]["name"] == f"{NAME}-secrets" and item["kind"] == "Role"
    }
    everything = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    assert roles == {"team-a": [everything | {"resourceNames": ["slack-url", "signing"]}], "team-b": [everything]}
    bound = [item for item in render(*values) if item["kind"] == "RoleBinding"]
    assert {
        item["metadata"]["namespace"]: item["subjects"]
        for item in bound
        if item["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": f"{NAME}-secrets"}
    } == {name: [{"kind": "ServiceAccount", "name": NAME, "namespace": "ns"}] for name in ("team-a", "team-b")}


def settings(*values: str) -> NotifierSettings:
    return NotifierSettings.read(environment(*values))


def test_what_the_administrator_says_reaches_the_notifier() -> None:
    assert (settings().allowed_hosts, settings().messages_per_minute) == (("hooks.slack.com",), 60)
    assert (settings().console_url, settings().trace_url, settings().ca_file) == (None, None, None)
    given = settings(
        "notifier.allowedHosts={*.example.com,hooks.slack.com,10.1.2.3,fd00::1}",
        "notifier.messagesPerMinute=5",
        "notifier.consoleUrl=https://agents.example.com/console",
        'facade.console.traceUrlTemplate:="https://trace.example/r/{run_id}"',
    )
    assert given.allowed_hosts == ("*.example.com", "hooks.slack.com", "10.1.2.3", "fd00::1")
    assert given.messages_per_minute == 5
    assert given.console_url == "https://agents.example.com/console"
    assert given.trace_url == "https://trace.example/r/{run_id}"


def test_a_private_authority_is_mounted_where_the_notifier_looks() -> None:
    private = "notifier.caConfigMap=company-ca"
    (mount,) = container(private)["volumeMounts"]
    assert settings(private).ca_file == f"{mount['mountPath']}/ca.crt"
    (volume,) = one("Deployment", NAME, *NOTIFIER, private)["spec"]["template"]["spec"]["volumes"]
    assert volume == {"name": mount["name"], "configMap": {"name": "company-ca"}}
    assert "volumeMounts" not in container()


def test_its_probes_ask_where_it_answers() -> None:
    found = container()
    ports = {port["name"]: port["containerPort"] for port in found["ports"]}
    assert ports == {"health": settings().health_port, "metrics": 9090}
    assert found["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert found["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}


def test_two_outlive_an_upgrade_and_a_drain() -> None:
    two = (*NOTIFIER, "notifier.replicas=2")
    spec = one("Deployment", NAME, *two)["spec"]
    assert (spec["replicas"], spec["strategy"]["rollingUpdate"]) == (2, {"maxSurge": 1, "maxUnavailable": 0})
    assert one("PodDisruptionBudget", NAME, *two)["spec"]["selector"] == spec["selector"]


def egress(*values: str) -> list[Manifest]:
    spec = one("NetworkPolicy", NAME, *NOTIFIER, *POLICIES, *values)["spec"]
    assert spec["podSelector"] == one("Deployment", NAME, *NOTIFIER)["spec"]["selector"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert [rule["ports"] for rule in spec["ingress"]] == [[{"port": "metrics", "protocol": "TCP"}]]
    found: list[Manifest] = spec["egress"]
    return found


def tcp(*ports: int) -> list[Manifest]:
    return [{"port": port, "protocol": "TCP"} for port in ports]


def test_it_reaches_dns_the_apiserver_and_the_ports_of_receivers() -> None:
    dns, apiserver, receivers = egress()
    assert dns["ports"] == EVERYWHERE
    assert (apiserver, receivers) == ({"ports": tcp(443, 6443)}, {"ports": tcp(443, 465, 587)})


def test_where_the_apiserver_and_the_receivers_are_is_open_to_change() -> None:
    _, apiserver, receivers = egress(
        'networkPolicy.notifier.apiserver.to:=[{"ipBlock":{"cidr":"10.0.0.1/32"}}]',
        "networkPolicy.notifier.apiserver.ports:=[6443]",
        'networkPolicy.notifier.to:=[{"ipBlock":{"cidr":"203.0.113.0/24"}}]',
        "networkPolicy.notifier.ports:=[8443]",
    )
    assert apiserver == {"ports": tcp(6443), "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}]}
    assert receivers == {"ports": tcp(8443), "to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}


REFUSED = {
    "no host": (["notifier.enabled=true"], "notifier.allowedHosts is empty: name the hosts to which messages may go"),
    "a URL for a host": (["notifier.allowedHosts={https://hooks.slack.com}"], "/notifier/allowedHosts/0"),
    "every host": (["notifier.allowedHosts={*}"], "/notifier/allowedHosts/0"),
    "a host in capitals": (["notifier.allowedHosts={Hooks.slack.com}"], "/notifier/allowedHosts/0"),
    "Secrets of no namespace": ([*NOTIFIER, "notifier.secrets[0].names={a}"], "/notifier/secrets/0"),
    "a misspelt list of names": (
        [*NOTIFIER, "notifier.secrets[0].namespace=a", "notifier.secrets[0].name={b}"],
        "/notifier/secrets/0",
    ),
    "a namespace twice": (
        [*NOTIFIER, "notifier.secrets[0].namespace=team-a", "notifier.secrets[1].namespace=team-a"],
        "notifier.secrets has namespace team-a twice: put all names of its Secrets into one entry",
    ),
    "a namespace that it does not serve": (
        [*NOTIFIER, "scope=namespace", "notifier.secrets[0].namespace=team-a"],
        "notifier.secrets names namespace team-a, but with scope=namespace",
    ),
    "a console with a query": ([*NOTIFIER, "notifier.consoleUrl=https://x/?token=y"], "/notifier/consoleUrl"),
    "more messages than a channel may send": (["notifier.messagesPerMinute=61"], "/notifier/messagesPerMinute"),
}


@pytest.mark.parametrize(("values", "sentence"), REFUSED.values(), ids=REFUSED)
def test_wrong_values_are_refused_with_a_sentence(values: list[str], sentence: str) -> None:
    done = helm("template", "x", str(CHART), "--namespace", "ns", *(w for v in (URL, *values) for w in ("--set", v)))
    assert done.returncode != 0
    assert sentence in done.stderr


def test_no_secret_is_refused_since_kubernetes_would_read_it_as_all_of_them() -> None:
    words = (word for value in (URL, *NOTIFIER) for word in ("--set", value))
    none = 'notifier.secrets=[{"namespace": "team-a", "names": []}]'
    done = helm("template", "x", str(CHART), "--namespace", "ns", *words, "--set-json", none)
    assert done.returncode != 0
    assert "/notifier/secrets/0/names" in done.stderr
