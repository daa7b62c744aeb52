"""Costs: what GraphCrons used today, this week and this month, and what the month will come to. Pure.

Terminal, REST and page have the same sums. There may be ten thousand GraphCrons, of which few rows are shown.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple, get_args

from graphcron.firing.formats import format_time
from graphcron.kube.resources import Manifest
from graphcron.views.shares import by_day, by_model
from graphcron.views.spending import AT_LEAST, Line, Sum, line_of, month, spent, sum_document, used_up

By = Literal["cron", "owner", "namespace", "model", "day"]
GROUPINGS: tuple[By, ...] = get_args(By)


class Row(NamedTuple):
    """What one GraphCron used, or several together. By model and by day only the month is known. `namespace`,
    `graphcron` and `cron_id` are those of a GraphCron, else empty."""

    name: str
    month: Sum
    today: Sum | None = None
    week: Sum | None = None
    forecast: Sum | None = None
    namespace: str = ""
    graphcron: str = ""
    cron_id: str = ""

    def add(self, other: "Row") -> None:
        for mine, theirs in zip(self._sums, other._sums, strict=True):
            if mine is not None and theirs is not None:
                mine.add_all(theirs)

    @property
    def _sums(self) -> tuple[Sum | None, ...]:
        return self.month, self.today, self.week, self.forecast


class Report(NamedTuple):
    """Rows, the dearest first, of `number` that there are; days from the last one on."""

    by: By
    rows: list[Row]
    number: int
    total: Row


def report(graphcrons: Sequence[Manifest], now: datetime, by: By = "cron", most: int | None = None) -> Report:
    """At most so many rows; the total is of all."""
    lines = [line_of(one) for one in graphcrons]
    rows = [row_of(line, now) for line in lines]
    total = _empty("")
    for row in rows:
        total.add(row)
    if by in ("model", "day"):
        shares = (by_model if by == "model" else by_day)(graphcrons, now)
        rows = [Row(name, share) for name, share in shares.items()]
    elif by != "cron":
        rows = _together(zip(lines, rows, strict=True), (lambda line: line.owner) if by == "owner" else _namespace)
    rows.sort(key=_latest if by == "day" else dearest)
    return Report(by, rows[:most], len(rows), total)


def row_of(line: Line, now: datetime) -> Row:
    """The row of one GraphCron."""
    sums = month(line, now), line.namespace, line.graphcron, line.cron_id
    return Row(line.name, spent(line, "Month", now), spent(line, "Day", now), spent(line, "Week", now), *sums)


def _namespace(line: Line) -> str:
    return line.namespace


def _empty(name: str) -> Row:
    return Row(name, Sum(), Sum(), Sum(), Sum())


def _together(lines: Iterable[tuple[Line, Row]], name: Callable[[Line], str]) -> list[Row]:
    found: dict[str, Row] = {}
    for line, row in lines:
        found.setdefault(key := name(line), _empty(key)).add(row)
    return list(found.values())


def dearest(row: Row) -> tuple[Any, ...]:
    """Sorts by what was used this month, the most first, and then by what it will come to."""
    money, tokens = row.month.weight
    further = (row.forecast or row.month).weight
    return -money, -tokens, -further[0], -further[1], row.name.casefold(), row.namespace, row.graphcron


def _latest(row: Row) -> tuple[bool, int, str]:
    """Days from the last one on; what is of no day comes last."""
    is_day = row.name[:1].isdecimal()
    return (not is_day, -int(row.name.replace("-", "")) if is_day else 0, row.name)


def document(report: Report) -> dict[str, Any]:
    """A report for programs: money is text, and null stands for what is not known by model or day."""
    return {
        "by": report.by,
        "total": _sums(report.total),
        "rows": [_row(row, report.by) for row in report.rows],
        "number_of_rows": report.number,
    }


def _row(row: Row, by: By) -> dict[str, Any]:
    own = {"cron_id": row.cron_id, "graphcron": row.graphcron, "namespace": row.namespace} if by == "cron" else {}
    return {"name": row.name, "cron_id": None, "graphcron": None, "namespace": None} | own | _sums(row)


def _sums(row: Row) -> dict[str, Any]:
    found = {"today": row.today, "week": row.week, "month": row.month, "forecast": row.forecast}
    return {name: None if total is None else sum_document(total) for name, total in found.items()}


SHOWN = 10
"""Rows of each table of the page."""
UNCHANGED = timedelta(days=90)


class Listed(NamedTuple):
    """The first of some rows, how many there are, and what all of them used this month."""

    rows: list[Row]
    number: int
    month: Sum


class Filled(NamedTuple):
    """How full a budget is: 1 is all of it. `is_least` when some firings may have used more."""

    row: Row
    line: Line
    used: Decimal
    is_least: bool

    @property
    def percent(self) -> int:
        """Rounded down: 100 is only what is used up."""
        return int(100 * self.used)

    @property
    def in_words(self) -> str:
        assert self.line.limit, "it is filled"
        least = AT_LEAST if self.is_least else ""
        return f"{least}{self.percent} % of {self.line.limit.in_words(self.line.currency)}"


class Page(NamedTuple):
    """The page of costs."""

    crons: int
    total: Row
    priced: bool
    dearest: Listed
    failing: Listed
    unchanged: Listed
    changed: dict[str, str]
    """When those that are shown as unchanged were changed last, by the id of the cron."""
    budgets: list[Filled]
    budgets_number: int


def page(graphcrons: Sequence[Manifest], now: datetime) -> Page:
    """The page of these GraphCrons, in one pass."""
    lines = [line_of(one) for one in graphcrons]
    rows = [row_of(line, now) for line in lines]
    both = list(zip(lines, rows, strict=True))
    total = _empty("")
    for row in rows:
        total.add(row)
    limit = format_time(now - UNCHANGED)
    old = [(line, row) for line, row in both if line.changed and line.changed < limit]
    unchanged = _listed([row for _, row in old])
    shown = {row.cron_id for row in unchanged.rows}
    budgets = [found for line, row in both if (found := filled(line, row, now))]
    budgets.sort(key=lambda one: (-one.used, one.row.name))
    return Page(
        len(rows),
        total,
        any(line.currency for line in lines),
        _listed([row for row in rows if any(row.month.weight)]),
        _listed([row for line, row in both if line.only_failed]),
        unchanged,
        {line.cron_id: line.changed for line, _ in old if line.cron_id in shown},
        budgets[:SHOWN],
        len(budgets),
    )


def filled(line: Line, row: Row, now: datetime) -> Filled | None:
    """The budget of a GraphCron; None when it has none, or nothing is known of what was used."""
    if line.limit is None or (used := used_up(line, now)) is None:
        return None
    return Filled(row, line, used, bool(spent(line, line.limit.per, now).incomplete))


def _listed(rows: list[Row]) -> Listed:
    total = Sum()
    for row in rows:
        total.add_all(row.month)
    return Listed(sorted(rows, key=dearest)[:SHOWN], len(rows), total)
