"""The operator's environment: what the chart sets is what it reads, and a wrong variable is named."""

from decimal import Decimal

import pytest

from graphcron.environ import InvalidSettings
from graphcron.kube.lease import LeaseTiming
from graphcron.operator.settings import OperatorSettings

GIVEN = {"GRAPHCRON_RUN_IMAGE": "graphcron:1", "AGENT_SERVER_URL": "http://agent.example"}


def test_defaults() -> None:
    settings = OperatorSettings.read(GIVEN)
    assert settings.namespace is None
    assert settings.pods.server_url == "http://agent.example"
    assert settings.pods.api_key is None
    assert settings.pods.resources["limits"] == {"cpu": "1", "memory": "128Mi"}
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
            "GRAPHCRON_TEMPLATE_LABELS": '["team"]',
            "GRAPHCRON_TEMPLATE_ANNOTATIONS": "[]",
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
    assert (settings.pods.template_labels, settings.pods.template_annotations) == (("team",), ())
    assert (settings.lease, settings.identity) == (("release", "graphcron-operator"), "graphcron-operator-7")


def test_processes_outside_of_pods_have_identities_of_their_own() -> None:
    one, other = OperatorSettings.read(GIVEN), OperatorSettings.read(GIVEN)
    assert one.identity != other.identity
    assert one.lease_timing == LeaseTiming()
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
    "resources with a typo": (
        {"GRAPHCRON_RUN_RESOURCES": '{"request":{}}'},
        "GRAPHCRON_RUN_RESOURCES is not readable: request: unknown field",
    ),
    "no quantity": ({"GRAPHCRON_IN_POD_RESOURCES": '{"limits":{"memory":"1GB"}}'}, "limits.memory: must be a quantity"),
    "an expectation in days": (
        {"GRAPHCRON_RUN_EXPECT": '{"successWithin":"7d"}'},
        "GRAPHCRON_RUN_EXPECT is not readable: successWithin: must be a duration",
    ),
    "expectations that are a list": ({"GRAPHCRON_RUN_EXPECT": "[]"}, "must be a JSON object"),
    "requests over limits": (
        {"GRAPHCRON_RUN_RESOURCES": '{"requests":{"cpu":"2"},"limits":{"cpu":1.5}}'},
        "requests must not be more than limits",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_variable_is_named(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidSettings, match=sentence):
        OperatorSettings.read(GIVEN | change)


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ('[{"name": "AGENT_SERVER_API_KEY", "value": "x"}]', "AGENT_SERVER_API_KEY is GraphCron's own"),
        ('[{"value": "x"}]', "each entry must have a name"),
        ("{}", "must be a JSON array"),
    ],
)
def test_variables_of_run_pods_cannot_be_ours(entries: str, says: str) -> None:
    with pytest.raises(InvalidSettings, match=f"GRAPHCRON_RUN_EXTRA_ENV is not readable: .*{says}"):
        OperatorSettings.read(GIVEN | {"GRAPHCRON_RUN_EXTRA_ENV": entries})


def test_prices_and_the_template_of_traces() -> None:
    prices = '{"currency": "EUR", "models": {"gpt-*": {"input": 2.5, "output": "10"}}}'
    settings = OperatorSettings.read(
        GIVEN | {"GRAPHCRON_PRICES": prices, "GRAPHCRON_TRACE_URL": "https://trace.example/{run_id}"}
    )
    assert settings.ledger.trace_url == "https://trace.example/{run_id}"
    assert (settings.ledger.currency, settings.prices.models["gpt-*"].input) == ("EUR", Decimal("2.5"))
    assert OperatorSettings.read(GIVEN).ledger.currency is None, "without prices there is no money"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("GRAPHCRON_PRICES", "[]", "GRAPHCRON_PRICES .*: it must be a JSON object"),
        ("GRAPHCRON_PRICES", '{"models": {"m": {"input": -1, "output": 1}}}', "models.m.input.*for a million tokens"),
        ("GRAPHCRON_TRACE_URL", "ftp://x/{run_id}", "GRAPHCRON_TRACE_URL .*: it must be an http"),
    ],
)
def test_a_price_or_template_that_is_none_is_named(variable: str, value: str, says: str) -> None:
    with pytest.raises(InvalidSettings, match=says):
        OperatorSettings.read(GIVEN | {variable: value})
