"""The commands about channels, at an apiserver on which the test itself answers as a notifier does."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from cluster.control_plane import ControlPlane, control_plane
from cluster.paths import HERE
from examples.demo import messages
from examples.demo.session import Session
from graphcron.commands import channels
from graphcron.commands.app import main
from graphcron.views.channels import requested_test
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.until import later

SPACE = "team"
PATH = f"/apis/graphcron.dev/v1/namespaces/{SPACE}/graphcronchannels"
KUBECONFIG = "kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
TICKS = itertools.count()
"""No two moments are the same, as no two tokens are."""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("plane"), SPACE, "empty") as plane:
        for manifest in (channel("slack", default={"events": ["Failed"]}), channel("hook", kind="Webhook")):
            plane.install(manifest, PATH)
        yield plane


def channel(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCronChannel",
        "metadata": {"name": name},
        "spec": {"kind": "Slack", "urlSecretRef": {"name": "slack-url", "key": "url"}} | spec,
    }


@pytest.fixture(autouse=True)
def _impatient(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KUBECONFIG, str(plane.kubeconfig))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(channels, "POLL_SECONDS", 0.05)


def said(capsys: pytest.CaptureFixture[str], *words: str, namespace: str = SPACE) -> tuple[int, str, str]:
    code = main(["channel", *words, "-n", namespace], clock=lambda: NOW + timedelta(microseconds=next(TICKS)))
    out, err = capsys.readouterr()
    return code, out, err


def write_status(plane: ControlPlane, name: str, status: dict[str, Any]) -> None:
    code, answer = plane.api.request("PUT", f"{PATH}/{name}/status", get(plane, name) | {"status": status})
    assert code == 200, answer


def ready(reason: str = "Ready", message: str = "Fine.", **more: Any) -> dict[str, Any]:
    status = "True" if reason == "Ready" else "False"
    found = {"type": "Ready", "status": status, "reason": reason, "message": message}
    return {"observedGeneration": 1, "conditions": [found | {"lastTransitionTime": "2030-01-01T00:00:00Z"}]} | more


def test_a_list_says_which_work_and_why_others_do_not(plane: ControlPlane, capsys: pytest.CaptureFixture[str]) -> None:
    write_status(plane, "slack", ready(lastDelivery={"state": "Delivered", "at": "2030-01-01T11:55:00Z"}))
    write_status(plane, "hook", ready("SecretNotFound", "There is no Secret slack-url."))
    code, out, _ = said(capsys, "list")
    header, hook, slack = (line.split(maxsplit=6) for line in out.splitlines())
    assert (code, header) == (0, ["NAME", "KIND", "STATE", "LAST", "DEFAULT", "MESSAGE"])
    assert hook[:5] == ["hook", "Webhook", "SecretNotFound", "-", "-"]
    assert "There is no Secret slack-url." in out
    assert slack[:6] == ["slack", "Slack", "Ready", "Delivered", "5m", "ago"]
    assert slack[6].split() == ["namespace", "-"]


def test_a_list_of_all_namespaces_names_them_and_prints_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["channel", "list", "-A"]) == 0
    assert capsys.readouterr().out.split()[0] == "NAMESPACE"
    assert '"GraphCronChannel"' in said(capsys, "list", "-o", "json")[1]


def test_where_there_is_none_it_says_where_else_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "list", namespace="empty") == (
        0,
        "",
        "There is no GraphCronChannel in namespace empty. 'graphcron channel list -A' shows those of all namespaces.\n",
    )
    code, _, err = said(capsys, "test", "slack", namespace="empty")
    assert (code, err) == (1, "graphcron: namespace empty has no GraphCronChannel 'slack'. It has none.\n")
    assert "There are hook, slack." in said(capsys, "test", "slakc")[2]


def get(plane: ControlPlane, name: str) -> dict[str, Any]:
    found: dict[str, Any] = plane.api.request("GET", f"{PATH}/{name}")[1]
    return found


def notifier_answers(plane: ControlPlane, name: str, **last: Any) -> None:
    """The next test, like this."""
    known = requested_test(get(plane, name))

    def answer() -> None:
        test = {"token": requested_test(get(plane, name)), "at": "2030-01-01T12:00:00Z"}
        write_status(plane, name, ready(lastTest=test | last))

    later(lambda: requested_test(get(plane, name)) != known, answer)


def test_a_test_waits_for_its_own_answer_and_ends_as_it_does(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str]
) -> None:
    notifier_answers(plane, "slack", state="Delivered")
    assert said(capsys, "test", "slack") == (0, "channel slack Delivered\n", "")
    notifier_answers(plane, "slack", state="Failed", message="hooks.slack.com answered with status 404")
    answer = "channel slack Failed: hooks.slack.com answered with status 404\n"
    assert said(capsys, "test", "slack") == (1, answer, "")


def test_without_a_notifier_it_says_so_and_how_to_get_one(
    plane: ControlPlane, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "ANSWER_SECONDS", 0.3)
    code, out, err = said(capsys, "test", "hook")
    assert (code, out) == (1, "")
    assert err.startswith("graphcron: no notifier has answered within 0 s. The request stays, and is carried out when")
    assert "notifier.enabled" in err
    assert requested_test(get(plane, "hook"))


def test_a_test_that_makes_room_for_another_ends(plane: ControlPlane, capsys: pytest.CaptureFixture[str]) -> None:
    known = requested_test(get(plane, "hook"))
    body = {"metadata": {"annotations": {"graphcron.dev/test-requested": "another"}}}
    session = Session(SPACE, plane.place)
    later(
        lambda: requested_test(get(plane, "hook")) != known,
        lambda: session.kubectl("patch", "graphcronchannel", "hook", "--type=merge", "-p", json.dumps(body)),
    )
    code, _, err = said(capsys, "test", "hook")
    assert (code, err.startswith("graphcron: others have tested channel hook since.")) == (1, True)


def test_a_shell_is_offered_the_names_of_channels(plane: ControlPlane) -> None:
    words = {"_GRAPHCRON_COMPLETE": "bash_complete", "COMP_WORDS": f"graphcron channel test -n {SPACE} s"}
    environ = {**os.environ, **words, "COMP_CWORD": "5", "KUBECONFIG": str(plane.place.kubeconfig)}
    command = [sys.executable, "-m", "graphcron"]
    offered = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=60, check=False)
    assert offered.stdout == "plain,slack\n"


def test_the_channel_of_the_demo_and_its_receiver_are_taken(plane: ControlPlane) -> None:
    made = Session(SPACE, plane.place).kubectl("apply", "--dry-run=server", "-f", HERE.root / messages.FILE)
    assert "graphcronchannel.graphcron.dev/messages created" in made
    (secret, *_) = yaml.safe_load_all((HERE.root / messages.FILE).read_text())
    assert urlsplit(secret["stringData"]["url"]).hostname == messages.HOST


def test_a_cluster_without_the_crd_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with control_plane(tmp_path) as bare:
        monkeypatch.setattr(KUBECONFIG, str(bare.kubeconfig))
        for words in (("list",), ("test", "slack")):
            code, out, err = said(capsys, *words, namespace="default")
            assert (code, out, err) == (1, "", f"graphcron: {channels.NO_CRD}\n")
