"""Reads the command line, takes the lock, and lets the right kind of cluster do the work."""

import argparse
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cluster import binary, choose, current, engine, files, kind, local
from cluster.errors import ClusterError
from cluster.paths import HERE, Place
from cluster.progress import say

_KINDS = {"local": local, "kind": kind, "current": current}


def main(argv: Sequence[str] | None = None, place: Place = HERE) -> int:
    """Do what the arguments say; 0 when that worked, and for `status` when the cluster is healthy."""
    arguments = _parser().parse_args(argv)
    try:
        return _do(arguments, place)
    except ClusterError as error:
        say(f"error: {error}")
    except KeyboardInterrupt:
        say("\ninterrupted; `up` again goes on from here, `down` removes what there is")
        return 130
    return 1


def _do(arguments: argparse.Namespace, place: Place) -> int:
    if arguments.command == "build":
        binary.link(place, binary.ensure())
        return 0
    if arguments.command == "status":
        return _status(place)
    with _locked(place):
        if arguments.command == "up":
            _up(place, arguments.cluster)
        elif arguments.command == "down":
            _down(place)
        else:
            _load(place, arguments.archive)
    return 0


def _up(place: Place, asked: str) -> None:
    name = choose.kind_of_cluster(asked, _which_is_up(place), engine.for_auto)
    _KINDS[name].check(place)
    files.write(place.kind_file, name + "\n")  # before starting, so that `down` knows what to clear away
    _KINDS[name].up(place)
    say(f"the {name} cluster is ready: export KUBECONFIG={place.kubeconfig}")


def _down(place: Place) -> None:
    # Without a note there may still be a local cluster: somebody deleted .build while it was up.
    name = _which_is_up(place) or ("local" if place.run.exists() else None)
    if name is None:
        say("no cluster is up")
        return
    _KINDS[name].down(place)
    place.kind_file.unlink(missing_ok=True)


def _load(place: Place, archives: list[Path]) -> None:
    name = _which_is_up(place)
    if name is None:
        raise ClusterError("No cluster is up to load images into: run `make cluster` first.")
    for archive in archives:
        if not archive.is_file():
            raise ClusterError(f"There is no image archive {archive}.")
        for image in _KINDS[name].load(place, archive):
            say(f"loaded {image}")


def content(place: Place, image: str) -> str | None:
    """The digest of the configuration of the image that the running cluster has under this name."""
    name = _which_is_up(place)
    return _KINDS[name].content(place, image) if name else None


def _status(place: Place) -> int:
    name = _which_is_up(place)
    lines = _KINDS[name].status(place) if name else []
    for text, good in lines:
        say(f"{'ok' if good else 'NO':4}{text}")
    if not lines:
        say("no cluster is up")
    return 0 if lines and all(good for _, good in lines) else 1


def _which_is_up(place: Place) -> str | None:
    return place.kind_file.read_text().strip() if place.kind_file.exists() else None


@contextmanager
def _locked(place: Place) -> Iterator[None]:
    """One command at a time may change the cluster; a killed one's lock goes with it."""
    place.build.mkdir(exist_ok=True)
    with place.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another cluster command to finish")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m cluster", description="A real Kubernetes, for development.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start the cluster, repair it, or find it healthy")
    up.add_argument(
        "--cluster",
        default=os.environ.get("CLUSTER") or "auto",
        choices=["auto", *choose.KINDS],
        help="kind of cluster; default: $CLUSTER, else auto (kind with Docker or podman, local without)",
    )
    commands.add_parser("down", help="remove the cluster and every trace of it")
    load = commands.add_parser("load", help="put image archives into the cluster")
    load.add_argument("archive", nargs="+", type=Path)
    commands.add_parser("status", help="show what runs; exit code 0 when all is well")
    commands.add_parser("build", help="only build the Go binary that a local cluster needs")
    return parser
