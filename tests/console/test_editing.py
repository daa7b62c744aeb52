"""The form, as a browser gets and sends it."""

from typing import Any

import pytest

from graphcron.console.source import NotAllowed, Refused, Verb
from tests.support.console_server import Browser, Html, browsing
from tests.support.console_source import EverybodysAccess, MemorySource, cron

NEW = {"name": "report", "namespace": "team", "schedule": "0 9 * * *", "assistantId": "agent"}
EDIT = "/crons/team/daily/edit"


async def refused(browser: Browser, path: str, fields: dict[str, str], status: int = 422) -> Html:
    got, text, _ = await browser.answer(path, {"csrf": EverybodysAccess.CSRF} | fields)
    assert got == status, text
    return Html(text)


def values(page: Html) -> dict[str, str]:
    """What a browser would send of the form."""
    found = {one.get("name", ""): one.get("value", "") for one in page.all("form[@class='edit']//input")}
    found |= {one.get("name", ""): (one.text or "")[1:] for one in page.all("textarea")}
    for one in page.all("form[@class='edit']//select"):
        chosen = one.find("option[@selected]")
        found[one.get("name", "")] = (chosen.get("value") or "") if chosen is not None else ""
    return found


async def test_a_new_cron_is_made_as_it_was_written() -> None:
    source = MemorySource(cron("daily"))
    async with browsing(source) as browser:
        page = await browser.page("/new")
        assert values(page)["namespace"] == "team"
        assert await browser.send("/new", **(values(page) | NEW)) == "/crons/team/report?did=new"
    (made,) = source.created
    assert made["spec"] == {"schedule": "0 9 * * *", "assistantId": "agent"}


async def test_an_edit_changes_what_was_changed_and_nothing_else() -> None:
    known = cron("daily", input={"a": None}, template={"nodeSelector": {"disk": "ssd"}})
    source = MemorySource(known)
    async with browsing(source) as browser:
        page = await browser.page(EDIT)
        sent = values(page) | {"schedule": "0 10 * * *", "input": '{"b": null}'}
        assert await browser.send(EDIT, **sent) == "/crons/team/daily?did=edit"
        assert source.crons["team", "daily"]["spec"] == known["spec"] | {"schedule": "0 10 * * *", "input": {"b": None}}
        version = source.crons["team", "daily"]["metadata"]["resourceVersion"]
        assert await browser.send(EDIT, **values(await browser.page(EDIT))) == "/crons/team/daily?did=edit"
    assert source.crons["team", "daily"]["metadata"]["resourceVersion"] == version, "no change writes nothing"


@pytest.mark.parametrize(
    ("path", "base", "title"), [("/new", NEW, "It was not made"), (EDIT, {"generation": "1"}, "It was not saved")]
)
async def test_a_mistake_stands_beside_its_field_and_nothing_is_lost(
    path: str, base: dict[str, str], title: str
) -> None:
    source = MemorySource(cron("daily"))
    sent = {"assistantId": "agent", "schedule": "61 * * * *", "input": '{\n  "q": "<b>&"\n', "maxFailures": "3"}
    async with browsing(source) as browser:
        page = await refused(browser, path, base | sent)
    assert title in page.words("div[@id='summary']")
    assert page.texts("div[@id='summary']//a") == ["Schedule", "Input"]
    assert "'61' is no valid minute: it goes from 0 to 59." in page.words("p[@id='error-schedule']")
    assert page.words("p[@id='error-input']") == "line 3, column 1: expecting ',' delimiter"
    assert page.one("input[@name='schedule']").get("aria-invalid") == "true"
    assert {name: values(page)[name] for name in sent} == sent
    assert source.created == []
    assert source.crons["team", "daily"]["metadata"]["resourceVersion"] == "1"


async def test_what_the_apiserver_refuses_is_told_and_nothing_is_lost() -> None:
    class Refusing(MemorySource):
        async def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
            raise Refused("a policy of this cluster wants a label team")

    async with browsing(Refusing(cron("daily"))) as browser:
        page = await refused(browser, "/new", NEW)
    assert page.words("p[@id='error-']") == "a policy of this cluster wants a label team"
    assert values(page)["name"] == "report"


async def test_what_concerns_one_field_stands_beside_it_whoever_says_it() -> None:
    class Strict(MemorySource):
        async def edit(self, known: dict[str, Any], operations: list[Any]) -> dict[str, Any]:
            raise NotAllowed("spec.webhook: this field is the administrator's")

    async with browsing(Strict(cron("daily"))) as browser:
        sent = values(await browser.page(EDIT)) | {"webhook": "https://hooks.example/x"}
        page = await refused(browser, EDIT, sent)
    assert page.words("p[@id='error-webhook']") == "spec.webhook: this field is the administrator's"
    assert values(page)["webhook"] == "https://hooks.example/x"


async def test_a_change_of_somebody_else_is_told_and_what_was_written_stays() -> None:
    source = MemorySource(cron("daily"))
    async with browsing(source) as browser:
        sent = values(await browser.page(EDIT)) | {"schedule": "0 10 * * *"}
        source.put(cron("daily", schedule="0 7 * * *", metadata={"generation": 2}))
        page = await refused(browser, EDIT, sent)
        assert "Somebody else changed this cron" in page.words("p[@id='error-']")
        assert source.crons["team", "daily"]["spec"]["schedule"] == "0 7 * * *"
        again = values(page)
        assert again["schedule"] == "0 10 * * *"
        await browser.send(EDIT, **again)
    assert source.crons["team", "daily"]["spec"]["schedule"] == "0 10 * * *"


async def test_who_may_not_change_is_told() -> None:
    source = MemorySource(cron("daily"))
    source.denied = {Verb.PATCH: "You may not patch graphcrons.", Verb.CREATE: "You may not create graphcrons."}
    async with browsing(source) as browser:
        assert "You may not patch" in (await refused(browser, EDIT, {"generation": "1"}, 403)).words()
        assert "You may not create" in (await refused(browser, "/new", NEW, 403)).words()


@pytest.mark.parametrize("path", ["/new/draft", f"{EDIT}/draft"])
async def test_a_draft_says_what_it_means_so_far(path: str) -> None:
    async with browsing(MemorySource(cron("daily", timezone="Europe/Berlin"))) as browser:
        page = await refused(browser, path, {"schedule": "30 8 * * *", "assistantId": "", "retryLimit": "x"}, 200)
    meaning = page.words("div[@id='meaning']")
    assert "At 08:30" in meaning
    assert "Sat 28 Nov 2026, 08:30" in meaning
    assert page.words("p[@id='error-assistantId']") == "", "who has not come to a field has made no mistake there"
    assert page.words("p[@id='error-retryLimit']") == "must be a whole number"
    assert "schedule: 30 8 * * *" in page.words("code[@id='yaml']")


async def test_the_yaml_of_a_form_is_that_of_the_graphcron_without_what_the_apiserver_sets() -> None:
    async with browsing(MemorySource(cron("daily"))) as browser:
        yaml = (await browser.page(EDIT)).one("code[@id='yaml']").text or ""
    assert yaml.startswith("apiVersion: graphcron.dev/v1\nkind: GraphCron\nmetadata:\n  name: daily\n")
    assert "uid" not in yaml
    assert "status" not in yaml
