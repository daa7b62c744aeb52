"""The settings of the facade: the variables that the chart sets, and the error for a wrong one."""

import pytest

from graphcron.environ import InvalidSettings
from graphcron.facade.auth.callers import Mode
from graphcron.facade.quota import Quota
from graphcron.facade.settings import FacadeSettings
from graphcron.http_server import Limits
from graphcron.resource.lifetime import Lifetime

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
    given = {"GRAPHCRON_REQUIRE_END_TIME": "true", "GRAPHCRON_MAX_LIFETIME_DAYS": "9"}
    assert FacadeSettings.read(FACADE | given).quota.lifetime == Lifetime(required=True, days=9)


def test_hosts_of_webhooks_are_checked_unless_any_will_do() -> None:
    assert FacadeSettings.read(FACADE).check_webhook_hosts
    assert not FacadeSettings.read(FACADE | {"GRAPHCRON_WEBHOOK_HOSTS": "any"}).check_webhook_hosts


def test_no_origin_is_another_thing_than_none_named() -> None:
    assert FacadeSettings.read(FACADE).cors_origins == {"*"}
    assert FacadeSettings.read(FACADE | {"GRAPHCRON_CORS_ORIGINS": ""}).cors_origins == frozenset()
    assert FacadeSettings.read(FACADE | {"GRAPHCRON_CORS_ORIGINS": "a b"}).cors_origins == {"a", "b"}


def test_slow_clients_have_limits_that_the_chart_may_change() -> None:
    given = {
        "GRAPHCRON_MAX_CONNECTIONS": "7",
        "GRAPHCRON_MAX_CONNECTIONS_PER_CLIENT": "3",
        "GRAPHCRON_HEADER_TIMEOUT_SECONDS": "0.5",
        "GRAPHCRON_BODY_TIMEOUT_SECONDS": "60",
    }
    assert (usual := FacadeSettings.read(FACADE)).limits == Limits(connections=500, header_seconds=10, per_client=0)
    assert usual.body_timeout == 30
    assert (changed := FacadeSettings.read(FACADE | given)).limits == Limits(
        connections=7, header_seconds=0.5, per_client=3
    )
    assert changed.body_timeout == 60


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
    "no connection at all": ({"GRAPHCRON_MAX_CONNECTIONS": "0"}, "GRAPHCRON_MAX_CONNECTIONS is not readable: "),
    "no time at all": ({"GRAPHCRON_BODY_TIMEOUT_SECONDS": "0"}, "GRAPHCRON_BODY_TIMEOUT_SECONDS is not readable: "),
    "neither yes nor no": ({"GRAPHCRON_FORWARD_API_KEY": "no"}, "it must be true or false"),
}


@pytest.mark.parametrize(("change", "sentence"), WRONG_FACADE.values(), ids=WRONG_FACADE)
def test_a_wrong_variable_of_the_facade_is_named(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidSettings, match=sentence):
        FacadeSettings.read(FACADE | change)
