"""What a viewer asks of one GraphCron."""

import pytest

from graphcron.console import requests
from graphcron.console.source import Verb
from tests.support.console_server import browsing
from tests.support.console_source import EverybodysAccess, MemorySource, condition, cron


async def test_run_now_is_an_annotation_with_a_token() -> None:
    source = MemorySource(cron("a"))
    async with browsing(source) as browser:
        assert await browser.send("/crons/team/a/run") == "/crons/team/a?did=run"
    assert source.crons["team", "a"]["metadata"]["annotations"] == {
        "graphcron.dev/run-requested": "2026-11-27T12:00:00.000000Z"
    }


async def test_a_request_waits_for_the_one_before_it_and_is_refused_where_that_lasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requests, "ATTEMPTS", 3)
    waiting = cron("a", metadata={"annotations": {"graphcron.dev/run-requested": "1"}})
    source = MemorySource(waiting)
    async with browsing(source) as browser:
        status, text, _ = await browser.answer("/crons/team/a/run", {"csrf": EverybodysAccess.CSRF})
        assert (status, "Nothing was requested" in text) == (422, True)
        source.put(waiting | {"status": waiting["status"] | {"lastRequest": {"token": "1", "outcome": "Succeeded"}}})
        assert await browser.send("/crons/team/a/run") == "/crons/team/a?did=run"


async def test_pause_has_a_reason_and_resume_takes_it_away() -> None:
    source = MemorySource(cron("a", condition("Ready", reason="Paused")))
    async with browsing(source) as browser:
        await browser.send("/crons/team/a/pause", reason=" holidays ")
        paused = source.crons["team", "a"]["spec"]
        assert (paused["enabled"], paused["pauseReason"]) == (False, "holidays (by ada)")
        await browser.send("/crons/team/a/resume")
    resumed = source.crons["team", "a"]
    assert (resumed["spec"]["enabled"], "pauseReason" in resumed["spec"]) == (True, False)
    assert "graphcron.dev/resume-requested" in resumed["metadata"]["annotations"]


async def test_a_deletion_is_asked_for_twice() -> None:
    source = MemorySource(cron("a"))
    async with browsing(source) as browser:
        page = await browser.page("/crons/team/a/delete")
        assert "Delete a?" in page.words("h1")
        assert ("team", "a") in source.crons
        assert await browser.send("/crons/team/a/delete") == "/?did=delete"
        assert "was deleted" in (await browser.page("/?did=delete")).words()
    assert source.crons == {}


async def test_what_is_not_allowed_is_refused_with_the_reason() -> None:
    source = MemorySource(cron("a"))
    source.denied = {Verb.PATCH: "you may not patch", Verb.DELETE: "you may not delete"}
    async with browsing(source) as browser:
        for doing, why in {"run": "patch", "pause": "patch", "resume": "patch", "delete": "delete"}.items():
            status, text, _ = await browser.answer(f"/crons/team/a/{doing}", {"csrf": "the-token-of-this-page"})
            assert (status, f"you may not {why}" in text) == (403, True)
        page = await browser.page("/crons/team/a/delete")
    assert "you may not delete" in page.words()
    assert page.all("button") == []
    assert "annotations" not in source.crons["team", "a"]["metadata"]
