"""Options that several commands have, as kubectl has them."""

from collections.abc import Callable
from typing import Any

import click

from graphcron.commands.cluster import Failed, Place

Decorated = Callable[..., Any]


def _names(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """What a shell offers for a name."""
    given = context.params
    try:
        found = Place(given.get("namespace"), given.get("context")).graphcrons()
    except Failed:
        return []
    return [name for one in found if (name := one["metadata"]["name"]).startswith(begun)]


name = click.argument("name", shell_complete=_names)


def place(*, everywhere: bool = False) -> Callable[[Decorated], Decorated]:
    """The options that say where to look, as kubectl has them."""

    def decorate(command: Decorated) -> Decorated:
        if everywhere:
            command = click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of all namespaces.")(
                command
            )
        command = click.option("--context", help="Context of the kubeconfig. Default: its current one.")(command)
        return click.option("-n", "--namespace", help="Namespace. Default: that of the context.")(command)

    return decorate


selector = click.option("-l", "--selector", default="", help="Those with these labels, as kubectl writes them: a=b,!c.")


def output_format(*more: str) -> Callable[[Decorated], Decorated]:
    choice = click.Choice(["json", "yaml", *more])
    return click.option("-o", "--output", "form", type=choice, help="How to print. Default: a table for people.")
