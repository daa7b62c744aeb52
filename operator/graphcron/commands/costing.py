"""The command `graphcron costs`: what GraphCrons used, and what the month will come to."""

from collections.abc import Iterator
from typing import Any

import click

from graphcron.commands import options, output
from graphcron.commands.cluster import Place
from graphcron.commands.tables import NOTHING, TITLE, Table
from graphcron.views import costs
from graphcron.views.costs import Report, Row
from graphcron.views.shares import OTHERS
from graphcron.views.spending import AT_LEAST, Sum

TOTAL = "TOTAL"


@click.command("costs")
@click.option("--by", type=click.Choice(list(costs.GROUPINGS)), default="cron", show_default=True, help="Rows.")
@options.place(everywhere=True)
@options.selector
@options.output_format("table")
@click.pass_obj
def costs_(
    clock: Any,
    by: costs.By,
    namespace: str | None,
    context: str | None,
    everywhere: bool,
    selector: str,
    form: str | None,
) -> None:
    """Show what GraphCrons used today, this week and this month, and what the month will come to.

    That is what was used, and the firings that are left at the mean of the last ones. The dearest come first. Days,
    weeks and months are those of each GraphCron's time zone. Of what is marked ≥, a part is unknown.
    """
    found = costs.report(Place(namespace, context, everywhere).graphcrons(selector), clock(), by)
    if form in ("json", "yaml"):
        output.document(costs.document(found), form)
        return
    if not found.rows:
        click.echo(
            "Nothing was used this month." if by in ("model", "day") else "There is no GraphCron here.", err=True
        )
        return
    output.table(table(found, namespaces=everywhere))
    for note in notes(found):
        click.echo(note, err=True)


def table(report: Report, *, namespaces: bool = False) -> Table:
    """One row for each, and one for the total. Without any price, all but the firings are tokens."""
    by_cron, priced, whole = report.by == "cron", is_priced(report), report.by not in ("model", "day")
    spaces = by_cron and namespaces
    titles = by_cron and any(row.name != row.graphcron for row in report.rows)
    columns = [
        *(["NAMESPACE"] if spaces else []),
        "NAME" if by_cron else report.by.upper(),
        *([TITLE] if titles else []),
        "FIRINGS",
        *(["TODAY", "WEEK", "MONTH", "FORECAST"] if whole else ["MONTH"]),
        *(["TOKENS"] if priced else []),
    ]

    def cells(row: Row, name: str) -> list[str]:
        sums = (row.today, row.week, row.month, row.forecast) if whole else (row.month,)
        return [
            *([row.namespace or NOTHING] if spaces else []),
            name,
            *([row.name if row.name not in ("", name) else NOTHING] if titles else []),
            f"{row.month.firings:,}",
            *(_shown(total, priced=priced) for total in sums),
            *([row.month.tokens_in_words] if priced else []),
        ]

    rows = [cells(row, row.graphcron or row.name or NOTHING) for row in report.rows]
    return Table(columns, [*rows, cells(report.total, TOTAL)])


def _shown(total: Sum | None, *, priced: bool) -> str:
    if total is None:
        return NOTHING
    return total.cost_in_words if priced else total.tokens_in_words


def is_priced(report: Report) -> bool:
    """Whether any of it has a price."""
    totals = (report.total.month, report.total.forecast or Sum(), *(row.month for row in report.rows))
    return any(total.costs for total in totals)


def notes(report: Report) -> Iterator[str]:
    """What the figures leave open."""
    if not is_priced(report):
        yield "These are tokens: nothing of it has a price (value prices of the Helm chart)."
    if (report.total.forecast or report.total.month).lacking:
        yield f"{AT_LEAST} is the least: what some firings used, or its price, is not known."
    if any(row.name == OTHERS for row in report.rows):
        yield f"Statuses keep ten firings each: {OTHERS} are all others of the month, whatever their {report.by}."
