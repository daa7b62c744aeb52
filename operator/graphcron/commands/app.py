"""The command line for people, by click: reads arguments and asks the cluster. What is printed is made elsewhere."""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from graphcron.commands import importing, linting, output, requesting, server, tables
from graphcron.commands.cluster import Failed, Place
from graphcron.commands.requesting import ANSWER_SECONDS
from graphcron.kube.resources import Manifest
from graphcron.operator.pod_status import job_of
from graphcron.views import actions, explaining, manifest
from graphcron.views.firings import fault_of_template
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


Decorated = Callable[..., Any]


def _place(*, everywhere: bool = False) -> Callable[[Decorated], Decorated]:
    """The options that say where to look, as kubectl has them."""

    def decorate(command: Decorated) -> Decorated:
        if everywhere:
            command = click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of all namespaces.")(
                command
            )
        command = click.option("--context", help="Context of the kubeconfig. Default: its current one.")(command)
        return click.option("-n", "--namespace", help="Namespace. Default: that of the context.")(command)

    return decorate


def _format(*more: str) -> Callable[[Decorated], Decorated]:
    choice = click.Choice(["json", "yaml", *more])
    return click.option("-o", "--output", "form", type=choice, help="How to print. Default: a table for people.")


@commands.command("list")
@_place(everywhere=True)
@_format("wide", "name")
@click.pass_obj
def list_(clock: Any, namespace: str | None, context: str | None, everywhere: bool, form: str | None) -> None:
    """List GraphCrons: schedule, phase, next and last firing, and a sign for each of the last firings.

    The newest firing is the last sign: + succeeded, x failed, s skipped, m missed, r replaced, w waiting for input.
    """
    found = Place(namespace, context, everywhere).graphcrons()
    if form == "name":
        click.echo("".join(f"graphcron.graphcron.dev/{one['metadata']['name']}\n" for one in found), nl=False)
    elif form in ("json", "yaml"):
        output.document({"apiVersion": "v1", "kind": "List", "items": found}, form)
    elif not found:
        where = "any namespace" if everywhere else "this namespace"
        click.echo(f"There is no GraphCron in {where}. 'kubectl apply' makes one: see docs/README.md.", err=True)
    else:
        output.table(tables.crons(found, clock(), namespaces=everywhere, wide=form == "wide"))


@commands.command()
@click.argument("name")
@_place()
@_format()
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
@click.argument("name")
@_place()
@_format()
@click.pass_obj
def history(clock: Any, name: str, namespace: str | None, context: str | None, form: str | None) -> None:
    """List the last firings of a GraphCron, the newest first, each with its outcome and its run."""
    found = Place(namespace, context).graphcron(name)
    entries = (found.get("status") or {}).get("history", [])
    if form:
        output.document(entries, form)
    elif not entries:
        click.echo(f"No firing of {name} has ended yet.", err=True)
    else:
        output.table(tables.firings(found, clock()))


@commands.command()
@click.argument("name")
@click.option("--job", help="Name of the firing's Job, from `graphcron history -o json`. Default: the newest.")
@click.option("--server", "url", metavar="URL", help="Also show the run as this Agent Server has it.")
@_place()
def logs(name: str, job: str | None, url: str | None, namespace: str | None, context: str | None) -> None:
    """Print the log of a firing's run pods, and with --server what the Agent Server says of its run.

    The key of the Agent Server comes from the variable AGENT_SERVER_API_KEY, if that is set.
    """
    place = Place(namespace, context)
    graphcron = place.graphcron(name)
    pods = place.pods(name)
    chosen = job or (job_of(pods[-1]) if pods else None)
    own = [pod for pod in pods if job_of(pod) == chosen]
    if not own:
        click.echo(f"No pod of {job or name} is left. 'graphcron history {name}' has the outcomes.", err=True)
    for pod in own:
        click.echo(f"== pod {pod['metadata']['name']}", err=True)
        click.echo(place.log(pod), nl=False)
    if url:
        entry = server.entry_of(graphcron, chosen)
        output.document(server.run(url, os.environ.get("AGENT_SERVER_API_KEY"), entry), "yaml")


@commands.command()
@click.argument("name")
@_place()
@_format()
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


@commands.command()
@click.argument("name")
@click.option("--wait", is_flag=True, help="Wait for the end of the run. Exits with 1 unless it succeeded.")
@click.option("--timeout", default=600, show_default=True, metavar="SECONDS", help="How long --wait waits.")
@_place()
@click.pass_obj
def run(clock: Any, name: str, wait: bool, timeout: int, namespace: str | None, context: str | None) -> int:
    """Run a GraphCron now, once, also while it is paused.

    Sets the annotation graphcron.dev/run-requested, which the operator carries out.
    """
    place, token = Place(namespace, context), actions.token(clock())
    requesting.request(place, name, token, ANSWER_SECONDS)
    return output.request(
        requesting.follow(place, name, token, to_the_end=wait, seconds=timeout if wait else ANSWER_SECONDS)
    )


@commands.command()
@click.argument("name")
@click.option("--reason", help="Why, for people to read (spec.pauseReason).")
@_place()
def pause(name: str, reason: str | None, namespace: str | None, context: str | None) -> None:
    """Pause a GraphCron (spec.enabled: false). Where Git owns the spec, change it there: a sync undoes this."""
    Place(namespace, context).patch(name, actions.pause(reason))
    click.echo(f"graphcron {name} is paused")


@commands.command()
@click.argument("name")
@_place()
@click.pass_obj
def resume(clock: Any, name: str, namespace: str | None, context: str | None) -> None:
    """Resume a GraphCron that is paused, or that maxFailures has suspended."""
    place = Place(namespace, context)
    place.patch(name, actions.resume(place.graphcron(name), actions.token(clock())))
    click.echo(f"graphcron {name} is resumed")


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
@_format()
@click.pass_obj
def lint(clock: Any, files: tuple[str, ...], minimum_interval: int, form: str | None) -> int:
    """Check GraphCrons in files, directories or standard input (-) as the operator would, without a cluster.

    Other kinds of objects are passed over. Exits with 1 if there is an error.
    """
    report = linting.lint(linting.texts(files, sys.stdin), linting.anywhere(minimum_interval), clock())
    if form:
        output.document([finding.to_dict() for finding in report.findings], form)
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
    click.echo(f"{len(found)} crons read. They still fire at {url}: delete them there after you apply these.", err=True)


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
@_place(everywhere=True)
def export(names: tuple[str, ...], namespace: str | None, context: str | None, everywhere: bool) -> None:
    """Print GraphCrons as YAML for Git: without status and what the apiserver sets. Default: all of the namespace."""
    place = Place(namespace, context, everywhere)
    found = [place.graphcron(name) for name in names] if names else place.graphcrons()
    output.documents([manifest.for_git(one) for one in found])


@commands.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands in a shell: source <(graphcron completion bash)."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None, "click completes these three"
    click.echo(kind(commands, {}, "graphcron", "_GRAPHCRON_COMPLETE").source())
