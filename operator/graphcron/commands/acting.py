"""The commands that change a GraphCron: run, pause, resume. What they write is made elsewhere."""

from typing import Any

import click

from graphcron.commands import options, output, requesting
from graphcron.commands.cluster import Place
from graphcron.commands.requesting import ANSWER_SECONDS
from graphcron.views import actions


@click.command()
@options.name
@click.option("--wait", is_flag=True, help="Wait for the end of the run. Exits with 1 unless it succeeded.")
@click.option("--timeout", default=600, show_default=True, metavar="SECONDS", help="How long --wait waits.")
@options.place()
@click.pass_obj
def run(clock: Any, name: str, wait: bool, timeout: int, namespace: str | None, context: str | None) -> int:
    """Run a GraphCron now, once, also while it is paused.

    Sets the annotation graphcron.dev/run-requested, which the operator carries out.
    """
    where, token = Place(namespace, context), actions.token(clock())
    requesting.request(where, name, token, ANSWER_SECONDS)
    return output.request(
        requesting.follow(where, name, token, to_the_end=wait, seconds=timeout if wait else ANSWER_SECONDS)
    )


@click.command()
@options.name
@click.option("--reason", help="Why, for people to read (spec.pauseReason).")
@options.place()
def pause(name: str, reason: str | None, namespace: str | None, context: str | None) -> None:
    """Pause a GraphCron (spec.enabled: false). Where Git owns the spec, change it there: a sync undoes this."""
    where = Place(namespace, context)
    spec = where.graphcron(name).get("spec") or {}
    if reason is None and spec.get("enabled") is False:
        because = f": {output.plain(spec['pauseReason'])}" if spec.get("pauseReason") else ""
        click.echo(f"graphcron {name} is paused already{because}")
        return
    where.patch(name, actions.pause(reason))
    click.echo(f"graphcron {name} is paused")


@click.command()
@options.name
@options.place()
@click.pass_obj
def resume(clock: Any, name: str, namespace: str | None, context: str | None) -> None:
    """Resume a GraphCron that is paused, or that maxFailures has suspended."""
    where = Place(namespace, context)
    where.patch(name, actions.resume(where.graphcron(name), actions.token(clock())))
    click.echo(f"graphcron {name} is resumed")
