"""The cluster in a container engine, by kind: for machines with Docker or podman."""

import json
import shutil
import time
from pathlib import Path

from cluster import commands, configs, files, tools
from cluster.errors import ClusterError
from cluster.paths import Place
from cluster.progress import say

_START_SECONDS = 300
"""Enough for pulling the node image over a slow line."""

_RESTART_SECONDS = 90
"""After a reboot of the machine, the components inside find each other within a minute."""


def engine() -> str | None:
    """The container engine that answers: docker, podman or none."""
    return next(
        (name for name in ("docker", "podman") if shutil.which(name) and commands.answers([name, "info"])), None
    )


def check(place: Place) -> None:
    """Refuse a machine on which no engine answers."""
    _engine()


def up(place: Place) -> None:
    """Have the cluster: leave it alone when it answers, start its stopped container, or create it."""
    running_engine = _engine()
    tools.link(place, ("kubectl", "helm", "kind"))
    if _exists(place, running_engine):
        if _reachable(place, running_engine):
            say("kind cluster: healthy, nothing to do")
            return
        say("kind cluster: starting its container again")
        commands.answers([running_engine, "start", f"{place.network}-control-plane"])
        deadline = time.monotonic() + _RESTART_SECONDS
        while time.monotonic() < deadline:
            if _reachable(place, running_engine):
                return
            time.sleep(1)
        say("kind cluster: it does not recover, making a new one")
        _kind(place, running_engine, "delete", "cluster", *_named(place))
    files.write(place.audit_policy, configs.AUDIT_POLICY)
    files.write(place.config / "kind.json", config(place))
    commands.stream(create_command(place), env=_environment(place, running_engine), timeout=_START_SECONDS)


def down(place: Place) -> None:
    """Delete the cluster with its container; without an engine there is nothing to delete."""
    running_engine = engine()
    if running_engine and (place.bin / "kind").exists():
        _kind(place, running_engine, "delete", "cluster", *_named(place))
    place.kubeconfig.unlink(missing_ok=True)
    say("kind cluster: gone")


def load(place: Place, archive: Path) -> list[str]:
    """Load an image archive into the node."""
    _kind(place, _engine(), "load", "image-archive", str(archive), "--name", place.network)
    return [archive.name]


def status(place: Place) -> list[tuple[str, bool]]:
    """Whether the engine, the cluster and its apiserver are there."""
    running_engine = engine()
    exists = bool(running_engine) and _exists(place, running_engine or "")
    return [
        (f"container engine {running_engine or 'docker or podman'} answers", bool(running_engine)),
        (f"kind cluster {place.network} exists", exists),
        ("its apiserver answers", exists and _answers(place)),
    ]


def create_command(place: Place) -> list[str]:
    """How the cluster is created; the node image is whatever this release of kind was tested with."""
    return [
        str(place.bin / "kind"), "create", "cluster", *_named(place),
        "--config", str(place.config / "kind.json"), "--wait", "120s",
    ]  # fmt: skip


def config(place: Place) -> str:
    """One node whose apiserver logs writes into the project's state folder, as the local cluster's does."""
    log = {"audit-policy-file": "/graphcron/audit-policy.yaml", "audit-log-path": "/graphcron/audit.log"}
    mount = {"name": "graphcron", "hostPath": "/graphcron", "mountPath": "/graphcron", "pathType": "Directory"}
    # A patch applies to the kubeadm API that it names, and which one that is depends on the
    # node's Kubernetes; the newer one has a list where the older has a map.
    older = _patch("v1beta3", log, mount)
    newer = _patch("v1beta4", [{"name": name, "value": value} for name, value in log.items()], mount)
    settings = {
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "kind": "Cluster",
        "nodes": [
            {
                "role": "control-plane",
                "extraMounts": [{"hostPath": str(place.state), "containerPath": "/graphcron"}],
                "kubeadmConfigPatches": [older, newer],
            }
        ],
    }
    return json.dumps(settings, indent=2) + "\n"


def _patch(version: str, arguments: object, mount: dict[str, str]) -> str:
    return json.dumps(
        {
            "apiVersion": f"kubeadm.k8s.io/{version}",
            "kind": "ClusterConfiguration",
            "apiServer": {"extraArgs": arguments, "extraVolumes": [mount]},
        }
    )


def _engine() -> str:
    if name := engine():
        return name
    raise ClusterError("A kind cluster needs Docker or podman, and neither answers. Start one, or use CLUSTER=local.")


def _exists(place: Place, running_engine: str) -> bool:
    return place.network in _kind(place, running_engine, "get", "clusters").split()


def _reachable(place: Place, running_engine: str) -> bool:
    """Whether it answers; asks kind for the kubeconfig first, for ours may be gone or its port another one."""
    command: commands.Command = [place.bin / "kind", "export", "kubeconfig", *_named(place)]
    return commands.answers(command, env=_environment(place, running_engine)) and _answers(place)


def _answers(place: Place) -> bool:
    command: commands.Command = [place.bin / "kubectl", "--request-timeout=5s", "get", "--raw", "/readyz"]
    return commands.answers(command, env=commands.environment(place.kubeconfig))


def _named(place: Place) -> list[str]:
    return ["--name", place.network, "--kubeconfig", str(place.kubeconfig)]


def _kind(place: Place, running_engine: str, *words: str) -> str:
    return commands.run([place.bin / "kind", *words], env=_environment(place, running_engine), timeout=300)


def _environment(place: Place, running_engine: str) -> dict[str, str]:
    return commands.environment(place.kubeconfig, KIND_EXPERIMENTAL_PROVIDER=running_engine)
