"""Quotas: how many crons an owner may have, and how often one may fire."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from graphcron.facade.auth.callers import Mode
from graphcron.facade.errors import RestError
from graphcron.facade.quota import Quota
from graphcron.facade.store.snapshot import NO_METADATA
from graphcron.facade.translation import Draft
from graphcron.firing.formats import format_time
from graphcron.resource.lifetime import AT_MOST, Lifetime
from graphcron.schedule.expression import read
from tests.support.api_keys import ADA, BOB, known, made, sent
from tests.support.facade_server import MINIMAL, Client, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import UpstreamFake

NOW = datetime(2026, 11, 22, 19, 25, tzinfo=UTC)


def draft(schedule: str) -> Draft:
    return Draft({"spec": {"schedule": schedule}}, read(schedule))


class TestLimits:
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


class TestLifetime:
    QUOTA = Quota(lifetime=Lifetime(days=1))

    def test_one_that_goes_on_for_too_long_is_422(self) -> None:
        with pytest.raises(RestError) as refused:
            self.QUOTA.check_schedule(draft("0 * * * *"), NOW)
        assert (refused.value.status, refused.value.detail) == (422, AT_MOST.format(1))

    def test_it_counts_from_the_creation_also_when_only_the_end_changes(self) -> None:
        end = NOW + timedelta(hours=23)
        spec = {"schedule": "0 * * * *", "endTime": format_time(end)}
        self.QUOTA.check_schedule(Draft({"spec": spec}), NOW)
        old = {"metadata": {"creationTimestamp": format_time(NOW - timedelta(hours=2))}, "spec": spec}
        with pytest.raises(RestError):
            self.QUOTA.check_schedule(Draft(old), NOW)

    def test_an_old_one_can_be_disabled(self) -> None:
        self.QUOTA.check_schedule(Draft({"spec": {"schedule": "0 * * * *", "enabled": False}}), NOW)


class HesitantStore(MemoryStore):
    """Lets all others go on before it answers, so that what is not kept apart happens at once."""

    async def list(self, metadata: Mapping[str, Any] = NO_METADATA) -> list[dict[str, Any]]:
        found = await super().list(metadata)
        for _ in range(100):
            await asyncio.sleep(0)
        return found


class TestServed:
    @pytest.fixture
    def store(self) -> MemoryStore:
        return HesitantStore()

    @pytest.fixture
    async def limited(self, store: MemoryStore, upstream: UpstreamFake) -> AsyncIterator[Client]:
        """Three crons for each owner, each firing once in ten minutes at most."""
        url = await upstream.start()
        async with (
            serving(store, url, Mode.API_KEYS, {"keys": known}, crons_per_owner=3, minimum_interval=600) as own,
            aiohttp.ClientSession() as session,
        ):
            yield Client(own, session)

    async def test_many_creates_at_once_make_no_more_than_the_limit(self, limited: Client, store: MemoryStore) -> None:
        answers = await asyncio.gather(
            *(limited.call("POST", "/runs/crons", MINIMAL, headers=sent(ADA)) for _ in range(12))
        )
        assert sorted(status for status, _, _ in answers) == [200] * 3 + [429] * 9
        assert len(store.manifests) == 3
        assert "The limit is 3 crons for each owner" in next(
            given["detail"] for status, given, _ in answers if status == 429
        )
        cron = await made(limited, BOB)  # whose limit is his own
        assert cron["user_id"] == "bob"

    async def test_a_deletion_makes_room(self, limited: Client) -> None:
        crons = [await made(limited, ADA) for _ in range(3)]
        await limited.call("DELETE", f"/runs/crons/{crons[0]['cron_id']}", headers=sent(ADA))
        await made(limited, ADA)

    async def test_too_dense_a_schedule_is_neither_made_nor_changed_to(
        self, limited: Client, store: MemoryStore
    ) -> None:
        cron = await made(limited, ADA)
        dense = {"schedule": "*/5 * * * *"}
        for method, path, body in (
            ("POST", "/runs/crons", MINIMAL | dense),
            ("PATCH", f"/runs/crons/{cron['cron_id']}", dense),
        ):
            status, given, _ = await limited.call(method, path, body, headers=sent(ADA))
            assert status == 422
            assert "fires again after 5 minutes, and the limit is once in 10 minutes" in given["detail"]
        assert [one["spec"]["schedule"] for one in store.manifests.values()] == [MINIMAL["schedule"]]

    async def test_one_that_was_too_dense_before_may_be_stopped_but_not_started(
        self, limited: Client, store: MemoryStore
    ) -> None:
        cron = await made(limited, ADA)
        store.manifests[cron["cron_id"]]["spec"]["schedule"] = "* * * * *"
        path = f"/runs/crons/{cron['cron_id']}"
        assert (await limited.call("PATCH", path, {"enabled": False}, headers=sent(ADA)))[0] == 200
        assert (await limited.call("PATCH", path, {"metadata": {"a": 1}}, headers=sent(ADA)))[0] == 200
        assert (await limited.call("PATCH", path, {"enabled": True}, headers=sent(ADA)))[0] == 422

    async def test_in_mode_open_everybody_is_one_owner(self, store: MemoryStore) -> None:
        async with serving(store, None, crons_per_owner=1) as url, aiohttp.ClientSession() as session:
            assert (await Client(url, session).call("POST", "/runs/crons", MINIMAL))[0] == 200
            assert (await Client(url, session).call("POST", "/runs/crons", MINIMAL, headers=sent(ADA)))[0] == 429
