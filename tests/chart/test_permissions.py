"""What an apiserver lets the chart's accounts do: what docs/security.md lists, and no more."""

import json
import re
from collections.abc import Iterator

import pytest

from cluster.errors import ClusterError
from examples.demo.session import Session
from tests.chart.helm import NOTIFIER
from tests.support.charts_operator import NAMESPACE, grant
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.permissions import listed


@pytest.fixture(scope="module", params=["cluster", "namespace"])
def scope(request: pytest.FixtureRequest) -> str:
    return str(request.param)


TEAMS = ("team-a", "team-b", "open")


@pytest.fixture(scope="module")
def session(scope: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with graphcron_apiserver(tmp_path_factory.mktemp(scope), NAMESPACE, *TEAMS) as plane:
        # The release's namespace by name in any case; those of teams only where there are channels of them.
        readable = [{"namespace": NAMESPACE, "names": ["ours"]}]
        if scope == "cluster":
            readable += [{"namespace": TEAMS[0], "names": ["slack-url", "signing"]}, {"namespace": "open"}]
        grant(plane, scope, *NOTIFIER, f"notifier.secrets:={json.dumps(readable)}")
        yield Session(NAMESPACE, plane.place)


FORBIDDEN: dict[str, list[tuple[str, ...]]] = {
    "operator": [
        ("get", "secrets"),
        ("list", "secrets"),
        ("create", "pods"),
        ("delete", "cronjobs"),
        ("update", "graphcrons"),
    ],
    "facade": [
        ("get", "secrets"),
        ("create", "cronjobs"),
        ("list", "pods"),
        ("update", "graphcrons", "--subresource=status"),
    ],
    "notifier": [
        ("list", "secrets"),
        ("get", "secrets"),
        ("get", "secret/other"),
        ("update", "graphcrons"),
        ("patch", "graphcronchannels"),
        ("create", "cronjobs"),
        ("list", "pods"),
    ],
    "run": [("get", "graphcrons"), ("get", "pods"), ("get", "secrets")],
}


@pytest.mark.parametrize("account", FORBIDDEN)
def test_no_account_may_do_more_than_its_work(session: Session, account: str) -> None:
    who = f"--as=system:serviceaccount:{session.namespace}:graphcron-{account}"
    for words in FORBIDDEN[account]:
        with pytest.raises(ClusterError, match="exit code 1"):
            session.kubectl("auth", "can-i", *words, who)


@pytest.mark.parametrize("account", FORBIDDEN)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["in the release's namespace", "in another one"])
def test_an_account_may_do_what_docs_security_md_lists_and_no_more(
    session: Session, scope: str, account: str, elsewhere: bool
) -> None:
    there = Session("default" if elsewhere else session.namespace, session.place)
    own = {item for item in listed(scope, notifier=session.namespace) if item.account == f"graphcron-{account}"}
    expected = {(item.resource, item.verb) for item in own if item.where == "cluster" or not elsewhere}
    anybody = may(there, f"{session.namespace}:default")
    assert may(there, f"{session.namespace}:graphcron-{account}") - anybody == expected


READ = [("team-a", "slack-url"), ("team-a", "signing"), ("open", "whatever"), (NAMESPACE, "ours")]
HIDDEN = [("team-a", "other"), ("team-b", "slack-url"), ("kube-system", "slack-url"), (NAMESPACE, "slack-url")]


def test_a_channel_cannot_make_the_notifier_read_what_the_administrator_did_not_list(
    session: Session, scope: str
) -> None:
    """Whatever Secret of whatever namespace a channel names, the apiserver answers by these."""

    def reads(namespace: str, name: str) -> bool:
        account = f"--as=system:serviceaccount:{session.namespace}:graphcron-notifier"
        try:
            return (
                Session(namespace, session.place).kubectl("auth", "can-i", "get", f"secret/{name}", account) == "yes\n"
            )
        except ClusterError:
            return False

    expected = READ if scope == "cluster" else [(NAMESPACE, "ours")]
    assert [place for place in READ + HIDDEN if reads(*place)] == expected


def may(session: Session, account: str) -> set[tuple[str, str]]:
    """Resource, as docs/security.md spells it, and verb; of what the account may do in the session's namespace."""
    said = session.kubectl("auth", "can-i", "--list", "--no-headers", f"--as=system:serviceaccount:{account}")
    permissions = set()
    for name, verbs in re.findall(r"^(\S+) +\[\] +\[.*\] +\[(.*)\]$", said, re.MULTILINE):
        resource, _, group = name.partition("/")[0].partition(".")
        path = "/".join(part for part in (group, resource, name.partition("/")[2]) if part)
        permissions |= {(path, verb) for verb in verbs.split()}
    return permissions
