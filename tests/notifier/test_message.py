"""What a message says: which cron, what happened, since when, why, what to do, where to look, and how to silence it."""

from datetime import timedelta

from graphcron.notifier import message
from graphcron.notifier.cron import Cron
from graphcron.notifier.message import Item, Links
from tests.support.told_cron import ToldCron

LINKS = Links("https://crons.example.com/console", "https://traces.example.com/{run_id}")


def said(cron: ToldCron) -> message.Text:
    (due,) = cron.assess().due
    return message.message(Cron(cron.manifest), due, due.record.id or "", LINKS, cron.now)


def test_a_failure_says_all_that_a_tired_person_needs() -> None:
    cron = ToldCron("Failed")
    cron.manifest["metadata"]["annotations"] = {"graphcron.dev/display-name": "Morning report"}
    cron.fire(reason="ServerError", message="no such tool", runId="run 1")
    cron.fire(reason="ServerError", message="no such tool", runId="run 1")
    cron.wait(minutes=25)
    found = said(cron)
    assert found.title == "Morning report (team) failed 2 times"
    assert found.lines == [
        "Cron: Morning report (team/hello)",
        "What: failed 2 times, since 2026-12-01 12:00 UTC (25m).",
        "Why: ServerError: no such tool",
        *[line for line in found.lines if line.startswith("What to do: ")],
        "Console: https://crons.example.com/console/crons/team/hello",
        "Trace: https://traces.example.com/run%201",
        "To silence it: kubectl edit -n team graphcron hello, and set mutedUntil of channel team in spec.notify, such "
        "as 2026-12-01T23:59:59Z",
    ]
    assert found.data["count"] == 2
    assert found.source == "/apis/graphcron.dev/v1/namespaces/team/graphcrons/hello"


def test_advice_is_that_of_the_documents() -> None:
    cron = ToldCron("Failed")
    cron.fire(reason="NoOutcome")
    found = said(cron)
    assert any(line.startswith("What to do: ") and len(line) > 20 for line in found.lines), found.lines


def test_a_success_tells_the_answer() -> None:
    cron = ToldCron("Succeeded")
    cron.fire("Succeeded", "RunSucceeded", answer="All is well.")
    assert "Answer: All is well." in said(cron).lines
    assert said(cron).data["answer"] == "All is well."


def test_a_recovery_says_what_is_over() -> None:
    cron = ToldCron("Failed", "Overdue", "Recovered")
    cron.fire()
    cron.hold("Overdue")
    cron.tell()
    cron.wait(minutes=1)
    cron.fire("Succeeded")
    cron.end("Overdue")
    found = said(cron)
    assert found.title == "hello (team) works again"
    assert "What: it is over: Failed, Overdue." in found.lines


def test_a_long_message_of_a_graph_is_cut() -> None:
    cron = ToldCron("Failed")
    cron.fire(message="x" * 2000)
    assert len(said(cron).plain) < 1500


def test_no_line_of_a_graph_passes_for_one_of_ours() -> None:
    cron = ToldCron("Failed")
    cron.fire(reason="A\nConsole: https://evil.example", message="b\r\nTrace: https://evil.example\u2028To do: this")
    plain = said(cron).plain.splitlines()
    assert [line for line in plain if "evil" in line and not line.startswith("    ")] == []
    assert "    To do: this" in plain
    item = Item(Cron(cron.manifest), cron.assess().due[0])
    plain = message.summary([item, item], 2, "id", LINKS, cron.now).plain.splitlines()
    assert [line for line in plain if "evil" in line and not line.startswith("    ")] == []


def test_a_summary_has_the_number_of_all_and_names_some() -> None:
    items = []
    for number in range(30):
        cron = ToldCron("Failed")
        cron.manifest["metadata"]["name"] = f"cron-{number}"
        cron.fire(reason="ServerError" if number < 20 else "Timeout")
        items.append(Item(Cron(cron.manifest), cron.assess().due[0]))
    found = message.summary(items, 35, "id", LINKS, items[0].cron.created or cron.now + timedelta())
    assert found.title == "35 more notifications about GraphCrons"
    assert found.lines[:2] == ["20 × Failed: ServerError", "10 × Failed: Timeout"]
    assert "cron-19 (team) failed" in found.lines
    assert "and 15 more" in found.lines
    assert (found.data["number"], len(found.data["graphCrons"])) == (35, 20)
