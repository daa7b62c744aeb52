"""How commands print: aligned tables, JSON, YAML; colour on a terminal alone."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from graphcron.commands.linting import ERROR, Report
from graphcron.commands.requesting import Answer
from graphcron.commands.tables import Table
from graphcron.views.explaining import Step
from graphcron.views.manifest import as_yaml

_UNLIMITED = 10_000
"""Characters of a line when nobody's terminal has to hold it."""

_STYLES = {"Succeeded": "green", "Scheduled": "green", "Failed": "red", "Missed": "red", "Skipped": "yellow"}


def _console() -> Console:
    """Rich heeds NO_COLOR; a line that goes to a file or a pipe is never cut."""
    return Console(width=None if sys.stdout.isatty() else _UNLIMITED, highlight=False, soft_wrap=True)


def table(table: Table) -> None:
    """Columns as kubectl aligns them."""
    rich = RichTable(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="")
    for column in table.columns:
        rich.add_column(column, no_wrap=True, overflow="ignore")
    for row in table.rows:
        rich.add_row(*(Text(text, _STYLES.get(text, "")) for text in row))
    _console().print(rich)


def pairs(lines: Iterable[tuple[str, str]]) -> None:
    """Names and values, as kubectl describe has them; further lines of a value stand below its first."""
    for name, value in lines:
        first, *rest = value.split("\n")
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
        click.echo(f"{mark} {step.name}: {step.sentence}")
        if step.todo:
            click.echo(f"    What to do: {step.todo}")
    if steps[-1].passed:
        click.echo("Nothing is wrong.")


def request(answer: Answer) -> int:
    """What became of a request to run; returns the exit code."""
    if answer.outcome == "Refused":
        click.echo(f"graphcron: refused: {answer.message} ({answer.reason})", err=True)
        return 1
    if not answer.is_over:
        click.echo(f"job {answer.job} is created")
        return 0
    message = f": {answer.message}" if answer.message else ""
    click.echo(f"job {answer.job} {answer.outcome}: {answer.reason}{message}")
    return 0 if answer.outcome == "Succeeded" else 1


def findings(report: Report) -> None:
    """One line for each finding, as compilers write them, and a sum."""
    for finding in report.findings:
        colour = "red" if finding.severity == ERROR else "yellow"
        name = f"{finding.name}: " if finding.name else ""
        severity = click.style(finding.severity, fg=colour)
        click.echo(f"{finding.where}: {severity}: {name}{finding.message} ({finding.reason})")
    errors = sum(finding.severity == ERROR for finding in report.findings)
    warnings = len(report.findings) - errors
    click.echo(f"{report.graphcrons} GraphCrons, {errors} errors, {warnings} warnings", err=True)
