"""Drift: a live object is in sync when it has all that is desired."""

from typing import Any

import pytest

from graphcron.operator.drift import in_sync

EQUAL = {
    "what others added": ({"a": 1}, {"a": 1, "b": 2}, True),
    "a changed value": ({"a": 1}, {"a": 2}, False),
    "a missing value": ({"a": {"b": 1}}, {}, False),
    "an empty object and none": ({"a": {}}, {}, True),
    "named things in another order": (
        {"env": [{"name": "a", "value": "1"}, {"name": "b"}]},
        {"env": [{"name": "b"}, {"name": "c"}, {"name": "a", "value": "1"}]},
        True,
    ),
    "a named thing that is gone": ({"env": [{"name": "a"}]}, {"env": [{"name": "b"}]}, False),
    "a plain list with one more": ({"drop": ["ALL"]}, {"drop": ["ALL", "KILL"]}, False),
    "a quantity as the apiserver writes it": (
        {"requests": {"cpu": 0.5, "memory": "1Gi"}},
        {"requests": {"cpu": "500m", "memory": "1024Mi"}},
        True,
    ),
    "a quantity with an exponent": ({"limits": {"memory": "1e9"}}, {"limits": {"memory": "1G"}}, True),
    "a quantity in exabytes": ({"limits": {"memory": "1E"}}, {"limits": {"memory": "1000P"}}, True),
    "another quantity": ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, False),
    "true is not one": ({"suspend": True}, {"suspend": 1}, False),
}


@pytest.mark.parametrize(("desired", "live", "same"), EQUAL.values(), ids=EQUAL)
def test_live_is_in_sync_when_it_has_all_that_is_desired(desired: Any, live: Any, same: bool) -> None:
    assert in_sync(desired, live) is same
