"""Puts what this checkout holds into its cluster: the images, the example Agent Server, and the Helm release.

`python -m cluster.deploy` does all of it from nothing; the demo and the end-to-end tests begin with it. What is in
place already is left alone, so that a second call takes seconds.
"""

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from cluster import cli, commands, image_archive, images
from cluster.errors import ClusterError
from cluster.paths import HERE, Place
from cluster.progress import say

NAMESPACE = "graphcron"
"""Of the release, the example Agent Server and the demo's GraphCrons."""

RELEASE = "graphcron"
AGENT_SERVER_URL = f"http://agent-server.{NAMESPACE}.svc"
CHART = "charts/graphcron"
NEEDED = ("graphcron", "agent")
"""Images of the release and its Agent Server; who needs others loads them (`load`)."""

RELEASE_COMMAND = (
    *("upgrade", "--install", RELEASE, CHART, "--namespace", NAMESPACE),
    *("--set", f"agentServer.url={AGENT_SERVER_URL}", "--set", "image.tag=dev"),
    *("--set", "facade.auth.mode=open"),
    *("--wait", "--timeout", "180s"),
)
"""How a user would install it, from the project's root."""


def everything(place: Place = HERE) -> None:
    """From nothing to a release whose pods are all ready. Raises ClusterError with what is wrong."""
    without_release(place)
    release(place)


def without_release(place: Place = HERE) -> None:
    """All that releases need: `python -m cluster.deploy --without-release`."""
    cluster_and_images(place)
    agent_server(place)


def cluster_and_images(place: Place = HERE) -> None:
    """A running cluster that has the images. The two are prepared at once: one waits for the network most of the
    time, the other for the compiler."""
    with ThreadPoolExecutor() as pool:
        cluster = pool.submit(_call, place, "up")
        archives = pool.map(lambda name: images.build(name, place), NEEDED)
        built = dict(zip(NEEDED, archives, strict=True))
        cluster.result()
    load(built, place)


def load(built: Mapping[str, Path], place: Place = HERE) -> None:
    """Put these images, by name, into the running cluster, unless its node has them."""
    for name, archive in built.items():
        if cli.content(place, images.IMAGES[name].tag) != image_archive.content(archive):
            _call(place, "load", str(archive))


def content(archive: Path) -> str:
    """What an image was made of, as one word."""
    return archive.with_suffix(".inputs").read_text()[:16]


def agent_server(place: Place = HERE, namespace: str = NAMESPACE) -> None:
    """The example Agent Server, started but perhaps not ready."""
    kubectl(place, "apply", "-f", "-", stdin=f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n")
    manifests = list(yaml.safe_load_all((place.root / "examples/agent/deployment.yaml").read_text()))
    for manifest in manifests:
        if manifest["kind"] == "Deployment":
            # The pods are replaced when the image behind their tag is another one.
            manifest["spec"]["template"]["metadata"]["annotations"] = {"image": content(_archive(place, "agent"))}
    kubectl(place, "apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump_all(manifests))


def _archive(place: Place, name: str) -> Path:
    return place.build / "images" / f"{name}.tar"


def release(place: Place = HERE, *more: str) -> None:
    """The Helm release as a user would install it, with more words for helm, and all pods ready."""
    mark = content(_archive(place, "graphcron"))
    words = [place.root / word if word == CHART else word for word in (*RELEASE_COMMAND, *more)]
    for component in ("operator", "facade", "notifier"):
        # As for the Agent Server: the tag alone would not tell that the image behind it is another one.
        words += ["--set", f"{component}.podAnnotations.image=x{mark}"]
    helm(place, *words)
    kubectl(place, "rollout", "status", "-n", NAMESPACE, "deployment/agent-server", "--timeout=120s")


def kubectl(place: Place, *words: str | Path, stdin: str | None = None, timeout: float = 200) -> str:
    """What kubectl prints; ClusterError with what it complained of."""
    command = [place.bin / "kubectl", *words]
    return commands.run(command, env=commands.environment(place.kubeconfig), stdin=stdin, timeout=timeout)


def helm(place: Place, *words: str | Path) -> str:
    """What helm prints; ClusterError with what it complained of."""
    return commands.run([place.bin / "helm", *words], env=commands.environment(place.kubeconfig), timeout=240)


def _call(place: Place, *arguments: str) -> None:
    if cli.main(arguments, place) != 0:
        raise ClusterError(f"`python -m cluster {' '.join(arguments)}` failed: the lines above say why.")


def main(place: Place = HERE, act: Callable[[Place], None] = everything) -> int:
    """0 when all is ready."""
    try:
        act(place)
    except ClusterError as error:
        say(f"error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(act=without_release if "--without-release" in sys.argv else everything))
