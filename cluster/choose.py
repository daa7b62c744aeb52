"""Decides which kind of cluster a command means."""

from collections.abc import Callable

from cluster.errors import ClusterError

KINDS = ("kind", "local", "current")


def kind_of_cluster(asked: str, up: str | None, engine: Callable[[], object | None]) -> str:
    """The one that is up, else the one asked for; `auto` is kind where a container engine answers.

    `engine` is only called when it decides, for it may take seconds to say no.
    """
    if asked not in (*KINDS, "auto"):
        raise ClusterError(f"There is no cluster of the kind {asked!r}: it is auto, {', '.join(KINDS)}.")
    if up and asked in ("auto", up):
        return up
    if up:
        raise ClusterError(f"A {up} cluster is up. Run `make down` before you start a {asked} one.")
    if asked == "auto":
        return "kind" if engine() else "local"
    return asked
