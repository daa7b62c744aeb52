"""How commands print: aligned tables, JSON, YAML; colour on a terminal alone."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from graphcron.commands.linting import ERROR, NOTE, WARNING, Report
from graphcron.commands.requesting import Answer
from graphcron.commands.tables import MESSAGE, NOTHING, STATE, TITLE, UNDELIVERED, UNMET, Table
from graphcron.schedule.counting import per_month_in_words
from graphcron.views.explaining import Step
from graphcron.views.manifest import as_yaml

_GOOD, _BAD, _ODD = "green", "red", "yellow"
_STYLES = {
    "OUTCOME": {"Succeeded": _GOOD, "Failed": _BAD, "Missed": _BAD},
    "PHASE": {"Scheduled": _GOOD}
    | dict.fromkeys(
        ("Paused", "PausedByAdministrator", "Expired", "Completed", "OverBudget", "NotStarted", "Pending"), _ODD
    ),
    UNMET: {NOTHING: ""},
    UNDELIVERED: {NOTHING: ""},
    STATE: {"Ready": _GOOD, "Pending": _ODD},
}
"""Of the cells of a column, by their first word."""
_OTHERS = {"OUTCOME": _ODD, "PHASE": _BAD, UNMET: _ODD, UNDELIVERED: _ODD, STATE: _BAD}
_SIGNS = {"+": _GOOD, "x": _BAD, "m": _BAD}

_LEAST = {TITLE: 16, "SCHEDULE": 20, MESSAGE: 40}
"""Columns of a terminal that a long text keeps."""
_GAP = 2
"""Blanks between columns."""


def plain(text: str) -> str:
    """Without what a terminal would obey: names and messages are others'."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def table(table: Table, *, wide: bool = False) -> None:
    """Columns as kubectl aligns them. On a terminal, long texts are cut to what fits, unless it is to be wide; nothing
    else is cut."""
    rows = [[plain(text) for text in row] for row in table.rows]
    table = Table(table.columns, rows)
    if sys.stdout.isatty() and not wide:
        table = fitted(table, Console().width)
    console = Console(width=max(1, sum(_widths(table)) + _GAP * len(table.columns)), highlight=False)  # heeds NO_COLOR
    rich = RichTable(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="")
    for column in table.columns:
        rich.add_column(column, no_wrap=True)
    for row in table.rows:
        rich.add_row(*map(_cell, table.columns, row))
    with console.capture() as captured:
        console.print(rich)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _cell(column: str, text: str) -> Text:
    if column == "RESULTS":
        return Text.assemble(*((sign, _SIGNS.get(sign, _ODD)) for sign in text))
    known = _STYLES.get(column, {})
    return Text(text, known.get(text.partition(" ")[0], _OTHERS.get(column, "")))


def fitted(table: Table, width: int) -> Table:
    """With its long texts cut so that it fits into so many columns of a terminal, as far as that goes."""
    rows, widths = [list(row) for row in table.rows], _widths(table)
    excess = sum(widths) + _GAP * (len(widths) - 1) - width
    for index, column in reversed(list(enumerate(table.columns))):
        limit = max(_LEAST.get(column, widths[index]), widths[index] - max(0, excess))
        if limit < widths[index]:
            excess -= widths[index] - limit
            for row in rows:
                if cell_len(row[index]) > limit:
                    row[index] = set_cell_size(row[index], limit - 1).rstrip() + "…"
    return Table(table.columns, rows)


def _widths(table: Table) -> list[int]:
    return [max(map(cell_len, cells)) for cells in zip(table.columns, *table.rows, strict=True)]


def pairs(lines: Iterable[tuple[str, str]]) -> None:
    """Names and values, as kubectl describe has them; further lines of a value stand below its first."""
    for name, value in lines:
        first, *rest = map(plain, value.split("\n"))
        click.echo(f"{name + ':':<12} {first}")
        for line in rest:
            click.echo(f"{'':<12} {line}")


def document(value: Any, form: str) -> None:
    """One value as JSON or YAML."""
    if form == "json":
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        click.echo(as_yaml(value), nl=False)


def documents(values: Sequence[Any]) -> None:
    """Several YAML documents, as kubectl apply reads them."""
    click.echo("---\n".join(map(as_yaml, values)), nl=False)


def steps(steps: Sequence[Step]) -> None:
    """Each step with its mark; below one that is not passed, what to do."""
    for step in steps:
        mark = click.style("ok ", fg="green") if step.passed else click.style("NO ", fg="red", bold=True)
        click.echo(f"{mark} {step.name}: {plain(step.sentence)}")
        if step.todo:
            click.echo(f"    What to do: {plain(step.todo)}")
    if steps[-1].passed:
        click.echo("Nothing is wrong.")


def request(answer: Answer) -> int:
    """What became of a request to run; returns the exit code."""
    if answer.outcome == "Refused":
        click.echo(f"graphcron: refused: {plain(answer.message or '')} ({answer.reason})", err=True)
        return 1
    if not answer.is_over:
        click.echo(f"job {answer.job} is created")
        return 0
    message = f": {plain(answer.message)}" if answer.message else ""
    click.echo(f"job {answer.job} {answer.outcome}: {answer.reason}{message}")
    return 0 if answer.outcome == "Succeeded" else 1


_SEVERITIES = {ERROR: "red", WARNING: "yellow", NOTE: "cyan"}


def findings(report: Report) -> None:
    """One line for each finding and note, as compilers write them, and a sum."""
    for finding in (*report.findings, *report.notes):
        colour = _SEVERITIES[finding.severity]
        name = f"{plain(finding.name)}: " if finding.name else ""
        severity = click.style(finding.severity, fg=colour)
        click.echo(f"{finding.where}: {severity}: {name}{plain(finding.message)} ({finding.reason})")
    errors = sum(finding.severity == ERROR for finding in report.findings)
    warnings = len(report.findings) - errors
    often = per_month_in_words(report.firings_per_month)
    often = f", {often[0].lower()}{often[1:]}" if report.notes else ""
    click.echo(f"{report.graphcrons} GraphCrons, {errors} errors, {warnings} warnings{often}", err=True)
