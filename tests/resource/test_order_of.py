"""The order of a spec."""

import pytest

from graphcron.resource.order_of import order
from graphcron.resource.spec import GraphCronSpec
from tests.support.cronjobs import METADATA
from tests.support.in_pod_specs import IN_POD

MINIMAL = {"schedule": "0 * * * *", "assistantId": "agent"}


def test_the_order_is_the_same_for_both_engines() -> None:
    spec = MINIMAL | {"input": {"a": 1}, "config": {"recursion_limit": 5}}
    one, other = (order(METADATA, GraphCronSpec.model_validate(spec | engine), None) for engine in ({}, IN_POD))
    assert one == other
    assert one.request["config"] == {"recursion_limit": 5, "configurable": {"cron_id": one.cron_id}}


@pytest.mark.parametrize(("policy", "replace"), [(None, False), ("Allow", False), ("Forbid", False), ("Replace", True)])
def test_only_replace_tells_the_run_pods_to_cancel_earlier_runs(policy: str | None, replace: bool) -> None:
    spec = MINIMAL | ({"concurrencyPolicy": policy} if policy else {})
    assert order(METADATA, GraphCronSpec.model_validate(spec), None).replace is replace
