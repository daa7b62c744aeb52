"""Quotas: how many crons an owner may have, and how often one may fire."""

from datetime import UTC, datetime

import pytest

from graphcron.facade.errors import RestError
from graphcron.facade.quota import Quota
from graphcron.facade.translation import Draft
from graphcron.schedule.expression import read

NOW = datetime(2026, 11, 22, 19, 25, tzinfo=UTC)


def draft(schedule: str) -> Draft:
    return Draft({"spec": {"schedule": schedule}}, read(schedule))


class TestQuota:
    @pytest.mark.parametrize(("limit", "have"), [(0, 10_000), (3, 2)])
    def test_there_is_room_below_the_limit_and_without_one(self, limit: int, have: int) -> None:
        Quota(crons=limit).check_count(have)

    def test_no_room_is_429_with_the_limit_in_words(self) -> None:
        with pytest.raises(RestError, match="The limit is 3 crons for each owner, and there are 3:") as refused:
            Quota(crons=3).check_count(3)
        assert refused.value.status == 429

    @pytest.mark.parametrize(
        ("seconds", "schedule"), [(0, "* * * * *"), (60, "* * * * *"), (300, "*/5 * * * *"), (9e6, "0 0 29 2 *")]
    )
    def test_a_schedule_may_fire_as_often_as_the_limit_says(self, seconds: float, schedule: str) -> None:
        Quota(interval=int(seconds)).check_schedule(draft(schedule), NOW)

    @pytest.mark.parametrize(
        ("seconds", "schedule", "words"),
        [
            (61, "* * * * *", "fires again after 1 minute, and the limit is once in 61 seconds"),
            (3600, "0,59 * * * *", "fires again after 1 minute, and the limit is once in 1 hour"),
            (172_800, "0 0 * * *", "fires again after 1 day, and the limit is once in 2 days"),
        ],
    )
    def test_a_denser_one_is_422_with_both_in_words(self, seconds: int, schedule: str, words: str) -> None:
        with pytest.raises(RestError) as refused:
            Quota(interval=seconds).check_schedule(draft(schedule), NOW)
        assert refused.value.status == 422
        assert f"The schedule '{schedule}' {words}:" in refused.value.detail
