"""What only an apiserver can say of the chart: that it takes all that is rendered, and what the guard rails refuse.

It is one of the test's own, so nothing of a cluster that is there is touched.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cluster import commands
from cluster.control_plane import ControlPlane
from cluster.errors import ClusterError
from cluster.paths import HERE
from graphcron.resource.spec_parts import ONE_CA
from tests.chart.helm import CHART, URL, Manifest, policy, render
from tests.support.chart_apiserver import await_that, graphcron, kubectl, refusal
from tests.support.chart_examples import FOREIGN, examples, rendered
from tests.support.graphcron_apiserver import graphcron_apiserver

GUARDED = (
    'guardrails.agentServerHosts:=["agents.example.com","*.agents.svc"]',
    "guardrails.maxResources.cpu=2",
    "guardrails.maxResources.memory=1Gi",
    "guardrails.maxActiveDeadlineSeconds=3600",
    'guardrails.runAsUsers:=["1000","2000-2999"]',
)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("apiserver")) as plane:
        for namespace in ("ns", "elsewhere", "team-a", "team-b", "notifications"):
            plane.install({"metadata": {"name": namespace}}, "/api/v1/namespaces")
        # Helm makes it right before the pod of `helm test`, which the apiserver does not take without it.
        plane.install({"metadata": {"name": "graphcron-test"}}, "/api/v1/namespaces/ns/serviceaccounts")
        yield plane


@examples
def test_the_apiserver_takes_all_that_is_rendered(plane: ControlPlane, example: Path) -> None:
    ours = [item for item in rendered(example) if item["kind"] not in FOREIGN]
    apply = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")
    said = kubectl(plane, *apply, stdin=ours)
    assert len(said.splitlines()) == len(ours)
    assert "Warning" not in said


def test_two_authorities_of_a_server_are_refused_in_the_models_words(plane: ControlPlane) -> None:
    one, other = ({name: {"name": "ca", "key": "ca.crt"}} for name in ("caConfigMapKeyRef", "caSecretKeyRef"))
    own = {"url": "https://own.example"}
    assert refusal(plane, graphcron(server=own | one)) == refusal(plane, graphcron(server=own | other)) == ""
    assert ONE_CA in refusal(plane, graphcron(server=own | one | other))


def guard_rails(scope: str) -> list[Manifest]:
    found = policy(*GUARDED, scope=scope)
    assert len(found) == 2
    return found


def server(url: str) -> dict[str, Any]:
    return {"server": {"url": url}}


def user(**given: int) -> dict[str, Any]:
    return {"template": {"podSecurityContext": given}}


def resources(**given: Any) -> dict[str, Any]:
    return {"template": {"resources": given}}


ELSEWHERE = server("http://elsewhere.example")
ENOUGH = {"cpu": "1", "memory": "1024Mi"}


@pytest.fixture(scope="module")
def guarded(plane: ControlPlane) -> Iterator[ControlPlane]:
    # In a namespace: what is elsewhere shows that nothing else is held up.
    before = graphcron(**ELSEWHERE)
    before["metadata"]["name"] = "before"
    plane.install(before, "/apis/graphcron.dev/v1/namespaces/ns/graphcrons")
    kubectl(plane, "apply", stdin=guard_rails("namespace"))
    await_that(lambda: refusal(plane, graphcron(**server("http://new.example"))).find("not allowed here") > 0)
    yield plane
    kubectl(plane, "delete", stdin=guard_rails("namespace"))


ALLOWED = {
    "one that names nothing": {"enabled": False},
    "a host that is listed": server("https://agents.example.com:8443/base"),
    "a host in capitals": server("https://Agents.Example.com"),
    "a host below one that is listed": server("http://a.agents.svc"),
    "a scheduling of its own": {"template": {"nodeSelector": {"disk": "ssd"}}},
    "resources within the bounds": resources(limits=ENOUGH, requests={"cpu": "500m"}),
    "resources at the bounds, in other words": resources(limits={"cpu": "2000m", "memory": "1Gi"}),
    "a deadline at the bound": {"activeDeadlineSeconds": 3600},
    "users that are listed": user(runAsUser=1000, runAsGroup=2000, fsGroup=2999),
    "numbers": resources(limits={"cpu": 2, "memory": 1073741824}),
}


@pytest.mark.parametrize("spec", ALLOWED.values(), ids=ALLOWED)
def test_the_guard_rails_let_pass(guarded: ControlPlane, spec: dict[str, Any]) -> None:
    assert refusal(guarded, graphcron(**spec)) == ""


HOST = "spec.server.url names a host that is not allowed here; allowed are agents.example.com, *.agents.svc"
USERS = (
    "spec.template.podSecurityContext.{} is not allowed here; allowed are 1000, 2000-2999, "
    "and guardrails.runAsUsers of the Helm chart lists them"
)
REFUSED = {
    "a host that is not listed": (server("http://new.example"), HOST),
    "a host that ends alike": (server("http://evil-agents.example.com"), HOST),
    "a host that begins alike": (server("http://agents.example.com.evil.example"), HOST),
    "a listed host in the path": (server("http://evil.example/agents.example.com"), HOST),
    "what a wildcard stands before": (server("http://agents.svc"), HOST),
    "a user that is not listed": (user(runAsUser=1001), USERS.format("runAsUser")),
    "a group below a range": (user(runAsUser=1000, runAsGroup=1999), USERS.format("runAsGroup")),
    "a group above a range": (user(fsGroup=3000), USERS.format("fsGroup")),
    "a later deadline": (
        {"activeDeadlineSeconds": 3601},
        "spec.activeDeadlineSeconds is more than the 3600 that are allowed here, by guardrails.maxActive",
    ),
    "more CPU": (resources(limits=ENOUGH | {"cpu": "2001m"}), "spec.template.resources.limits.cpu is more than the 2"),
    "more memory": (resources(limits=ENOUGH | {"memory": "2Gi"}), "resources.limits.memory is more than the 1Gi"),
    "a larger request": (
        resources(limits=ENOUGH | {"cpu": 3}, requests={"cpu": 3}),
        "resources.requests.cpu is more than the 2",
    ),
    "no limit": (resources(limits={"cpu": "1"}), "spec.template.resources must have limits.memory, of at most the 1Gi"),
    "no limits": (resources(requests={"cpu": "1"}), "spec.template.resources must have limits.cpu"),
    "no quantity": (resources(limits=ENOUGH | {"cpu": "much"}), "resources.limits[cpu]"),
}


@pytest.mark.parametrize(("spec", "sentence"), REFUSED.values(), ids=REFUSED)
def test_the_guard_rails_refuse_with_a_sentence(guarded: ControlPlane, spec: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(guarded, graphcron(**spec))


def test_in_one_namespace_they_hold_nobody_up_elsewhere(guarded: ControlPlane) -> None:
    assert refusal(guarded, graphcron("elsewhere", **ELSEWHERE)) == ""


def test_what_was_there_before_can_be_labelled_mended_and_deleted(guarded: ControlPlane) -> None:
    path = "/apis/graphcron.dev/v1/namespaces/ns/graphcrons/before"
    _, old = guarded.api.request("GET", path)
    assert old["spec"]["server"] == ELSEWHERE["server"]
    old["metadata"]["labels"] = {"team": "blue"}
    assert guarded.api.request("PUT", path + "?dryRun=All", old)[0] == 200
    del old["spec"]["server"]
    assert guarded.api.request("PUT", path + "?dryRun=All", old)[0] == 200
    old["spec"]["server"] = server("http://new.example")["server"]
    assert guarded.api.request("PUT", path + "?dryRun=All", old)[0] == 422
    assert guarded.api.request("DELETE", path + "?dryRun=All")[0] == 200


def test_they_are_bound_to_what_the_operator_watches_and_asked_about_graphcrons_alone() -> None:
    for scope in ("cluster", "namespace"):
        definition, binding = guard_rails(scope)
        (rule,) = definition["spec"]["matchConstraints"]["resourceRules"]
        assert (rule["apiGroups"], rule["resources"]) == (["graphcron.dev"], ["graphcrons"])
        assert binding["spec"]["policyName"] == definition["metadata"]["name"]
        selected = binding["spec"].get("matchResources", {}).get("namespaceSelector")
        assert selected == ({"matchLabels": {"kubernetes.io/metadata.name": "ns"}} if scope == "namespace" else None)


def test_without_a_rule_there_is_no_policy_and_no_quota() -> None:
    assert not {item["kind"] for item in render()} & {"ValidatingAdmissionPolicy", "ResourceQuota"}
    assert not policy("guardrails.graphcronsPerNamespace=9", scope="cluster")


def test_each_namespace_has_the_quota_once() -> None:
    on = ("guardrails.graphcronsPerNamespace=2000000", 'guardrails.namespaces:=["ns","team-a"]')
    quotas = [item for item in render(*on) if item["kind"] == "ResourceQuota"]
    assert [item["metadata"]["namespace"] for item in quotas] == ["ns", "team-a"]
    assert all(item["spec"]["hard"] == {"count/graphcrons.graphcron.dev": "2000000"} for item in quotas)


OWNERS = ("facade.auth.mode=apiKeys", "facade.auth.existingSecret=keys")
OTHERS = ("agentServer.existingSecret=keys",)
MISTAKEN: dict[str, tuple[tuple[str, ...], dict[str, str], str]] = {
    "no Agent Server": (
        ("agentServer.url=",),
        {},
        "agentServer.url is not set: it is the base URL of your Agent Server",
    ),
    "a misspelt value": (("agentServer.ur1=x",), {}, "at '/agentServer': additional properties 'ur1' not allowed"),
    "a Secret without owners": (
        OWNERS,
        {},
        "Secret keys of namespace ns, which facade.auth.existingSecret names, is empty",
    ),
    "an owner without a key": (OWNERS, {"ada": "\n"}, "has no API key for its owner ada: put one there, or remove"),
    "a Secret without the key": (
        OTHERS,
        {"other": "x"},
        "agentServer.existingSecret names, holds no API key as api-key",
    ),
    "a Secret with an empty key": (
        OTHERS,
        {"api-key": ""},
        "holds no API key as api-key: put it there, or name the key",
    ),
}


@pytest.mark.parametrize(("values", "secret", "sentence"), MISTAKEN.values(), ids=MISTAKEN)
def test_a_mistake_is_a_sentence_and_nothing_is_installed(
    plane: ControlPlane, values: tuple[str, ...], secret: dict[str, str], sentence: str
) -> None:
    with keys(plane, secret), pytest.raises(ClusterError) as refused:
        helm_install(plane, *values)
    assert sentence in str(refused.value)
    status, answer = plane.api.request("GET", "/api/v1/namespaces/ns/secrets")
    assert (status, answer["items"]) == (200, []), "Helm keeps releases in Secrets, failed ones too"
    status, answer = plane.api.request("GET", "/apis/apps/v1/namespaces/ns/deployments")
    assert (status, answer["items"]) == (200, [])


def test_a_secret_that_is_still_to_come_is_no_mistake_and_the_notes_tell_of_it(plane: ControlPlane) -> None:
    with installed(plane, *OWNERS, "agentServer.existingSecret=other") as notes:
        assert "NOT YET: Secret keys is not in namespace ns; the facade starts when it is:" in notes
        assert "kubectl create secret generic other -n ns --from-literal=api-key=" in notes


def test_with_secrets_that_have_what_they_should_nothing_is_to_be_told(plane: ControlPlane) -> None:
    with keys(plane, {"api-key": "sixteen letters."}), installed(plane, *OWNERS, *OTHERS) as notes:
        assert "NOT YET" not in notes
        assert "port-forward -n ns service/mistaken-graphcron-facade 8080:80" in notes


def test_what_belongs_to_nobody_is_taken_over_when_helm_is_told_to(plane: ControlPlane) -> None:
    """As the chart's README says: here it is the CRD, which was applied by hand."""
    with pytest.raises(ClusterError, match="cannot be imported into the current release"):
        helm_install(plane, "crds.enabled=true")
    with installed(plane, "crds.enabled=true", more=["--take-ownership"]) as notes:
        assert "The operator reconciles" in notes
    assert plane.api.request("GET", "/apis/graphcron.dev/v1/graphcrons")[0] == 200, "an uninstall keeps it"


def test_the_certificate_of_the_webhook_outlives_an_upgrade(plane: ControlPlane) -> None:
    """A new one would take a minute to reach the operator, and nobody would be asked meanwhile."""

    def certificate() -> tuple[str, str]:
        secret = plane.api.request("GET", "/api/v1/namespaces/ns/secrets/mistaken-graphcron-webhook")[1]
        hooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
        hook = plane.api.request("GET", f"{hooks}/ns-mistaken-graphcron-webhook")[1]
        return secret["data"]["tls.crt"], hook["webhooks"][0]["clientConfig"]["caBundle"]

    with installed(plane, "webhook.enabled=true"):
        before = certificate()
        again = [*HELM, "upgrade", "mistaken", CHART, "--reuse-values", "--set", "operator.logLevel=DEBUG"]
        commands.run(again, env=commands.environment(plane.kubeconfig))
        assert certificate() == before


@contextmanager
def installed(plane: ControlPlane, *values: str, more: Sequence[str] = ()) -> Iterator[str]:
    """What Helm prints."""
    yield helm_install(plane, *values, more=more)
    commands.run([*HELM, "uninstall", "mistaken"], env=commands.environment(plane.kubeconfig))


HELM: list[str | Path] = [HERE.bin / "helm", "--namespace", "ns"]


def helm_install(plane: ControlPlane, *values: str, more: Sequence[str] = ()) -> str:
    """With these values, and more words for Helm."""
    # The CRD is there, and not by this release.
    words = [word for value in (URL, "crds.enabled=false", *values) for word in ("--set", value)]
    return commands.run(
        [*HELM, "install", "mistaken", CHART, *words, *more], env=commands.environment(plane.kubeconfig)
    )


@contextmanager
def keys(plane: ControlPlane, data: dict[str, str]) -> Iterator[None]:
    """The Secret `keys`."""
    path = "/api/v1/namespaces/ns/secrets"
    plane.install({"metadata": {"name": "keys"}, "stringData": data}, path)
    try:
        yield
    finally:
        plane.api.request("DELETE", f"{path}/keys")
