"""Whose run it is: the Secret with an owner's headers, which only the owner's id chooses."""

from dataclasses import replace
from typing import Any

import pytest

from graphcron.facade.auth.callers import owner_of_user
from graphcron.firing.order import HEADERS_PATH
from graphcron.operator.cronjob import Installation
from graphcron.operator.owner_headers import for_owner, secret_of
from graphcron.operator.reconcile import decide, decide_in_full
from graphcron.operator.run_pod import RunPods
from graphcron.resource.fields import KeySelector
from graphcron.resource.identity import OWNER_LABEL
from tests.support.world import World, at

KEY = KeySelector(name="agent-server", key="api-key")
PODS = RunPods(image="graphcron:test", server_url="http://agent.example", api_key=KEY, namespace="team")
INSTALLATION = Installation(PODS, owner_headers="agent-headers-")


def pod_of(owner: str | None, installation: Installation = INSTALLATION, **spec: Any) -> dict[str, Any]:
    world = World(**spec)
    world.graphcron["metadata"]["labels"] = {OWNER_LABEL: owner} if owner else {}
    plan = decide_in_full(world.observed(), installation, at("10:30"))
    assert plan.apply
    pod: dict[str, Any] = plan.apply["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return pod


def headers_of(pod: dict[str, Any]) -> str | None:
    """The Secret that is mounted where the runner looks for headers."""
    (container,) = pod["containers"]
    mounted = {mount["mountPath"]: mount["name"] for mount in container.get("volumeMounts", [])}
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    name = mounted.get(HEADERS_PATH)
    return str(volumes[name]["secret"]["secretName"]) if name else None


def test_an_owners_runs_have_the_owners_headers_and_not_the_installations_key() -> None:
    pod = pod_of("ada")
    assert headers_of(pod) == "agent-headers-ada"
    assert "AGENT_SERVER_API_KEY" not in str(pod)
    (volume,) = pod["volumes"]
    assert "optional" not in volume["secret"], "a run must not start without them, as nobody or as somebody else"


@pytest.mark.parametrize(
    ("owner", "installation"),
    [
        (None, INSTALLATION),
        ("ada", replace(INSTALLATION, owner_headers=None)),
        ("ada", replace(INSTALLATION, pods=replace(PODS, namespace="elsewhere"))),
    ],
    ids=["nobody's", "not wanted", "in another namespace, where the label is not the facade's"],
)
def test_all_others_have_the_installations_key(owner: str | None, installation: Installation) -> None:
    pod = pod_of(owner, installation)
    assert headers_of(pod) is None
    assert "AGENT_SERVER_API_KEY" in str(pod)


def test_another_server_gets_what_its_graphcron_names_and_no_owners_headers() -> None:
    server = {"url": "http://theirs.example"}
    assert headers_of(pod_of("ada", server=server)) is None
    assert headers_of(pod_of("ada", server=server | {"headersSecretRef": {"name": "own"}})) == "own"


def test_a_foreign_image_gets_none() -> None:
    installation = replace(INSTALLATION, pods=replace(PODS, in_pod_images=("*",)))
    pod = pod_of("ada", installation, engine="inPod", image="theirs:1")
    assert "agent-headers" not in str(pod)


def test_a_cron_that_is_given_away_gets_the_headers_of_its_new_owner_though_its_spec_is_the_same() -> None:
    world = World()
    world.graphcron["metadata"]["labels"] = {OWNER_LABEL: "ada"}
    first = decide(world.observed(), INSTALLATION, at("10:30"))
    world.graphcron["metadata"]["labels"] = {OWNER_LABEL: "bob"}
    second = decide(world.observed(), INSTALLATION, at("10:30"))
    assert first.apply
    assert second.apply
    assert "agent-headers-bob" in str(second.apply)
    assert for_owner(world.graphcron, INSTALLATION).mark not in str(first.apply), "so the cheap check lets it through"


OWNERS = [
    "ada", "Ada", "ADA", "a-b", "a_b", "a.b", "a--b", "9", "x" * 63, "X" * 63, "A_", "ada-0123456789abcdef",
    owner_of_user("system:serviceaccount:team:ada"), owner_of_user("Ada"), owner_of_user("öl@example.com"),
]  # fmt: skip


def test_every_owner_has_a_secret_of_a_name_that_kubernetes_takes_and_no_other_has() -> None:
    names = [secret_of(owner, "agent-headers-") for owner in OWNERS]
    # One who calls himself what another's Secret is called gets a third one.
    names += [secret_of(name.removeprefix("agent-headers-"), "agent-headers-") for name in names if len(name) <= 77]
    distinct = {owner: secret_of(owner, "agent-headers-") for owner in OWNERS}
    assert len(set(distinct.values())) == len(OWNERS)
    for name in names:
        assert len(name) <= 253
        assert name == name.lower()
        assert name[-1].isalnum()
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert secret_of("ada", "agent-headers-") == "agent-headers-ada"
    plain = secret_of("Ada", "agent-headers-").removeprefix("agent-headers-")
    assert secret_of(plain, "agent-headers-") != secret_of("Ada", "agent-headers-")
