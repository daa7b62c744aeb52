"""The command line for people, by click: reads arguments and asks the cluster. What is printed is made elsewhere."""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from graphcron.commands import (
    acting,
    backfilling,
    channels,
    costing,
    importing,
    linting,
    logs,
    options,
    output,
    server,
    tables,
)
from graphcron.commands.cluster import Failed, Place
from graphcron.kube.resources import Manifest
from graphcron.resource.lifetime import Lifetime
from graphcron.resource.traces import fault_of_template
from graphcron.views import explaining, manifest, words
from graphcron.views.schedules import schedule_in_words

EXIT_FAILED = 1


def main(
    arguments: Sequence[str], program: str = "graphcron", clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> int:
    """Runs one command; returns its exit code: 1 when it failed or found a mistake, 2 for wrong usage. `program` is its
    name in what it says of its usage."""
    try:
        answer = commands.main(list(arguments), prog_name=program, standalone_mode=False, obj=clock)
    except Failed as failed:
        click.echo(f"graphcron: {failed}", err=True)
        return EXIT_FAILED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would complain once more at its exit
        return 141
    return answer if isinstance(answer, int) else 0


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """LangGraph's cron jobs for every self-hosted Agent Server, native to Kubernetes."""


commands.add_command(backfilling.backfill)
commands.add_command(costing.costs_)
commands.add_command(channels.channel)


@commands.command("list")
@options.place(everywhere=True)
@options.selector
@click.option("--phase", help="Of this phase alone, such as Paused or InvalidSchedule.")
@click.option("--sort-by", "order", type=click.Choice(list(tables.SORTS)), default="name", show_default=True)
@options.output_format("wide", "name")
@click.pass_obj
def list_(
    clock: Any,
    namespace: str | None,
    context: str | None,
    everywhere: bool,
    selector: str,
    phase: str | None,
    order: str,
    form: str | None,
) -> None:
    """List GraphCrons: schedule, phase, next and last firing, and a sign for each of the last firings.

    The newest firing is the last sign: + succeeded, x failed, s skipped, m missed, r replaced, w waiting for input. To
    watch them, use 'kubectl get graphcrons --watch'.
    """
    found = sorted(Place(namespace, context, everywhere).graphcrons(selector), key=tables.SORTS[order])
    if phase:
        found = [one for one in found if words.phase(one).casefold() == phase.casefold()]
    if form == "name":
        click.echo("".join(f"graphcron.graphcron.dev/{one['metadata']['name']}\n" for one in found), nl=False)
    elif form in ("json", "yaml"):
        output.document({"apiVersion": "v1", "kind": "List", "items": found}, form)
    elif not found:
        of_those = " of that phase" if phase else " with these labels" if selector else ""
        where = "any namespace" if everywhere else f"namespace {namespace}" if namespace else "this namespace"
        more = "" if of_those or everywhere else " 'graphcron list -A' shows those of all namespaces."
        click.echo(f"There is no GraphCron{of_those} in {where}.{more}", err=True)
    else:
        wide = form == "wide"
        output.table(tables.crons(found, clock(), namespaces=everywhere, wide=wide), wide=wide)


@commands.command()
@options.name
@options.place()
@options.output_format()
@click.pass_obj
def get(clock: Any, name: str, namespace: str | None, context: str | None, form: str | None) -> None:
    """Show one GraphCron: its schedule in words, its phase and why, its next times and its last firings."""
    found = Place(namespace, context).graphcron(name)
    if form:
        output.document(found, form)
        return
    output.pairs(tables.described(found, schedule_in_words(found), clock()))
    if found.get("status", {}).get("history"):
        click.echo()
        output.table(tables.firings(found, clock()))


@commands.command()
@options.name
@options.place()
@options.output_format("wide")
@click.pass_obj
def history(clock: Any, name: str, namespace: str | None, context: str | None, form: str | None) -> None:
    """List the last firings of a GraphCron, the newest first, each with its outcome; -o wide adds its run."""
    found = Place(namespace, context).graphcron(name)
    entries = (found.get("status") or {}).get("history", [])
    if form in ("json", "yaml"):
        output.document(entries, form)
    elif not entries:
        click.echo(f"No firing of {name} has ended yet.", err=True)
    else:
        wide = form == "wide"
        output.table(tables.firings(found, clock(), wide=wide), wide=wide)


@commands.command()
@options.name
@options.place()
@options.output_format()
@click.pass_obj
def explain(clock: Any, name: str, namespace: str | None, context: str | None, form: str | None) -> int:
    """Say why a GraphCron does not fire, or why its firings fail, and what to do.

    Walks the way of a firing from the schedule to the Agent Server, up to the first thing that is wrong. Exits with 1
    if something is.
    """
    graphcron, cron_job = Place(namespace, context).with_cron_job(name)
    steps = explaining.explain(explaining.Facts(graphcron, cron_job, clock()))
    if form:
        output.document([step.to_dict() for step in steps], form)
    else:
        output.steps(steps)
    return 0 if steps[-1].passed else EXIT_FAILED


@commands.command("console")
@click.option("-n", "--namespace", help="Show only this namespace. Default: all that you may see.")
@click.option("--context", help="Context of the kubeconfig. Default: its current one.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), metavar="PORT", help="Default: any free port.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option(
    "--trace-url", default="", metavar="URL", help="Link runs to traces: {run_id} and {thread_id} are replaced."
)
@click.pass_obj
def console_(
    clock: Any, namespace: str | None, context: str | None, port: int, no_browser: bool, trace_url: str
) -> None:
    """Open the web console in your browser, on this machine alone, with the rights of your kubeconfig."""
    if trace_url and (fault := fault_of_template(trace_url)):
        raise click.UsageError(f"--trace-url: {fault}")
    from graphcron.commands import console  # no other command needs what it imports

    console.serve(console.Wanted(namespace, context, port, not no_browser, trace_url), clock)


@commands.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--minimum-interval", default=0, metavar="SECONDS", help="The installation's guardrail. Default: none.")
@click.option("--require-end-time", is_flag=True, help="The installation's guardrail: each GraphCron has an endTime.")
@click.option("--max-lifetime", default=0, metavar="DAYS", help="The installation's guardrail maxLifetimeDays.")
@options.output_format()
@click.pass_obj
def lint(
    clock: Any,
    files: tuple[str, ...],
    minimum_interval: int,
    require_end_time: bool,
    max_lifetime: int,
    form: str | None,
) -> int:
    """Check GraphCrons in files, directories or standard input (-) as the operator would, without a cluster.

    Notes say how often each GraphCron fires. Other kinds of objects are passed over. Exits with 1 if there is an error.
    """
    installation = linting.anywhere(minimum_interval, Lifetime(require_end_time, max_lifetime))
    report = linting.lint(linting.texts(files, sys.stdin), installation, clock())
    if form:
        output.document([finding.to_dict() for finding in (*report.findings, *report.notes)], form)
    else:
        output.findings(report)
    return EXIT_FAILED if report.failed else 0


@commands.command("import")
@click.argument("url")
@click.option("-n", "--namespace", help="Namespace to write into the GraphCrons. Default: none.")
@click.option("--server-url", metavar="URL", help="spec.server.url of each. Default: the installation's Agent Server.")
@click.option("--api-key-secret", metavar="NAME/KEY", help="With --server-url: Secret key that holds its API key.")
def import_(url: str, namespace: str | None, server_url: str | None, api_key_secret: str | None) -> None:
    """Print the crons of a LangGraph server (LangGraph Platform or any Agent Server) as GraphCrons.

    The server's own crons stay: delete them once the GraphCrons are applied, or each fires twice. The server's API key
    comes from the variable LANGGRAPH_API_KEY, if that is set; it is not written anywhere.
    """
    own = _own_server(server_url, api_key_secret)
    found = server.crons(url, os.environ.get("LANGGRAPH_API_KEY"))
    output.documents(importing.graphcrons(found, namespace, own))
    rest = " They still fire there: delete them after you apply these." if found else ""
    click.echo(f"{len(found)} crons read from {url}.{rest}", err=True)


def _own_server(url: str | None, secret: str | None) -> Manifest | None:
    if secret and not url:
        raise click.UsageError("--api-key-secret needs --server-url")
    if not url:
        return None
    name, slash, key = (secret or "").partition("/")
    if secret and not (name and slash and key):
        raise click.UsageError("--api-key-secret must be written NAME/KEY")
    return {"url": url} | ({"apiKeySecretRef": {"name": name, "key": key}} if secret else {})


@commands.command()
@click.argument("names", nargs=-1)
@options.place(everywhere=True)
@options.selector
def export(names: tuple[str, ...], namespace: str | None, context: str | None, everywhere: bool, selector: str) -> None:
    """Print GraphCrons as YAML for Git: without status and what the apiserver sets. Default: all of the namespace."""
    where = Place(namespace, context, everywhere)
    if names and selector:
        raise click.UsageError("give names or --selector, not both")
    found = [where.graphcron(name) for name in names] if names else where.graphcrons(selector)
    output.documents([manifest.for_git(one) for one in found])


@commands.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands in a shell: source <(graphcron completion bash)."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None, "click completes these three"
    click.echo(kind(commands, {}, "graphcron", "_GRAPHCRON_COMPLETE").source())


for command in (acting.run, acting.pause, acting.resume, logs.logs):
    commands.add_command(command)
