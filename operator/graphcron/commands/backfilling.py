"""The command `graphcron backfill`: runs a GraphCron for scheduled times that have passed, or says which they are."""

import time
from datetime import datetime
from typing import Any

import click

from graphcron.commands import options, output
from graphcron.commands.cluster import Failed, Place, UserKube
from graphcron.firing.formats import format_time
from graphcron.kube.resources import Manifest
from graphcron.resource.backfill_plan import SlotPlan
from graphcron.resource.fields import InvalidGraphCron
from graphcron.views import backfill_request

POLL_SECONDS = 2.0
SHOWN = 20
"""Scheduled times that a dry run prints, half of them from either end."""


@click.command()
@options.name
@click.option("--from", "begin", required=True, metavar="TIME", help="Such as 2026-11-01 or 2026-11-01T09:00.")
@click.option("--to", "end", required=True, metavar="TIME", help="Scheduled times from here on do not count.")
@click.option("--dry-run", is_flag=True, help="Print the scheduled times, and create nothing.")
@click.option("--parallelism", type=int, metavar="N", help="How many run at once. Default: 1.")
@click.option("--order", type=click.Choice(["OldestFirst", "NewestFirst"]), help="Default: OldestFirst.")
@click.option("--rerun", is_flag=True, help="Also run what is known to have succeeded.")
@click.option("--wait", is_flag=True, help="Wait for its end. Exits with 1 unless all succeeded.")
@options.place()
@options.output_format()
@click.pass_obj
def backfill(
    clock: Any, /, name: str, begin: str, end: str, dry_run: bool, wait: bool, form: str | None, **given: Any
) -> int:
    """Run a GraphCron for scheduled times that have passed: creates a GraphCronBackfill.

    Times without an offset are in the GraphCron's own zone. To cancel it, delete the GraphCronBackfill.
    """
    place = Place(given.pop("namespace"), given.pop("context"))
    graphcron, now = place.graphcron(name), clock()
    wanted = _wanted(graphcron, begin, end, given, now)
    plan = _planned(graphcron, wanted, now)
    if dry_run:
        _print_plan(plan, wanted, form)
        return 0
    made = _create(place, wanted)
    called = made["metadata"]["name"]
    if form:
        output.document(made, form)
    else:
        click.echo(f"graphcronbackfill {called} is created: {len(plan.slots)} scheduled times of {name}")
    if not wait:
        return 0
    found = follow(place, called)
    return 0 if backfill_request.succeeded(found) else 1


def _wanted(graphcron: Manifest, begin: str, end: str, options: Any, now: datetime) -> Manifest:
    try:
        times = {"from": backfill_request.moment(begin, graphcron), "to": backfill_request.moment(end, graphcron)}
    except ValueError as error:
        raise Failed(str(error)) from None
    more = {"parallelism": options["parallelism"], "order": options["order"], "rerun": options["rerun"] or None}
    return backfill_request.manifest(graphcron, times | more, now)


def _planned(graphcron: Manifest, wanted: Manifest, now: datetime) -> SlotPlan:
    try:
        return backfill_request.preview(graphcron, wanted, now)
    except InvalidGraphCron as invalid:
        raise Failed(f"{invalid.message} ({invalid.reason})") from None


def _print_plan(plan: SlotPlan, wanted: Manifest, form: str | None) -> None:
    slots = [format_time(slot) for slot in plan.slots]
    left_out = [group.to_dict() for group in plan.left_out]
    if form:
        output.document({"spec": wanted["spec"], "slots": slots, "leftOut": left_out}, form)
        return
    click.echo(f"{len(slots)} scheduled times of {wanted['spec']['graphCron']} would run:")
    shown = slots
    if len(slots) > SHOWN:
        shown = [*slots[: SHOWN // 2], f"… {len(slots) - SHOWN} more …", *slots[-SHOWN // 2 :]]
    for line in shown:
        click.echo(f"  {line}")
    for group in left_out:
        click.echo(f"left out: {group['count']} from {group['first']} to {group['last']}: {group['message']}")


def _create(place: Place, wanted: Manifest) -> Manifest:
    async def created(kube: UserKube, namespace: str) -> Manifest:
        return await kube.create_backfill(namespace, wanted)

    return place.ask(created)


def follow(place: Place, name: str) -> Manifest:
    """Print its progress until it is over, and return it. Raises Failed when it is deleted meanwhile."""

    async def got(kube: UserKube, namespace: str) -> Manifest:
        return await kube.get_backfill(namespace, name)

    said = ""
    while True:
        found = place.ask(got)
        if (line := backfill_request.progress(found)) != said:
            click.echo(line, err=True)
            said = line
        if (found.get("status") or {}).get("phase") in backfill_request.OVER:
            return found
        time.sleep(POLL_SECONDS)
