"""Costs of many GraphCrons: rows, totals, and the page."""

from datetime import timedelta
from decimal import Decimal

import pytest

from graphcron.resource.identity import OWNER_LABEL
from graphcron.views.costs import GROUPINGS, By, document, page, report
from tests.support.console_source import NOW, utc
from tests.support.spending import ended, spender, spending, window

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def owned(owner: str, age: int = 1) -> dict[str, object]:
    return {"labels": {OWNER_LABEL: owner}, "creationTimestamp": utc(NOW - age * DAY)}


CRONS = [
    spender("cheap", spending((1, 5, "0.1"), (2, 10, "0.2"), (4, 20, "0.4")), ended(HOUR, 5, "0.1")),
    spender("dear", spending(month=(3, 3, "30")), ended(DAY, 1, "10"), namespace="b", metadata=owned("ada")),
    spender("dark", spending(month=(2, 0, None, 2)), ended(HOUR), metadata=owned("ada")),
    spender("idle", spending()),
]


def test_the_dearest_comes_first_and_the_total_is_of_all() -> None:
    found = report(CRONS, NOW, "cron", 2)
    assert [row.name for row in found.rows] == ["dear", "cheap"]
    assert found.number == 4
    assert (found.total.month.cost_in_words, found.total.month.firings) == ("≥30.40 USD", 9)
    assert found.total.today is not None
    assert found.total.today.cost_in_words == "0.10 USD"
    assert found.total.forecast is not None
    assert found.total.forecast.cost_in_words == "≥60.70 USD", "3 firings more of each of which two are known"


@pytest.mark.parametrize(
    ("by", "names"), [("owner", ["ada", ""]), ("namespace", ["b", "team"]), ("day", ["2026-11-27", "2026-11-26"])]
)
def test_they_are_put_together(by: By, names: list[str]) -> None:
    assert [row.name for row in report(CRONS, NOW, by).rows][: len(names)] == names


@pytest.mark.parametrize("by", GROUPINGS)
def test_whatever_they_are_put_together_by_the_months_come_to_the_total(by: By) -> None:
    found = report(CRONS, NOW, by)
    assert sum(row.month.firings for row in found.rows) == found.total.month.firings == 9
    assert sum(row.month.costs.get("USD", Decimal(0)) for row in found.rows) == found.total.month.costs["USD"]


def test_currencies_are_not_added_up() -> None:
    crons = [spender("a", spending(month=(1, 1, "2"))), spender("b", spending(month=(1, 1, "3"), currency="EUR"))]
    assert report(crons, NOW).total.month.cost_in_words == "3.00 EUR + 2.00 USD"


def test_programs_get_every_member() -> None:
    found = document(report(CRONS, NOW, "cron", 1))
    assert (found["by"], found["number_of_rows"], len(found["rows"])) == ("cron", 4, 1)
    row = found["rows"][0]
    assert (row["name"], row["graphcron"], row["namespace"]) == ("dear", "dear", "b")
    assert row["month"] == {"firings": 3, "tokens": 3, "costs": {"USD": "30"}, "incomplete": 0}
    assert row["forecast"] == {"firings": 6, "tokens": 6, "costs": {"USD": "60"}, "incomplete": 0}
    by_model = document(report(CRONS, NOW, "model"))["rows"][0]
    assert by_model.keys() == row.keys()
    assert (by_model["today"], by_model["forecast"], by_model["cron_id"]) == (None, None, None)


def test_the_page_names_what_costs_and_what_nobody_may_need() -> None:
    failed = [ended(HOUR, 5, "0.5", outcome="Failed")] * 4
    crons = [
        *CRONS,
        spender("broken", spending(month=(4, 20, "2")), *failed),
        spender("old", spending(month=(4, 20, "1")), metadata=owned("ada", 91), budget={"cost": "4"}),
        spender("new", metadata=owned("ada", 89), budget={"cost": "4"}),
    ]
    found = page(crons, NOW)
    assert (found.crons, found.priced) == (7, True)
    assert [row.name for row in found.dearest.rows] == ["dear", "broken", "old", "cheap"]
    assert ([row.name for row in found.failing.rows], found.failing.month.cost_in_words) == (["broken"], "2.00 USD")
    assert [row.name for row in found.unchanged.rows] == ["old"]
    assert list(found.changed.values()) == [utc(NOW - 91 * DAY)]
    assert [(one.row.name, one.used) for one in found.budgets] == [("old", Decimal("0.25")), ("new", Decimal(0))]


def test_a_page_has_ten_rows_of_each_and_counts_all() -> None:
    failed = [ended(HOUR, 5, outcome="Failed")] * 3
    crons = [
        spender(
            f"c{number:02d}", spending(month=(3, number + 1)), *failed, metadata=owned("a", 99), budget={"tokens": 9}
        )
        for number in range(25)
    ]
    found = page(crons, NOW)
    assert [(len(one.rows), one.number) for one in (found.dearest, found.failing, found.unchanged)] == [(10, 25)] * 3
    assert (len(found.budgets), found.budgets_number, len(found.changed)) == (10, 25, 10)
    assert found.dearest.rows[0].name == "c24"
    assert found.dearest.month.tokens == sum(range(1, 26))
    assert page([], NOW).total.month.cost_in_words == "0"


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("field", ["endTime", "since", "finishedAt", "nextRunTimes"])
def test_a_moment_that_no_zone_has_stops_no_report(field: str, moment: str, zone: str) -> None:
    """Of one that is over budget, or was edited and is not reconciled yet."""
    cron = spender(
        "a", spending(month=(2, 20, "0.2")), ended(DAY, 10), timezone=zone, budget={"tokens": 9, "per": "Day"}
    )
    status = cron["status"]
    if field == "endTime":
        cron["spec"]["endTime"] = moment
    elif field == "since":
        status["spending"] = {name: window(moment, 1, 9) for name in ("today", "week", "month")}
    elif field == "finishedAt":
        status["history"][0]["finishedAt"] = moment
    else:
        status["nextRunTimes"] = [moment]
    page([cron], NOW)
    for by in GROUPINGS:
        assert document(report([cron], NOW, by))
