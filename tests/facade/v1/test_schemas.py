"""The parameters of query strings."""

from datetime import UTC, datetime

import pytest

from graphcron.facade.errors import RestError
from graphcron.facade.v1.schemas import CronQuery, FiringQuery, read_query


def test_a_list_is_a_parameter_that_is_given_several_times() -> None:
    query = read_query(CronQuery, [("phase", "Paused"), ("phase", "Expired"), ("enabled", "false"), ("limit", "5")])
    assert (query.phase, query.enabled, query.limit, query.offset) == (["Paused", "Expired"], False, 5, 0)
    before = read_query(FiringQuery, [("before", "2026-11-22T12:00:00+01:00")]).before
    assert before == datetime(2026, 11, 22, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([("phases", "Paused")], "'phases' is no parameter here: there are phase, "),
        ([("x" * 9999, "")], "is no parameter here"),
        ([("q", "a"), ("q", "b")], "q was given several times"),
        ([("limit", "101")], "limit must be less than or equal to 100"),
        ([("limit", "٣")], "limit must be"),
        ([("limit", "1_0")], "limit must be"),
        ([("limit", "")], "limit must be"),
        ([("offset", "-1")], "offset must be"),
        ([("enabled", "yes")], "enabled must be true or false"),
        ([("sort_by", "size")], "sort_by must be"),
        ([("q", "x" * 257)], "q "),
        ([("label", "a")] * 21, "label must have fewer items"),
    ],
)
def test_what_is_wrong_is_said(given: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(RestError) as refused:
        read_query(CronQuery, given)
    assert refused.value.status == 422
    assert said in refused.value.detail
    assert len(refused.value.detail) < 500


def test_a_time_has_an_offset() -> None:
    with pytest.raises(RestError, match="before must be"):
        read_query(FiringQuery, [("before", "2026-11-22T12:00:00")])
