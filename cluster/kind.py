"""The cluster in a container engine, by kind: for machines with Docker or podman."""

import json
import os
import re
import time
from pathlib import Path

from cluster import binary, commands, configs, containers, engine, files, images, machine, node_image, tools
from cluster.engine import Engine
from cluster.errors import ClusterError
from cluster.image_base import SLIM
from cluster.paths import Place
from cluster.progress import say

_START_SECONDS = 300
"""Enough for pulling the node image over a slow line."""

_RESTART_SECONDS = 90
"""After a reboot of the machine, the components inside find each other within a minute."""

PROGRAMS = {program.kubernetes.removeprefix("v"): program for program in (binary.KUBE, binary.OLDEST)}
"""The versions of Kubernetes that a node image can be made of here."""

_MODULES = Path("/lib/modules")
"""kind mounts it into its nodes, so it must be there."""


def check(place: Place) -> None:
    """Refuse a machine on which no engine can hold a node."""
    engine.required(place)


def up(place: Place) -> None:
    """Have the cluster: leave it alone when it answers, start its stopped container, or create it."""
    by = engine.required(place)
    tools.link(place, ("kubectl", "helm", "kind"))
    if _exists(place, by):
        if _reachable(place, by):
            say("kind cluster: healthy, nothing to do")
            return
        say("kind cluster: starting its container again")
        by.answers("start", _node(place))
        deadline = time.monotonic() + _RESTART_SECONDS
        while time.monotonic() < deadline:
            if _reachable(place, by):
                return
            time.sleep(1)
        say("kind cluster: it does not recover, making a new one")
        _kind(place, by, "delete", "cluster", *_named(place))
    _make_modules(place)
    files.write(place.audit_policy, configs.AUDIT_POLICY)
    _create(place, by)


def down(place: Place) -> None:
    """Delete the cluster with its container, network and images; without an engine there is nothing to delete."""
    by = engine.remembered(place)
    if by:
        if (place.bin / "kind").exists():
            _kind(place, by, "delete", "cluster", *_named(place))
        if by.settings:
            engine.remove_confined_podman(place)
        else:
            _remove_images(by)
    engine.forget(place)
    if _made_modules(place).exists():
        _MODULES.rmdir()
        _made_modules(place).unlink()
    place.kubeconfig.unlink(missing_ok=True)
    say("kind cluster: gone")


def load(place: Place, archive: Path) -> list[str]:
    """Load an image archive into the node."""
    _kind(place, engine.required(place), "load", "image-archive", str(archive), "--name", place.network)
    return [archive.name]


def content(place: Place, image: str) -> str | None:
    """The digest of the configuration of the image that the node has under this name."""
    by = engine.required(place)
    return containers.content_by(lambda *words: by.run("exec", _node(place), "ctr", "-n", "k8s.io", *words), image)


def status(place: Place) -> list[tuple[str, bool]]:
    """Whether the engine, the cluster and its apiserver are there."""
    try:
        by = engine.remembered(place)
    except ClusterError:
        by = None
    exists = bool(by and _exists(place, by))
    return [
        (f"container engine {by.name if by else 'docker or podman'} answers", bool(by)),
        (f"kind cluster {place.network} exists", exists),
        ("its apiserver answers", exists and _answers(place)),
    ]


def create_command(place: Place, image: str | None = None) -> list[str]:
    """How the cluster is created; without an image, of the one that this release of kind was tested with."""
    return [
        str(place.bin / "kind"), "create", "cluster", *_named(place),
        "--config", str(place.config / "kind.json"), "--wait", "120s", *(["--image", image] if image else []),
    ]  # fmt: skip


def config(place: Place, kubelet: dict[str, object] | None = None) -> str:
    """One node whose apiserver logs writes into the project's state folder, as the local cluster's does. `kubelet` are
    fields of its KubeletConfiguration."""
    log = {"audit-policy-file": "/graphcron/audit-policy.yaml", "audit-log-path": "/graphcron/audit.log"}
    mount = {"name": "graphcron", "hostPath": "/graphcron", "mountPath": "/graphcron", "pathType": "Directory"}
    # A patch applies to the kubeadm API that it names, and which one that is depends on the
    # node's Kubernetes; the newer one has a list where the older has a map.
    patches = [
        _patch("v1beta3", log, mount),
        _patch("v1beta4", [{"name": name, "value": value} for name, value in log.items()], mount),
    ]
    if kubelet:
        patches.append(json.dumps({"kind": "KubeletConfiguration", **kubelet}))
    settings = {
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "kind": "Cluster",
        "nodes": [
            {
                "role": "control-plane",
                "extraMounts": [{"hostPath": str(place.state), "containerPath": "/graphcron"}],
                "kubeadmConfigPatches": patches,
            }
        ],
    }
    return json.dumps(settings, indent=2) + "\n"


def kubelet_for(kubernetes: str, cgroup_v1: bool) -> dict[str, object]:
    """What an old machine asks of the kubelet; None of it where containers have cgroups of version 2."""
    if not cgroup_v1:
        return {}
    fields: dict[str, object] = {"localStorageCapacityIsolation": False}
    if tuple(map(int, kubernetes.split(".")[:2])) >= (1, 35):
        fields["failCgroupV1"] = False  # older ones do not know the field, and run there anyway
    return fields


def version_of(image: str | None) -> str:
    """The Kubernetes version that a node image's tag names; the newest that is known here for one that names none."""
    found = re.search(r":v(\d+\.\d+\.\d+)", image or "")
    return found[1] if found else next(iter(PROGRAMS))


def asked_version() -> str | None:
    """The Kubernetes version that $KUBERNETES asks for, such as 1.31.0."""
    return (os.environ.get("KUBERNETES") or "").removeprefix("v") or None


def _create(place: Place, by: Engine) -> None:
    """Create it of the node image that $KIND_NODE_IMAGE names, else of the one that kind pulls, else of our own."""
    named, version = os.environ.get("KIND_NODE_IMAGE"), asked_version()
    image = named or (f"kindest/node:v{version}" if version else None)
    old = by.has_cgroup_v1()
    files.write(place.config / "kind.json", config(place, kubelet_for(version_of(image), old)))
    if named:
        say(f"kind cluster: of the node image {named}, which KIND_NODE_IMAGE names")
    else:
        say(f"kind cluster: pulling the node image {image or 'of this release of kind'}")
    try:
        _run_create(place, by, image)
    except ClusterError as error:
        if named or "failed to pull image" not in str(error):
            raise
    else:
        return
    version = version or binary.KUBE.kubernetes.removeprefix("v")
    if version not in PROGRAMS:
        raise ClusterError(
            f"No node image of Kubernetes {version} can be pulled, and none can be made here: only of "
            f"{' and '.join(PROGRAMS)}. Name an image that can be pulled by KIND_NODE_IMAGE."
        )
    say("The node image cannot be pulled: making one here, of Kubernetes' Go module and Debian's packages. That takes")
    say("minutes the first time. KIND_NODE_IMAGE=name takes one that can be pulled, from a mirror say, instead.")
    files.write(place.config / "kind.json", config(place, kubelet_for(version, old)))
    _run_create(place, by, node_image.ensure(by, PROGRAMS[version]))


def _run_create(place: Place, by: Engine, image: str | None) -> None:
    commands.tee(create_command(place, image), env=_environment(place, by), timeout=_START_SECONDS)


def _remove_images(by: Engine) -> None:
    """Remove what was built for the cluster, and kind's network unless another cluster is in it."""
    ours = [*(image.tag for image in images.IMAGES.values()), SLIM.tag]
    theirs = os.environ.get("KIND_NODE_IMAGE")
    listed = by.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    for name in listed:
        made = name in ours or f"docker.io/{name}" in ours or name.startswith("localhost/graphcron-node:")
        if made and name != theirs:
            by.answers("image", "rm", name)
    by.answers("network", "rm", "kind")  # an engine refuses while containers are in it


def _make_modules(place: Place) -> None:
    """An empty folder of kernel modules will do; only root of a Linux without one has to make it."""
    if machine.is_linux_as_root() and not _MODULES.exists():
        files.write(_made_modules(place), "")
        _MODULES.mkdir(parents=True)


def _made_modules(place: Place) -> Path:
    return place.state / "made-lib-modules"


def _patch(version: str, arguments: object, mount: dict[str, str]) -> str:
    return json.dumps(
        {
            "apiVersion": f"kubeadm.k8s.io/{version}",
            "kind": "ClusterConfiguration",
            "apiServer": {"extraArgs": arguments, "extraVolumes": [mount]},
        }
    )


def _node(place: Place) -> str:
    return f"{place.network}-control-plane"


def _exists(place: Place, by: Engine) -> bool:
    return place.network in _kind(place, by, "get", "clusters").split()


def _reachable(place: Place, by: Engine) -> bool:
    """Whether it answers; asks kind for the kubeconfig first, for ours may be gone or its port another one."""
    command: commands.Command = [place.bin / "kind", "export", "kubeconfig", *_named(place)]
    return commands.answers(command, env=_environment(place, by)) and _answers(place)


def _answers(place: Place) -> bool:
    command: commands.Command = [place.bin / "kubectl", "--request-timeout=5s", "get", "--raw", "/readyz"]
    return commands.answers(command, env=commands.environment(place.kubeconfig))


def _named(place: Place) -> list[str]:
    return ["--name", place.network, "--kubeconfig", str(place.kubeconfig)]


def _kind(place: Place, by: Engine, *words: str) -> str:
    return commands.run([place.bin / "kind", *words], env=_environment(place, by), timeout=300)


def _environment(place: Place, by: Engine) -> dict[str, str]:
    return commands.environment(place.kubeconfig, KIND_EXPERIMENTAL_PROVIDER=by.name, **by.settings)
