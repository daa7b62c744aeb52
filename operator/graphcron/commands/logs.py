"""`graphcron logs`: what the pods of a firing wrote, and what the Agent Server says of its run."""

import os

import click

from graphcron.commands import options, output, server
from graphcron.commands.cluster import Failed, Place
from graphcron.kube.resources import Manifest
from graphcron.operator.pod_status import job_of


@click.command()
@options.name
@click.option("--job", help="Name of the firing's Job, from `graphcron history -o wide`. Default: the newest.")
@click.option("--server", "url", metavar="URL", help="Also show the run as this Agent Server has it.")
@options.place()
def logs(name: str, job: str | None, url: str | None, namespace: str | None, context: str | None) -> int:
    """Print the log of a firing's run pods, and with --server what the Agent Server says of its run.

    The key of the Agent Server comes from the variable AGENT_SERVER_API_KEY, if that is set.
    """
    where = Place(namespace, context)
    graphcron = where.graphcron(name)
    pods = where.pods(name)
    chosen = job or (job_of(pods[-1]) if pods else None)
    own = [pod for pod in pods if job_of(pod) == chosen]
    if not own:
        click.echo(f"No pod of {job or name} is left. 'graphcron history {name}' has the outcomes.", err=True)
    read = [_print_log(where, name, pod) for pod in own]
    if url:
        entry = server.entry_of(graphcron, chosen)
        output.document(server.run(url, os.environ.get("AGENT_SERVER_API_KEY"), entry), "yaml")
    return 0 if all(read) else 1


def _print_log(where: Place, name: str, pod: Manifest) -> bool:
    """Whether there is one."""
    click.echo(f"== pod {pod['metadata']['name']}", err=True)
    try:
        click.echo(where.log(pod), nl=False)
    except Failed as failed:
        click.echo(f"graphcron: {failed}. 'graphcron explain {name}' says more.", err=True)
        return False
    return True
