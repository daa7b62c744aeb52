"""The commands about channels: list them, and send a test message through one."""

import time
from typing import Any

import click

from graphcron.commands import options, output, tables
from graphcron.commands.cluster import Failed, Place, UserKube
from graphcron.kube.errors import NotFound
from graphcron.kube.resources import CHANNELS, Manifest
from graphcron.views import actions
from graphcron.views import channels as words

ANSWER_SECONDS = 30
"""How long a notifier that works takes at most to send a test message, or to say why it cannot."""
POLL_SECONDS = 1.0
NO_CRD = "this cluster does not know GraphCronChannels: the CRD is not installed. 'helm upgrade' brings it."
NOBODY = (
    "no notifier has answered within {seconds:.0f} s. The request stays, and is carried out when one works. "
    "The notifier is off by default: the chart's values notifier.enabled, notifier.allowedHosts and notifier.secrets "
    "install it. 'kubectl get pods -A -l app.kubernetes.io/component=notifier' shows whether it is there."
)


def _names(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """What a shell offers for a name."""
    given = context.params
    try:
        found = listed(Place(given.get("namespace"), given.get("context")))
    except Failed:
        return []
    return [name for one in found if (name := one["metadata"]["name"]).startswith(begun)]


@click.group()
def channel() -> None:
    """The channels that tell people what becomes of GraphCrons (GraphCronChannel)."""


@channel.command("list")
@options.place(everywhere=True)
@options.output_format()
@click.pass_obj
def list_(clock: Any, namespace: str | None, context: str | None, everywhere: bool, form: str | None) -> None:
    """List channels: kind, whether they work and why not, the last message, and for which GraphCrons they are the
    default."""
    found = listed(Place(namespace, context, everywhere))
    if form:
        output.document({"apiVersion": "v1", "kind": "List", "items": found}, form)
    elif not found:
        where = "any namespace" if everywhere else f"namespace {namespace}" if namespace else "this namespace"
        more = "" if everywhere else " 'graphcron channel list -A' shows those of all namespaces."
        click.echo(f"There is no GraphCronChannel in {where}.{more}", err=True)
    else:
        output.table(tables.channels(found, clock(), namespaces=everywhere))


@channel.command()
@click.argument("name", shell_complete=_names)
@options.place()
@click.pass_obj
def test(clock: Any, name: str, namespace: str | None, context: str | None) -> int:
    """Send a test message through a channel, and say what became of it. Exits with 1 unless it was delivered.

    Sets the annotation graphcron.dev/test-requested, which the notifier carries out.
    """
    place, token = Place(namespace, context), actions.token(clock())
    _request(place, name, token)
    answer = follow(place, name, token, ANSWER_SECONDS)
    message = f": {output.plain(answer['message'])}" if answer.get("message") else ""
    click.echo(f"channel {name} {answer['state']}{message}")
    return 0 if answer["state"] == "Delivered" else 1


def listed(place: Place) -> list[Manifest]:
    """The channels of the place, by namespace and name. Raises Failed."""

    async def pages(kube: UserKube, namespace: str) -> list[Manifest]:
        where = None if place.everywhere else namespace
        try:
            return [one async for page, _ in kube.pages(CHANNELS, where, "") for one in page]
        except NotFound:
            raise Failed(NO_CRD) from None

    return sorted(place.ask(pages), key=lambda one: (one["metadata"]["namespace"], one["metadata"]["name"]))


def _request(place: Place, name: str, token: str) -> None:
    async def requested(kube: UserKube, namespace: str) -> None:
        await _named(kube, namespace, name)
        await kube.merge(namespace, name, words.request_test(token), CHANNELS)

    place.ask(requested)


async def _named(kube: UserKube, namespace: str, name: str) -> Manifest:
    try:
        return await kube.get(CHANNELS, namespace, name)
    except NotFound:
        try:
            there = [one["metadata"]["name"] async for page, _ in kube.pages(CHANNELS, namespace, "") for one in page]
        except NotFound:
            raise Failed(NO_CRD) from None
        others = f"There are {', '.join(sorted(there))}." if there else "It has none."
        raise Failed(f"namespace {namespace} has no GraphCronChannel {name!r}. {others}") from None


def follow(place: Place, name: str, token: str, seconds: float) -> Manifest:
    """Waits for what became of the test. Raises Failed when nobody answers in time."""

    async def got(kube: UserKube, namespace: str) -> Manifest:
        return await _named(kube, namespace, name)

    ends = time.monotonic() + seconds
    while True:
        found = place.ask(got)
        if answer := words.answer_to(found, token):
            return answer
        if words.requested_test(found) != token:
            raise Failed(f"others have tested channel {name} since. 'graphcron channel list' shows what became of it.")
        if time.monotonic() > ends:
            raise Failed(NOBODY.format(seconds=seconds))
        time.sleep(POLL_SECONDS)
