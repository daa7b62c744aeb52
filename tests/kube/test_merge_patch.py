"""The difference of two objects, merged into the one, is the other; and what others keep in it stays."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphcron.kube.merge_patch import difference
from tests.support.merge_patch import merged

VALUES = st.recursive(
    st.integers(0, 3) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)
UNHURRIED = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@UNHURRIED
@given(OBJECTS, OBJECTS)
def test_the_difference_merged_into_the_one_is_the_other(known: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert merged(known, difference(known, wanted)) == wanted


@UNHURRIED
@given(OBJECTS, OBJECTS, VALUES)
def test_a_member_of_somebody_else_stays(known: dict[str, Any], wanted: dict[str, Any], theirs: Any) -> None:
    assert merged(known | {"theirs": theirs}, difference(known, wanted)) == wanted | {"theirs": theirs}


@pytest.mark.parametrize("known", [None, "text", 3, ["a"]])
def test_what_is_no_object_is_replaced(known: Any) -> None:
    assert difference(known, {"a": 1}) == {"a": 1}


def test_nothing_is_sent_of_what_is_the_same() -> None:
    assert difference({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 1, "c": 3}, "d": [1]}) == {"a": {"c": 3}}
