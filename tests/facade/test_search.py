"""The search of crons: filters, order, pages and chosen fields."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcron.facade import schemas, search, translation
from graphcron.facade.errors import RestError
from graphcron.facade.schemas import CronCount, CronSearch
from tests.support.rest_crons import AGENT, MINIMAL, NOW, THREAD, kubectl_made, made, page_of


class TestSearch:
    LATER = "0190a000-0003-7000-8000-000000000000"
    EARLIER = "0190a000-0001-7000-8000-000000000000"
    MIDDLE = "0190a000-0002-7000-8000-000000000000"
    CRONS = (
        made(MINIMAL | {"metadata": {"team": "a", "n": {"x": 1, "y": 2}}, "enabled": False}, cron_id=EARLIER),
        made(MINIMAL | {"schedule": "0 0 * * *", "end_time": "2030-01-01T00:00:00Z"}, cron_id=LATER),
        made(
            {"assistant_id": THREAD, "schedule": "0 1 * * *", "metadata": {"team": "a", "l": [1, 2]}},
            thread_id=THREAD,
            cron_id=MIDDLE,
        ),
    )

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, [LATER, MIDDLE, EARLIER]),
            ({"sort_order": "asc"}, [LATER, MIDDLE, EARLIER]),
            ({"sort_by": "created_at", "sort_order": "asc"}, [EARLIER, MIDDLE, LATER]),
            ({"sort_by": "cron_id"}, [LATER, MIDDLE, EARLIER]),
            ({"sort_by": "thread_id", "sort_order": "asc"}, [MIDDLE, EARLIER, LATER]),
            ({"sort_by": "thread_id", "sort_order": "desc"}, [EARLIER, LATER, MIDDLE]),
            ({"sort_by": "end_time", "sort_order": "asc"}, [LATER, EARLIER, MIDDLE]),
            ({"sort_by": "next_run_date", "sort_order": "asc"}, [LATER, MIDDLE, EARLIER]),
            ({"sort_by": "next_run_date"}, [EARLIER, MIDDLE, LATER]),  # null, since it is disabled
            ({"limit": 2}, [LATER, MIDDLE]),
            ({"limit": 2, "offset": 2}, [EARLIER]),
            ({"limit": 2.0, "offset": 9}, []),
            ({"assistant_id": AGENT}, [LATER, EARLIER]),
            ({"assistant_id": AGENT.upper()}, [LATER, EARLIER]),
            ({"assistant_id": ""}, []),
            ({"thread_id": THREAD}, [MIDDLE]),
            ({"enabled": True}, [LATER, MIDDLE]),
            ({"enabled": False}, [EARLIER]),
            ({"metadata": {"team": "a"}}, [MIDDLE, EARLIER]),
            ({"metadata": {"n": {"y": 2.0}}}, [EARLIER]),
            ({"metadata": {"l": [1, 2]}}, [MIDDLE]),
            ({"metadata": {"l": [2, 1]}}, []),
            ({"metadata": {"l": [1]}}, []),
            ({"metadata": {"gone": None}}, []),
        ],
        ids=str,
    )
    def test_finds_in_order(self, query: dict[str, Any], found: list[str]) -> None:
        page = page_of(self.CRONS, schemas.read(CronSearch, query))
        assert [cron["cron_id"] for cron in page.crons] == found

    @pytest.mark.parametrize(
        ("query", "total", "following"),
        [
            ({"limit": 2}, 3, 2),
            ({"limit": 1}, 2, 1),
            ({"limit": 1, "offset": 2}, 3, None),
            ({"limit": 3}, 3, None),
            ({"offset": 1000}, 1000, None),
        ],
        ids=str,
    )
    def test_pages_are_counted_as_langgraph_counts_them(
        self, query: dict[str, Any], total: int, following: int | None
    ) -> None:
        page = page_of(self.CRONS, CronSearch(**query))
        assert (page.total, page.following) == (total, following)

    def test_select_shows_only_that_in_the_usual_order(self) -> None:
        page = page_of(self.CRONS, schemas.read(CronSearch, {"select": ["enabled", "cron_id"], "limit": 1}))
        assert json.dumps(page.crons) == json.dumps([{"cron_id": self.LATER, "enabled": True}])

    @pytest.mark.parametrize(
        ("query", "detail"),
        [
            ({"limit": 0}, "limit must be greater than or equal to 1"),
            ({"limit": 1001}, "limit must be less than or equal to 1000"),
            ({"limit": True}, "limit must be an integer"),
            ({"offset": -1}, "offset must be greater than or equal to 0"),
            ({"sort_by": "x"}, "sort_by must be 'cron_id', "),
            ({"select": ["x"]}, "select.0 must be 'cron_id', "),
            ({"assistant_id": "agent"}, "Invalid assistant ID: must be a UUID"),
            ({"thread_id": "x"}, "Invalid thread ID: must be a UUID"),
            ({"assistantId": AGENT}, "'assistantId' is not a known field: did you mean 'assistant_id'?"),
        ],
        ids=str,
    )
    def test_refuses(self, query: dict[str, Any], detail: str) -> None:
        """A misspelt filter would find everything, and what finds may delete."""
        with pytest.raises(RestError) as refused:
            page_of(self.CRONS, schemas.read(CronSearch, query))
        assert refused.value.status == 422
        assert refused.value.detail.startswith(detail)

    def test_equal_moments_keep_their_order(self) -> None:
        crons = [made(MINIMAL, cron_id=name) for name in (self.LATER, self.EARLIER, self.MIDDLE)]
        page = page_of(crons, CronSearch(sort_by="end_time"))
        assert [cron["cron_id"] for cron in page.crons] == [self.EARLIER, self.MIDDLE, self.LATER]


def test_a_thread_is_found_however_it_was_spelt() -> None:
    cron = kubectl_made({"threadId": THREAD.upper()})
    assert search.matching([cron], CronCount(thread_id=THREAD)) == [cron]


def test_one_without_a_thread_is_on_no_thread() -> None:
    assert search.matching([kubectl_made({})], CronCount(thread_id="")) == []


FIELDS = ("cron_id", "assistant_id", "thread_id", "next_run_date", "end_time", "created_at", "updated_at")
ids = st.integers(0, 2**32).map(lambda number: f"0190a000-{number % 3:04x}-7000-8000-{number:012x}")
bodies = st.fixed_dictionaries(
    {"assistant_id": st.sampled_from([AGENT, THREAD]), "schedule": st.sampled_from(["0 0 * * *", "0 1 * * *"])},
    optional={"end_time": st.sampled_from(["2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"]), "enabled": st.booleans()},
)


@given(
    st.lists(st.tuples(ids, bodies), max_size=12, unique_by=lambda one: one[0]),
    st.sampled_from([None, *FIELDS]),
    st.sampled_from([None, "asc", "desc"]),
    st.integers(1, 5),
    st.integers(0, 8),
)
def test_a_page_is_that_part_of_all_in_order(
    crons: list[tuple[str, dict[str, Any]]], by: str | None, order: str | None, limit: int, offset: int
) -> None:
    manifests = [made(body, cron_id=identity) for identity, body in crons]
    asked = {"sort_by": by} if by else {}
    query = schemas.read(
        CronSearch, asked | ({"sort_order": order} if order else {}) | {"limit": limit, "offset": offset}
    )
    page = page_of(manifests, query)
    shown = sorted(
        (translation.cron(one, NOW) for one in manifests), key=lambda cron: (cron["created_at"], cron["cron_id"])
    )
    name = by or "created_at"
    shown.sort(key=lambda cron: (cron[name] is None, cron[name] or ""), reverse=not (by and order == "asc"))
    assert page.crons == shown[offset : offset + limit]
    assert page.following == (offset + limit if len(shown) > offset + limit else None)
