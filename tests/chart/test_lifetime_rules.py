"""The guard rails on endTime: the apiserver says what operator, facade and lint say. Existing ones can be paused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from graphcron.facade.settings import FacadeSettings
from graphcron.firing.formats import format_time
from graphcron.operator.settings import OperatorSettings
from graphcron.resource.lifetime import AT_MOST, REQUIRED, Lifetime
from tests.chart.helm import one, operator_container, policy
from tests.support import chart_apiserver
from tests.support.chart_apiserver import await_that, graphcron, kubectl
from tests.support.graphcron_apiserver import graphcron_apiserver

DAYS = 30
NOW = datetime.now(UTC)


def after(days: int, seconds: int = 0) -> str:
    return format_time(NOW + timedelta(days=days, seconds=seconds))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("apiserver"), "ns") as plane:
        before = graphcron()
        before["metadata"]["name"] = "before"
        plane.install(before, "/apis/graphcron.dev/v1/namespaces/ns/graphcrons")
        kubectl(plane, "apply", stdin=policy(f"guardrails.maxLifetimeDays={DAYS}"))
        await_that(lambda: chart_apiserver.refusal(plane, graphcron()) != "")
        yield plane


@pytest.mark.parametrize(
    ("spec", "allowed"),
    [
        ({}, False),
        ({"endTime": after(DAYS)}, True),
        ({"endTime": after(DAYS, 600)}, False),
        ({"startTime": after(100), "endTime": after(100 + DAYS)}, True),
        ({"startTime": after(100), "endTime": after(100 + DAYS, 1)}, False),
        ({"startTime": after(-100), "endTime": after(DAYS)}, True),
        ({"startTime": after(100)}, False),
    ],
)
def test_apiserver_and_operator_say_the_same(guarded: ControlPlane, spec: dict[str, Any], allowed: bool) -> None:
    answer = chart_apiserver.refusal(guarded, graphcron(**spec))
    start, end = (datetime.fromisoformat(spec[name]) if name in spec else None for name in ("startTime", "endTime"))
    said = Lifetime(days=DAYS).complaint(datetime.now(UTC), start, end)
    assert (answer == "", said) == (allowed, None if allowed else AT_MOST.format(DAYS))
    assert (said or "") in answer


def test_what_was_there_before_can_be_paused_and_not_resumed_without_an_end(guarded: ControlPlane) -> None:
    path = "/apis/graphcron.dev/v1/namespaces/ns/graphcrons/before"
    _, old = guarded.api.request("GET", path)
    old["spec"]["enabled"] = False
    status, paused = guarded.api.request("PUT", path, old)
    assert status == 200, paused
    paused["spec"]["enabled"] = True
    status, answer = guarded.api.request("PUT", path, paused)
    assert (status, AT_MOST.format(DAYS) in answer["message"]) == (422, True)
    paused["spec"]["endTime"] = after(DAYS)
    assert guarded.api.request("PUT", path, paused)[0] == 200


def test_requiring_an_end_alone_is_a_rule_with_the_same_words() -> None:
    rules = policy("guardrails.requireEndTime=true")[0]["spec"]["validations"]
    assert {"expression": "has(object.spec.endTime)", "message": REQUIRED} in rules
    assert policy() == []


def test_both_reach_operator_and_facade() -> None:
    def read(*values: str) -> list[tuple[bool, int]]:
        facade = one("Deployment", "graphcron-facade", *values)["spec"]["template"]["spec"]["containers"][0]
        found = []
        for settings, container in ((OperatorSettings, operator_container(*values)), (FacadeSettings, facade)):
            environment = {entry["name"]: entry.get("value", "x") for entry in container["env"]}
            given = settings.read(environment)
            found.append((given.require_end_time, given.max_lifetime_days))
        return found

    assert read() == [(False, 0)] * 2
    assert read("guardrails.requireEndTime=true", "guardrails.maxLifetimeDays=90") == [(True, 90)] * 2
    assert read("guardrails.requireEndTime=null", "guardrails.maxLifetimeDays=null") == [(False, 0)] * 2
