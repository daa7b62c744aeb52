"""The page of one GraphCron."""

import json

import yaml

from graphcron.console.source import Away, NotAllowed, Verb
from graphcron.kube.resources import Manifest
from tests.support.console_server import Html, browsing
from tests.support.console_source import MemorySource, condition, cron, firing


async def shown(graphcron: Manifest, source: MemorySource | None = None, **options: str) -> Html:
    source = source or MemorySource()
    source.put(graphcron)
    async with browsing(source, **options) as browser:
        return await browser.page("/crons/team/a")


async def test_it_has_the_name_for_people_and_that_of_the_object() -> None:
    page = await shown(cron("a", metadata={"annotations": {"graphcron.dev/display-name": "Night report"}}))
    assert page.words("h1") == "Night report"
    assert "team/a" in page.words()


async def test_a_firing_has_its_message_its_run_and_the_link_to_its_trace() -> None:
    failed = firing(30, "Failed", seconds=65, jobName="a-29", runId="r/1", threadId="t1", message="line 1\nline 2")
    page = await shown(cron("a", history=[failed, firing(90)]), trace_url="https://trace.example/r/{run_id}")
    row = page.words("tr[@id='firing-a-29']")
    for words in ("30m ago", "Failed", "RunFailed", "1m5s", "r/1", "thread t1", "line 1 line 2"):
        assert words in row
    link = page.one("tr[@id='firing-a-29']//a[@target]")
    assert (link.get("href"), link.get("rel")) == ("https://trace.example/r/r%2F1", "noopener noreferrer")
    assert [one.get("href") for one in page.all("span[@class='strip']/a")][-1] == "/console/crons/team/a#firing-a-29"


def backfill(name: str, **status: object) -> Manifest:
    spec = {"graphCron": "a", "from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z"}
    return {"metadata": {"name": name}, "spec": spec, "status": status}


async def test_backfills_say_how_far_they_are() -> None:
    source = MemorySource()
    complete = {"type": "Complete", "message": "37 of 200 scheduled times are over."}
    counts = {"failed": 2}
    source.known_backfills = [
        backfill("b-2", phase="Running", progress="37/200", counts=counts, conditions=[complete]), backfill("b-1"),
    ]  # fmt: skip
    page = await shown(cron("a"), source)
    said = page.words("section[@aria-labelledby='backfills']")
    assert "Running 37/200, 2 failed: 37 of 200 scheduled times are over." in said
    assert "Pending 0/?: no operator has seen it yet" in said


async def test_who_may_not_see_backfills_sees_the_rest() -> None:
    source = MemorySource()
    source.known_backfills = NotAllowed("you may not")
    page = await shown(cron("a", history=[firing(30)]), source)
    assert page.all("section[@aria-labelledby='backfills']") == []
    assert "RunSucceeded" in page.words()


async def test_without_a_template_no_trace_is_linked() -> None:
    assert (await shown(cron("a", history=[firing(1, runId="r")]))).all("a[@target]") == []


async def test_why_it_is_in_its_phase_and_what_to_do() -> None:
    stalled = [condition("Ready", "False", "NoAgentServer", "none"), condition("Stalled", reason="NoAgentServer")]
    page = await shown(cron("a", *stalled))
    why = page.words("section[@aria-labelledby='why']")
    assert "Set spec.server.url" in why
    assert "spec.server.url" in page.texts("span[@class='todo']/code")
    assert page.words("span[@class='badge u0']") == "NoAgentServer"


async def test_where_nothing_is_wrong_nothing_is_explained() -> None:
    assert (await shown(cron("a"))).all("section[@aria-labelledby='why']") == []


async def test_what_nobody_has_been_told_is_shown_with_its_reason() -> None:
    record = {"event": "Failed", "channel": "team", "state": "Failed", "message": "hooks.slack.com answered <503>"}
    told = record | {"event": "Late", "state": "Delivered"}
    page = await shown(cron("a", status={"notifications": [record, told]}))
    said = page.words("section[@aria-labelledby='untold']/ul")
    assert said == "Failed by channel team: failed, and is tried again: hooks.slack.com answered <503>"
    assert (await shown(cron("a", status={"notifications": [told]}))).all("section[@aria-labelledby='untold']") == []


async def test_a_missing_cronjob_is_told_from_one_that_the_viewer_may_not_see() -> None:
    source = MemorySource()
    source.known_cron_job = None
    assert "no CronJob a" in (await shown(cron("a"), source)).words()
    source.known_cron_job = NotAllowed("you may not see CronJobs")
    assert "no CronJob a" not in (await shown(cron("a"), source)).words()


async def test_events_are_there_or_why_they_are_not() -> None:
    source = MemorySource()
    source.known_events = [{"type": "Warning", "reason": "RunFailed", "message": "it failed", "involvedObject": {}}]
    assert "it failed" in (await shown(cron("a"), source)).words("section[@aria-labelledby='events']")
    source.known_events = NotAllowed("you may not list events")
    assert "you may not list events" in (await shown(cron("a"), source)).words()


async def test_its_yaml_is_what_git_needs() -> None:
    page = await shown(cron("a", input={"messages": [{"role": "user", "content": "<b>Hello</b> & more"}]}))
    code = page.one("code[@id='yaml']").text or ""
    made = yaml.safe_load(code)
    assert made["metadata"] == {"name": "a", "namespace": "team"}
    assert made["spec"]["input"]["messages"][0]["content"] == "<b>Hello</b> & more"
    assert "status" not in made
    given = next(text for text in (one.text for one in page.all("dd/pre/code")) if text)
    assert json.loads(given) == made["spec"]["input"]


async def test_a_button_that_may_not_be_used_says_why() -> None:
    source = MemorySource()
    source.denied = {Verb.PATCH: "you may not patch", Verb.DELETE: "you may not delete"}
    page = await shown(cron("a"), source)
    disabled = {button.text: button.get("title") for button in page.all("button[@disabled]")}
    patches = dict.fromkeys(("Run now", "Pause", "Edit"), "you may not patch")
    assert disabled == patches | {"Delete": "you may not delete"}
    assert "you may not patch" in page.words()


async def test_what_is_paused_or_suspended_can_be_resumed_and_nothing_else() -> None:
    suspended = [condition("Ready", "False", "MaxFailuresReached"), condition("Suspended", reason="MaxFailuresReached")]
    for page in (await shown(cron("a", enabled=False)), await shown(cron("a", *suspended))):
        assert page.all("form[@action='/console/crons/team/a/resume']")
        assert not page.all("form[@action='/console/crons/team/a/pause']")
    assert (await shown(cron("a"))).all("form[@action='/console/crons/team/a/pause']")


async def test_the_part_that_changes_is_there_without_the_rest() -> None:
    source = MemorySource(cron("a", history=[firing(1)]))
    async with browsing(source) as browser:
        part = await browser.page("/crons/team/a", headers={"HX-Request": "true"})
    assert part.all("h1") == []
    assert part.one("div[@id='now']").get("hx-trigger") == "sse:changed, every 30s"


async def test_an_apiserver_that_is_away_is_said_to_be_away() -> None:
    source = MemorySource(cron("a"))
    source.silent = 95.4
    async with browsing(source) as browser:
        for path in ("/", "/crons/team/a"):
            assert "has not answered for 95 s" in (await browser.page(path)).words()
        source.fail_with = Away("the cluster does not answer")
        assert "the cluster does not answer" in (await browser.page("/crons/team/a", 503)).words()


async def test_nothing_of_a_graphcron_becomes_part_of_the_page() -> None:
    evil = "\"'><script>alert(1)</script>{{ 7*7 }}<img src=x onerror=alert(1)>"
    hostile = cron(
        "a",
        condition("Ready", "False", evil, evil),
        condition("Stalled", "True", evil, evil),
        metadata={
            "labels": {"x": evil, "graphcron.dev/owner": evil},
            "annotations": {"graphcron.dev/display-name": evil},
        },
        history=[firing(1, "Failed", reason=evil, message=evil, runId=evil, threadId=evil, jobName="j")],
        status={"lastRequest": {"token": evil, "outcome": evil[:32], "reason": evil, "message": evil}},
        schedule=evil,
        assistantId=evil,
        input={"messages": evil},
    )
    source = MemorySource(hostile)
    source.known_events = [{"reason": evil, "message": evil, "involvedObject": {"kind": evil}}]
    async with browsing(source, trace_url="https://t.example/{run_id}") as browser:
        for path in ("/", "/crons/team/a", "/crons/team/a/delete", "/?text=" + "%22%3E%3Cscript%3E"):
            page = await browser.page(path)
            assert {one.get("src", "")[:16] for one in page.all("script")} == {"/console/static/"}
            assert {one.get("src") for one in page.all("img")} == {"/console/static/icon.svg"}
            assert not [one for one in page.root.iter() if any(name.startswith("on") for name in one.attrib)]
            assert "49" not in page.words("title")


async def test_a_status_that_somebody_wrote_by_hand_breaks_no_page() -> None:
    odd = {"conditions": [{"type": "Ready"}], "history": [{"outcome": 5}], "nextRunTimes": ["soon"], "firings": "many"}
    source = MemorySource(cron("a", status=odd), cron("b"))
    async with browsing(source) as browser:
        assert (await browser.page("/")).texts("tbody/tr/th/a") == ["a", "b"]
        assert "a" in (await browser.page("/crons/team/a")).words("h1")


async def test_a_recorded_trace_is_linked_where_the_console_has_no_template_and_only_on_the_web() -> None:
    good = firing(30, runId="1") | {"traceUrl": "https://trace.example/r/1"}
    forged = firing(90, runId="2") | {"traceUrl": "javascript:alert(1)"}
    page = await shown(cron("a", history=[good, forged]))
    addresses = [one.get("href") for one in page.all("a[@target]")]
    assert "https://trace.example/r/1" in addresses
    assert not any("javascript" in str(address) for address in addresses)
