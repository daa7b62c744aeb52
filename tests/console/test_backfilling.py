"""The form of a backfill, as a browser gets and sends it."""

from graphcron.console.source import Refused, Verb
from graphcron.kube.resources import Manifest
from tests.support.console_server import Html, browsing
from tests.support.console_source import EverybodysAccess, MemorySource, cron, firing

PATH = "/crons/team/daily/backfill"
WANTED = {"from": "2026-11-20T00:00", "to": "2026-11-23T00:00"}


def daily() -> Manifest:
    return cron("daily", schedule="0 9 * * *", timezone="Europe/Berlin")


async def test_it_previews_what_would_run_and_makes_that() -> None:
    source = MemorySource(daily())
    async with browsing(source) as browser:
        page = await browser.page(PATH)
        assert "1 scheduled time would run" in page.words("div[@id='plan']"), "yesterday's"
        _, text, _ = await browser.answer(f"{PATH}/preview", {"csrf": EverybodysAccess.CSRF} | WANTED)
        plan = Html(text).words("div[@id='plan']")
        assert plan.startswith("3 scheduled times would run Fri 20 Nov 2026, 09:00 CET Sat 21 Nov 2026, 09:00 CET")
        assert source.created == []
        assert await browser.send(PATH, **WANTED, rerun="yes", parallelism="2") == "/crons/team/daily?did=backfill"
    (made,) = source.created
    assert made["kind"] == "GraphCronBackfill"
    assert made["metadata"] == {"name": "daily-backfill-20261127120000", "namespace": "team"}
    assert made["spec"] == {
        "graphCron": "daily",
        "from": "2026-11-19T23:00:00Z",
        "to": "2026-11-22T23:00:00Z",
        "parallelism": 2,
        "rerun": True,
    }


async def test_what_succeeded_is_left_out_and_told() -> None:
    done = daily() | {"status": cron("daily", history=[firing(4 * 60)])["status"]}
    async with browsing(MemorySource(done)) as browser:
        wanted = WANTED | {"from": "2026-11-26T00:00", "to": "2026-11-27T12:00"}
        _, text, _ = await browser.answer(f"{PATH}/preview", {"csrf": EverybodysAccess.CSRF} | wanted)
    plan = Html(text).words("div[@id='plan']")
    assert "1 scheduled time would run" in plan
    assert "1 left out: its run has succeeded, and rerun is not set." in plan


async def test_mistakes_stand_beside_their_fields_and_nothing_is_lost() -> None:
    source = MemorySource(daily())
    async with browsing(source) as browser:
        for wanted, place, sentence in (
            (WANTED | {"from": "soon"}, "from", "must be a date and a time"),
            (WANTED | {"parallelism": "many"}, "parallelism", "must be a whole number"),
            (WANTED | {"to": "2026-11-01T00:00"}, "", "to must be after from"),
        ):
            status, text, _ = await browser.answer(PATH, {"csrf": EverybodysAccess.CSRF} | wanted)
            page = Html(text)
            assert status == 422
            assert sentence in page.words(f"p[@id='error-{place}']")
            assert page.one("input[@name='to']").get("value") == wanted["to"]
    assert source.created == []


async def test_what_is_refused_and_who_may_not_is_told() -> None:
    class Refusing(MemorySource):
        async def create(self, manifest: Manifest) -> Manifest:
            raise Refused("the limit is 100 backfills")

    source = Refusing(daily())
    async with browsing(source) as browser:
        status, text, _ = await browser.answer(PATH, {"csrf": EverybodysAccess.CSRF} | WANTED)
        assert (status, Html(text).words("p[@id='error-']")) == (422, "the limit is 100 backfills")
        source.denied[Verb.BACKFILL] = "You may not create graphcronbackfills."
        status, text, _ = await browser.answer(PATH, {"csrf": EverybodysAccess.CSRF} | WANTED)
        assert status == 403
        assert "You may not create" in text
