"""docs/security.md names every permission that the chart grants, and grants every one that it names."""

import pytest

from tests.chart.helm import NOTIFIER, render, rules
from tests.support.permissions import Permission, listed, table


def granted(scope: str, mode: str = "", *, console: bool = False, notifier: str = "") -> set[Permission]:
    """By every binding of the release; `notifier` is the namespace of which it may read a Secret."""
    page = ["facade.console.enabled=true", "facade.console.existingSecret=console"] if console else []
    secrets = f'notifier.secrets:=[{{"namespace": "{notifier}", "names": ["slack-url"]}}]'
    items = render(f"scope={scope}", f"facade.auth.mode={mode}", *page, *([*NOTIFIER, secrets] if notifier else []))
    roles = {
        (item["kind"], item["metadata"]["name"]): item for item in items if item["kind"] in ("Role", "ClusterRole")
    }
    permissions = set()
    for binding in items:
        if not binding["kind"].endswith("RoleBinding"):
            continue
        role = roles[binding["roleRef"]["kind"], binding["roleRef"]["name"]]
        where = "cluster" if binding["kind"] == "ClusterRoleBinding" else binding["metadata"]["namespace"]
        for subject in binding["subjects"]:
            assert (subject["kind"], subject["namespace"]) == ("ServiceAccount", "ns")
            permissions |= {Permission(subject["name"], *rule, where) for rule in rules(role)}
    return permissions


@pytest.mark.parametrize("scope", ["cluster", "namespace"])
@pytest.mark.parametrize("mode", ["open", "tokenReview"])
@pytest.mark.parametrize("console", [False, True], ids=["without the console", "with the console"])
def test_what_is_granted_is_what_the_document_lists(scope: str, mode: str, console: bool) -> None:
    given, said = granted(scope, mode, console=console), listed(scope, mode, console=console)
    assert given - said == set(), "granted, and not in docs/security.md"
    assert said - given == set(), "in docs/security.md, and not granted"


@pytest.mark.parametrize(("scope", "namespace"), [("cluster", "team"), ("cluster", "ns"), ("namespace", "ns")])
def test_what_the_notifier_is_granted_is_what_the_document_lists(scope: str, namespace: str) -> None:
    given = granted(scope, notifier=namespace)
    assert given == listed(scope, notifier=namespace)
    assert {item.where for item in given if item.resource == "secrets"} == {namespace}
    assert {item.account for item in given if item.resource == "secrets"} == {"graphcron-notifier"}


def test_each_account_is_in_the_document_and_each_row_has_a_reason() -> None:
    accounts = {item["metadata"]["name"] for item in render(*NOTIFIER) if item["kind"] == "ServiceAccount"}
    assert accounts == {f"graphcron-{row[0]}" for row in table()}
    assert all(row[-1] for row in table())


@pytest.mark.parametrize("scope", ["cluster", "namespace"])
def test_no_account_but_the_notifier_reads_secrets_and_none_grants_itself_more(scope: str) -> None:
    """The rules that must not change by editing chart and document together."""
    everything = granted(scope, "tokenReview", console=True, notifier="ns")
    assert {item for item in everything if item.resource == "secrets"} == {
        Permission("graphcron-notifier", "secrets", "get", "ns")
    }, "none but the notifier's, one at a time"
    for permission in everything:
        assert permission.resource not in ("pods/exec", "serviceaccounts/token")
        assert "*" not in permission.resource + permission.verb
        assert permission.verb not in ("bind", "escalate", "impersonate")
