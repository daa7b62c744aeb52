"""The environment: what the chart sets is what the operator reads, and a wrong variable is named."""

import pytest

from graphcron.settings import InvalidSettings, OperatorSettings

GIVEN = {"GRAPHCRON_RUN_IMAGE": "graphcron:1", "AGENT_SERVER_URL": "http://agent.example"}


def test_defaults() -> None:
    settings = OperatorSettings.read(GIVEN)
    assert settings.namespace is None
    assert settings.pods.server_url == "http://agent.example"
    assert settings.pods.api_key is None
    assert settings.pods.resources["limits"] == {"memory": "128Mi"}


def test_all_that_the_chart_sets() -> None:
    settings = OperatorSettings.read(
        GIVEN
        | {
            "GRAPHCRON_WATCH_NAMESPACE": "team",
            "AGENT_SERVER_API_KEY_SECRET": "keys/api-key",
            "GRAPHCRON_RUN_RESOURCES": '{"requests":{"cpu":"1"}}',
            "GRAPHCRON_RUN_IMAGE_PULL_SECRETS": '["a","b"]',
            "GRAPHCRON_WORKERS": "3",
        }
    )
    assert settings.namespace == "team"
    assert settings.pods.api_key
    assert (settings.pods.api_key.name, settings.pods.api_key.key) == ("keys", "api-key")
    assert settings.pods.resources == {"requests": {"cpu": "1"}}
    assert settings.pods.image_pull_secrets == ("a", "b")
    assert settings.workers == 3


WRONG = {
    "no image": ({"GRAPHCRON_RUN_IMAGE": ""}, "GRAPHCRON_RUN_IMAGE is not set"),
    "a secret without a key": ({"AGENT_SERVER_API_KEY_SECRET": "keys"}, "must be written NAME/KEY"),
    "a number that is none": ({"GRAPHCRON_WORKERS": "many"}, "GRAPHCRON_WORKERS is not readable"),
    "resources that are a list": ({"GRAPHCRON_RUN_RESOURCES": "[]"}, "must be a JSON object"),
}


@pytest.mark.parametrize(("change", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_variable_is_named(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidSettings, match=sentence):
        OperatorSettings.read(GIVEN | change)
