"""What people do with the console, in a real browser, with a real operator behind it."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browser import LOOKS
from tests.support.console_stage import Stage

RUN_ERROR = {"outcome": "Failed", "reason": "RunError", "message": "the model gave no answer"}
SUCCEEDED = {"outcome": "Succeeded", "reason": "RunSucceeded", "run_id": "r1"}


def path(name: str, page: str = "") -> str:
    return f"/crons/ns/{name}{page}"


def stays_loaded(page: Page) -> None:
    """From here on the page may change, and not be loaded anew."""
    page.evaluate("window.loadedOnce = true")


def was_not_reloaded(page: Page) -> bool:
    return bool(page.evaluate("window.loadedOnce === true"))


def test_a_list_is_filtered_while_one_types(stage: Stage) -> None:
    for name in ("filter-sales", "filter-legal"):
        stage.make(name, assistantId=name.removeprefix("filter-"))
    with stage.visit() as seen:
        rows = seen.page.locator("table.crons tbody tr")
        expect(rows.filter(has_text="filter-")).to_have_count(2)
        stays_loaded(seen.page)
        seen.page.get_by_label("Search").press_sequentially("filter-sal")
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text("filter-sales")
        assert was_not_reloaded(seen.page)
        assert "text=filter-sal" in seen.page.url, "the address can be shared"
        seen.page.get_by_label("Search").fill("nothing is called like this")
        expect(seen.page.get_by_text("Show all")).to_be_visible()


def test_a_run_is_asked_for_and_its_outcome_arrives_by_itself(stage: Stage) -> None:
    stage.make("run-now")
    with stage.visit() as overview, stage.visit(path("run-now")) as seen:
        seen.page.get_by_role("button", name="Run now").click()
        expect(seen.page.get_by_role("status")).to_contain_text("was asked to run now")
        for one in (overview, seen):
            stays_loaded(one.page)
        stage.end_run("run-now", **SUCCEEDED)
        row = seen.page.get_by_role("row").filter(has_text="RunSucceeded")
        expect(row).to_contain_text("Manual")
        cell = overview.page.get_by_role("row").filter(has_text="run-now").locator(".cell.Succeeded")
        expect(cell).to_have_count(1)
        assert was_not_reloaded(seen.page)
        assert was_not_reloaded(overview.page)


def test_a_failed_run_says_why_and_what_to_do(stage: Stage) -> None:
    stage.make("run-fails", retryLimit=0)
    with stage.visit(path("run-fails")) as seen:
        seen.page.get_by_role("button", name="Run now").click()
        stage.end_run("run-fails", **RUN_ERROR)
        why = seen.page.get_by_role("region", name="Why, and what to do")
        expect(why).to_contain_text("the model gave no answer", timeout=20_000)
        seen.go("/?phase=attention")
        expect(seen.page.locator("table.crons tbody")).to_contain_text("run-fails")


def test_a_cron_is_paused_with_a_reason_and_resumed(stage: Stage) -> None:
    stage.make("pause-me")
    with stage.visit(path("pause-me")) as seen:
        seen.page.get_by_text("Pause", exact=True).click()
        seen.page.get_by_label("Why, for others to read").fill("quarter-end close")
        seen.page.get_by_role("button", name="Pause it").click()
        expect(seen.page.locator(".badge")).to_have_text("Paused")
        expect(seen.page.locator("#now")).to_contain_text("quarter-end close")
        assert stage.spec("pause-me")["enabled"] is False
        seen.page.get_by_role("button", name="Resume").click()
        expect(seen.page.locator(".badge")).to_have_text("Scheduled")
        assert stage.spec("pause-me")["enabled"] is True


def test_a_wrong_schedule_is_told_beside_the_field_and_nothing_is_lost(stage: Stage) -> None:
    stage.make("edit-me", input={"q": "old"})
    with stage.visit(path("edit-me", "/edit")) as seen:
        page = seen.page
        page.get_by_label("Input").fill('{"q": "new"')
        expect(page.locator("#error-input")).to_have_text("line 1, column 12: expecting ',' delimiter")
        page.get_by_label("Input").fill('{"q": "new"}')
        expect(page.locator("#error-input")).to_be_empty()
        page.get_by_label("Schedule").fill("61 * * * *")
        expect(page.locator("#error-schedule")).to_contain_text("'61' is no valid minute")
        seen.expect("status of 422")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#summary")).to_contain_text("It was not saved")
        expect(page.locator("#error-schedule")).to_contain_text("'61' is no valid minute")
        expect(page.get_by_label("Schedule")).to_have_value("61 * * * *")
        expect(page.get_by_label("Input")).to_have_value('{"q": "new"}')
        seen.check_accessibility()
        assert stage.spec("edit-me")["input"] == {"q": "old"}
        page.locator("#summary").get_by_role("link", name="Schedule").click()
        expect(page.get_by_label("Schedule")).to_be_focused()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type("0 7 * * *")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("It was changed.")
        spec = stage.spec("edit-me")
        assert (spec["schedule"], spec["input"]) == ("0 7 * * *", {"q": "new"})


def test_a_new_cron_is_made_with_words_and_times_while_one_types(stage: Stage) -> None:
    with stage.visit() as seen:
        page = seen.page
        page.get_by_role("link", name="New cron").click()
        page.get_by_label("Name", exact=False).first.fill("made-here")
        page.get_by_label("Schedule").press_sequentially("30 8 * * mon-fri")
        meaning = page.locator("#meaning")
        expect(meaning).to_contain_text("At 08:30, Monday through Friday")
        page.get_by_label("Time zone").fill("Europe/Berlin")
        expect(meaning.get_by_role("listitem")).to_have_count(5)
        expect(meaning.get_by_role("listitem").first).to_have_text(re.compile(r"08:30 CES?T$"))
        page.get_by_label("Assistant").fill("agent")
        page.get_by_label("Input").fill('{"q": 1}')
        page.get_by_text("As YAML").click()
        expect(page.locator("#yaml")).to_contain_text("timezone: Europe/Berlin")
        page.get_by_role("button", name="Make it").click()
        expect(page.get_by_role("status")).to_contain_text("It was made.")
        expect(page.locator(".badge")).to_have_text("Scheduled")
    assert stage.spec("made-here") == {
        "schedule": "30 8 * * mon-fri",
        "timezone": "Europe/Berlin",
        "assistantId": "agent",
        "input": {"q": 1},
    }


def test_what_is_typed_before_the_scripts_are_there_counts(stage: Stage) -> None:
    with stage.visit() as seen:
        page, waiting = seen.page, list[Route]()
        page.route("**/htmx*.js", lambda route: waiting.append(route))
        with page.expect_request("**/htmx*.js"):
            page.get_by_role("link", name="New cron").click()
        page.get_by_label("Schedule").fill("30 8 * * mon-fri")
        for route in waiting:
            route.continue_()
        expect(page.locator("#meaning")).to_contain_text("At 08:30, Monday through Friday")


def test_a_backfill_is_made_as_its_preview_says(stage: Stage) -> None:
    stage.make("backfill-me", schedule="0 9 * * *", timezone="Europe/Berlin")
    with stage.visit(path("backfill-me")) as seen:
        page = seen.page
        page.get_by_role("link", name="Backfill").click()
        page.get_by_label("From", exact=True).fill("2024-03-04T00:00")
        page.get_by_label("To", exact=True).fill("2024-03-01T00:00")
        expect(page.locator("#error-")).to_contain_text("to must be after from")
        assert stage.backfills() == []
        page.get_by_label("To", exact=True).fill("2024-03-07T00:00")
        expect(page.locator("#error-")).to_be_empty()
        times = page.locator("#plan").get_by_role("listitem")
        expect(times).to_have_count(3)
        expect(times.first).to_have_text("Mon 04 Mar 2024, 09:00 CET")
        seen.check_accessibility()
        page.get_by_role("button", name="Run these").click()
        expect(page.locator(".notice[role=status]")).to_contain_text("The backfill was made.")
    (made,) = stage.backfills()
    assert (made["spec"]["graphCron"], made["spec"]["from"]) == ("backfill-me", "2024-03-03T23:00:00Z")


def test_a_cron_is_deleted_after_a_question(stage: Stage) -> None:
    stage.make("delete-me")
    with stage.visit(path("delete-me")) as seen:
        seen.page.get_by_role("link", name="Delete").click()
        expect(seen.page.get_by_role("heading")).to_contain_text("Delete delete-me?")
        seen.page.get_by_role("button", name="Delete it").click()
        expect(seen.page.get_by_role("status").first).to_contain_text("The cron was deleted")
        assert stage.graphcron("delete-me") == {}
        seen.expect("status of 404")
        seen.go(path("delete-me"))
        expect(seen.page.get_by_role("heading")).to_contain_text("There is no such GraphCron")


def press_until_focused(page: Page, name: str, key: str = "Tab", most: int = 60) -> None:
    """Presses it until the element with that text has the focus."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"{name} cannot be reached by {key}")


def test_everything_is_done_by_keyboard_alone(stage: Stage) -> None:
    stage.make("keyboard")
    with stage.visit("/?text=keyboard") as seen:
        page = seen.page
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        press_until_focused(page, "keyboard")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", "the focus is to be seen"
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="keyboard")).to_be_visible()
        press_until_focused(page, "Pause")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.type("by keyboard")
        page.keyboard.press("Enter")
        expect(page.locator(".badge")).to_have_text("Paused")
    assert stage.spec("keyboard")["pauseReason"] == "by keyboard"


OF_A_CRON = ("", "/calendar", "/edit", "/backfill", "/delete")


@pytest.mark.parametrize("look", LOOKS)
def test_each_page_is_accessible_and_fits(stage: Stage, look: str) -> None:
    if not stage.graphcron("looked-at"):
        stage.make(
            "looked-at", schedule="*/10 * * * *", input={"messages": [{"role": "user", "content": "word " * 100}]}
        )
    with stage.visit(**LOOKS[look]) as seen:
        for one in ("/", "/timeline", "/costs", "/new", *(path("looked-at", page) for page in OF_A_CRON)):
            seen.go(one)
            expect(seen.page.get_by_role("heading", level=1)).to_be_visible()
            seen.check_accessibility()
            width = seen.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert width[0] <= width[1], f"{one} is wider than the screen: {width}"


def test_dark_is_dark(stage: Stage) -> None:
    def brightness(scheme: str) -> int:
        with stage.visit(color_scheme=scheme) as seen:
            colour = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
            return sum(map(int, re.findall(r"\d+", colour)[:3]))

    assert brightness("dark") < 150 < 600 < brightness("light")
