"""Sort keys: those that are kept say the same as new ones, whatever the time."""

from datetime import timedelta
from unittest.mock import Mock

import pytest

from graphcron.facade import sort_keys
from graphcron.facade.sort_keys import SortKeys, keys_of
from graphcron.facade.store.snapshot import kept
from graphcron.facade.translation import next_run_date
from tests.support.rest_crons import MINIMAL, NOW, kubectl_made, made


def test_a_kept_cron_brings_its_keys() -> None:
    cron = kept(kubectl_made({}))
    assert keys_of(cron) is keys_of(cron)
    assert keys_of(cron).age(cron) == SortKeys().age(kubectl_made({}))


def test_the_next_run_is_that_of_the_moment() -> None:
    cron = kept(kubectl_made({"schedule": "0 * * * *", "endTime": "2100-01-01T00:00:00Z"}))
    keys = keys_of(cron)
    for minutes in (0, 10, 59, 60, 61, 1000, 60 * 24 * 365 * 100):
        now = NOW + timedelta(minutes=minutes)
        assert keys.next_run(cron, now) == next_run_date(cron, now)
    assert keys.next_run(cron, now) is None, "its end is over"


def test_the_next_run_is_found_once_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Mock(side_effect=next_run_date)
    monkeypatch.setattr(sort_keys, "next_run_date", found)
    cron = made(MINIMAL | {"schedule": "0 * * * *"})
    keys = SortKeys()
    for _ in range(3):
        keys.next_run(cron, NOW)
    assert found.call_count == 1
    keys.next_run(cron, NOW + timedelta(hours=1))
    assert found.call_count == 2
