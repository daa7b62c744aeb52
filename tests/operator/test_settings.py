"""The environment: what the chart sets is what the operator reads, and a wrong variable is named."""

import pytest

from graphcron.environ import InvalidSettings
from graphcron.facade.auth.callers import Mode
from graphcron.facade.quota import Quota
from graphcron.facade.settings import FacadeSettings
from graphcron.kube.lease import Timing
from graphcron.operator.settings import OperatorSettings

GIVEN = {"GRAPHCRON_RUN_IMAGE": "graphcron:1", "AGENT_SERVER_URL": "http://agent.example"}


def test_defaults() -> None:
    settings = OperatorSettings.read(GIVEN)
    assert settings.namespace is None
    assert settings.pods.server_url == "http://agent.example"
    assert settings.pods.api_key is None
    assert settings.pods.resources["limits"] == {"memory": "128Mi"}
    assert settings.pods.in_pod_images == (), "the engine is off until images are listed"


def test_all_that_the_chart_sets() -> None:
    settings = OperatorSettings.read(
        GIVEN
        | {
            "GRAPHCRON_WATCH_NAMESPACE": "team",
            "AGENT_SERVER_API_KEY_SECRET": "keys/api-key",
            "GRAPHCRON_RUN_RESOURCES": '{"requests":{"cpu":"1"}}',
            "GRAPHCRON_RUN_IMAGE_PULL_SECRETS": '["a","b"]',
            "GRAPHCRON_IN_POD_IMAGES": '["registry.example/*"]',
            "GRAPHCRON_IN_POD_RESOURCES": '{"limits":{"memory":"2Gi"}}',
            "GRAPHCRON_WORKERS": "3",
            "GRAPHCRON_MINIMUM_INTERVAL_SECONDS": "600",
            "GRAPHCRON_RUN_ACTIVE_DEADLINE_SECONDS": "7200",
            "GRAPHCRON_NAMESPACE": "release",
            "GRAPHCRON_LEASE": "graphcron-operator",
            "GRAPHCRON_POD": "graphcron-operator-7",
        }
    )
    assert settings.namespace == "team"
    assert settings.pods.api_key
    assert (settings.pods.api_key.name, settings.pods.api_key.key) == ("keys", "api-key")
    assert settings.pods.resources == {"requests": {"cpu": "1"}}
    assert settings.pods.image_pull_secrets == ("a", "b")
    assert (settings.workers, settings.minimum_interval, settings.pods.active_deadline_seconds) == (3, 600, 7200)
    assert settings.pods.in_pod_images == ("registry.example/*",)
    assert settings.pods.in_pod_resources == {"limits": {"memory": "2Gi"}}
    assert (settings.lease, settings.identity) == (("release", "graphcron-operator"), "graphcron-operator-7")


def test_processes_outside_of_pods_have_identities_of_their_own() -> None:
    one, other = OperatorSettings.read(GIVEN), OperatorSettings.read(GIVEN)
    assert one.identity != other.identity
    assert one.lease_timing == Timing()
    assert (one.minimum_interval, one.pods.active_deadline_seconds) == (0, None)


WRONG = {
    "no image": ({"GRAPHCRON_RUN_IMAGE": ""}, "GRAPHCRON_RUN_IMAGE is not set"),
    "a secret without a key": ({"AGENT_SERVER_API_KEY_SECRET": "keys"}, "must be written NAME/KEY"),
    "a number that is none": ({"GRAPHCRON_WORKERS": "many"}, "GRAPHCRON_WORKERS is not readable"),
    "a lease that runs out before its leader stops": (
        {"GRAPHCRON_LEASE_DURATION_SECONDS": "10"},
        "GRAPHCRON_LEASE_.* must be longer than its renew deadline",
    ),
    "resources that are a list": ({"GRAPHCRON_RUN_RESOURCES": "[]"}, "must be a JSON object"),
}


@pytest.mark.parametrize(("change", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_variable_is_named(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidSettings, match=sentence):
        OperatorSettings.read(GIVEN | change)


FACADE = {"GRAPHCRON_NAMESPACE": "team"}


def test_nobody_is_let_in_unless_a_mode_is_named() -> None:
    settings = FacadeSettings.read(FACADE)
    assert (settings.auth_mode, settings.keys_dir, settings.forward_api_key) == (Mode.CLOSED, None, True)


def test_the_modes_are_the_charts() -> None:
    assert FacadeSettings.read(FACADE | {"GRAPHCRON_AUTH_MODE": "open"}).auth_mode is Mode.OPEN
    given = {"GRAPHCRON_AUTH_MODE": "apiKeys", "GRAPHCRON_API_KEYS_DIR": "/keys", "GRAPHCRON_FORWARD_API_KEY": "false"}
    settings = FacadeSettings.read(FACADE | given)
    assert (settings.auth_mode, settings.keys_dir, settings.forward_api_key) == (Mode.API_KEYS, "/keys", False)


def test_quotas_are_off_unless_set() -> None:
    assert FacadeSettings.read(FACADE).quota == FacadeSettings.read(FACADE | NO_LIMITS).quota == Quota(0, 0)
    given = {"GRAPHCRON_CRONS_PER_OWNER": "5", "GRAPHCRON_MINIMUM_INTERVAL_SECONDS": "600"}
    assert FacadeSettings.read(FACADE | given).quota == Quota(crons=5, interval=600)


def test_hosts_of_webhooks_are_checked_unless_any_will_do() -> None:
    assert FacadeSettings.read(FACADE).check_webhook_hosts
    assert not FacadeSettings.read(FACADE | {"GRAPHCRON_WEBHOOK_HOSTS": "any"}).check_webhook_hosts


NO_LIMITS = {"GRAPHCRON_CRONS_PER_OWNER": "0", "GRAPHCRON_MINIMUM_INTERVAL_SECONDS": ""}
WRONG_FACADE = {
    "a limit below none": (
        {"GRAPHCRON_CRONS_PER_OWNER": "-1"},
        "GRAPHCRON_CRONS_PER_OWNER is not readable: it must be 0",
    ),
    "a limit that is no number": (
        {"GRAPHCRON_MINIMUM_INTERVAL_SECONDS": "1h"},
        "GRAPHCRON_MINIMUM_INTERVAL_SECONDS is",
    ),
    "a mode that is none": ({"GRAPHCRON_AUTH_MODE": "Open"}, "GRAPHCRON_AUTH_MODE is not readable: it must be apiKeys"),
    "keys that are nowhere": ({"GRAPHCRON_AUTH_MODE": "apiKeys"}, "GRAPHCRON_API_KEYS_DIR is not set"),
    "hosts of webhooks that are neither": (
        {"GRAPHCRON_WEBHOOK_HOSTS": "all"},
        "GRAPHCRON_WEBHOOK_HOSTS is not readable: it must be checked or any",
    ),
    "neither yes nor no": ({"GRAPHCRON_FORWARD_API_KEY": "no"}, "it must be true or false"),
}


@pytest.mark.parametrize(("change", "sentence"), WRONG_FACADE.values(), ids=WRONG_FACADE)
def test_a_wrong_variable_of_the_facade_is_named(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidSettings, match=sentence):
        FacadeSettings.read(FACADE | change)
