"""`graphcron costs`: the table, and what is said below it."""

from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from graphcron.commands.app import commands
from graphcron.commands.cluster import Place
from graphcron.commands.costing import notes, table
from graphcron.resource.identity import DISPLAY_NAME
from graphcron.views.costs import report
from tests.support.console_source import NOW
from tests.support.spending import ended, spender, spending, usage

HOUR = timedelta(hours=1)
PRICED = [
    spender("cheap", spending((1, 5, "0.1"), (2, 10, "0.2"), (4, 2000, "0.4")), ended(HOUR, 5, "0.1")),
    spender("dark", spending(month=(2, 0, None, 2)), ended(HOUR)),
]


def rows(*crons: Any, **options: Any) -> list[list[str]]:
    shown = table(report(crons, NOW, options.pop("by", "cron")), **options)
    return [list(shown.columns), *map(list, shown.rows)]


def test_it_shows_windows_and_forecast_and_marks_what_is_unknown() -> None:
    assert rows(*PRICED) == [
        ["NAME", "FIRINGS", "TODAY", "WEEK", "MONTH", "FORECAST", "TOKENS"],
        ["cheap", "4", "0.10 USD", "0.20 USD", "0.40 USD", "0.70 USD", "2,000"],
        ["dark", "2", "0", "0", "unknown", "unknown", "unknown"],
        ["TOTAL", "6", "0.10 USD", "0.20 USD", "≥0.40 USD", "≥0.70 USD", "≥2,000"],
    ]
    assert [note.partition(" ")[0] for note in notes(report(PRICED, NOW))] == ["≥"]


def test_without_prices_it_shows_tokens_and_says_so() -> None:
    cron = spender("a", spending((1, 5), (2, 10), (4, 2000), currency=None), ended(HOUR, 5))
    assert rows(cron)[:2] == [
        ["NAME", "FIRINGS", "TODAY", "WEEK", "MONTH", "FORECAST"],
        ["a", "4", "5", "10", "2,000", "2,015"],
    ]
    assert [note.partition(":")[0] for note in notes(report([cron], NOW))] == ["These are tokens"]


def test_names_are_those_of_the_grouping() -> None:
    named = spender("a", PRICED[0]["status"]["spending"], metadata={"annotations": {DISPLAY_NAME: "Daily report"}})
    assert rows(named, namespaces=True)[1][:4] == ["team", "a", "Daily report", "4"]
    assert rows(named, namespaces=True)[2][:4] == ["-", "TOTAL", "-", "4"]
    assert rows(named, by="owner")[0][:2] == ["OWNER", "FIRINGS"]
    assert [row[0] for row in rows(named, by="owner", namespaces=True)] == ["OWNER", "-", "TOTAL"]
    assert [row[0] for row in rows(named, by="namespace", namespaces=True)] == ["NAMESPACE", "team", "TOTAL"]


def test_by_model_only_the_month_is_known_and_the_rest_is_told() -> None:
    cron = spender("a", spending(month=(9, 90, "0.9")), ended(HOUR, cost="0.1", usage=usage(10, big=10)))
    assert rows(cron, by="model") == [
        ["MODEL", "FIRINGS", "MONTH", "TOKENS"],
        ["(other firings)", "8", "0.80 USD", "80"],
        ["big", "1", "≥0.10 USD", "≥10"],
        ["TOTAL", "9", "0.90 USD", "90"],
    ]
    assert (
        "(other firings) are all others of the month, whatever their model."
        in list(notes(report([cron], NOW, "model")))[-1]
    )


def test_the_command_prints_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Place, "graphcrons", lambda place, selector: PRICED)
    shown = CliRunner().invoke(commands, ["costs", "-o", "table"], obj=lambda: NOW)
    assert shown.stdout.splitlines()[0].split() == rows(*PRICED)[0]
    assert "≥ is the least" in shown.stderr
    found = CliRunner().invoke(commands, ["costs", "--by", "owner", "-o", "json"], obj=lambda: NOW)
    assert '"by": "owner"' in found.stdout
    monkeypatch.setattr(Place, "graphcrons", lambda place, selector: [])
    nothing = [CliRunner().invoke(commands, ["costs", "--by", by], obj=lambda: NOW) for by in ("cron", "day")]
    assert [one.stderr for one in nothing] == ["There is no GraphCron here.\n", "Nothing was used this month.\n"]
