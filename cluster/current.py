"""The cluster that the user's own kubectl points at: borrowed, never changed by these commands."""

import os

from cluster import commands, files, tools
from cluster.errors import ClusterError
from cluster.paths import Place
from cluster.progress import say


def check(place: Place) -> None:
    """Copy the current context, and nothing else of the user's kubeconfig, to where the project looks."""
    tools.link(place)
    kubectl = place.bin / "kubectl"
    # The one place that hands the user's own environment on: reading that context is what was asked for.
    view: commands.Command = [kubectl, "config", "view", "--minify", "--flatten", "--raw"]
    try:
        context = commands.run(view, env=os.environ)
    except ClusterError as error:
        raise ClusterError(
            "Your kubeconfig has no current context to use (CLUSTER=current): set one by `kubectl config use-context`, "
            f"or let CLUSTER=local make a cluster. kubectl says: {error}"
        ) from None
    files.write(place.kubeconfig, context, mode=0o600)


def up(place: Place) -> None:
    """Use that cluster if it answers."""
    if not answers(place):
        raise ClusterError("The cluster of your current kubectl context does not answer.")


def answers(place: Place) -> bool:
    """Whether that cluster's apiserver is ready."""
    command: commands.Command = [place.bin / "kubectl", "--request-timeout=10s", "get", "--raw", "/readyz"]
    return commands.answers(command, env=commands.environment(place.kubeconfig))


def status(place: Place) -> list[tuple[str, bool]]:
    """Whether it answers; its inner workings are not ours to judge."""
    return [("the cluster of the copied kubectl context answers", answers(place))]


def down(place: Place) -> None:
    """Forget the copy; the cluster itself is not touched."""
    place.kubeconfig.unlink(missing_ok=True)
    say("current cluster: forgotten here; the cluster itself was not touched")


def content(place: Place, image: str) -> str | None:
    """What its registry has under this name is not known here."""
    return None


def load(place: Place, archive: object) -> list[str]:
    """Not possible from here: which registry it pulls from is that cluster's own affair."""
    raise ClusterError(
        f"{archive} cannot be loaded into a cluster that is not ours: "
        "push the image to a registry that the cluster can pull from."
    )
