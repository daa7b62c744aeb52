"""Turns a build context into an image archive: with buildah where there is no kind cluster, else with its engine.

buildah keeps all it has in one folder of the user's cache and reads no
configuration of the machine's, so nothing that somebody else builds or runs
with it is seen or touched.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cluster import commands, files, packages, paths
from cluster.engine import Engine
from cluster.errors import ClusterError
from cluster.image_base import BARE, Base
from cluster.progress import Progress, say

_BUILD_SECONDS = 1800
_UNTAGGED_KEPT = 100
"""Each build after a change leaves two images without a name, which are the cache; past this many all go and one
build is slow."""


NO_BUILDKIT = (
    "Docker needs its plugin buildx to build the images, and `docker buildx version` fails here. On Debian or Ubuntu: "
    "sudo apt-get install docker-buildx (docker-buildx-plugin from Docker's own packages)."
)


@dataclass(frozen=True)
class Recipe:
    """What any builder needs to know about one image."""

    tag: str
    dockerfile: Path
    context: Path
    arguments: Mapping[str, str]


class Builder(Protocol):
    """Something that can build a Dockerfile and save the image."""

    @property
    def name(self) -> str: ...

    def build(self, recipe: Recipe, archive: Path) -> None:
        """Build the image and save it as an archive that clusters can load."""


@dataclass(frozen=True)
class ByEngine:
    """Docker or podman, on the base image that the Dockerfile names, or on one made here where that cannot be had."""

    engine: Engine
    base: Base | None = None

    @property
    def name(self) -> str:
        return self.engine.name

    def build(self, recipe: Recipe, archive: Path) -> None:
        if self.base and not self.engine.has_image(self.base.tag):
            self.engine.run("build", "--tag", self.base.tag, self.base.ensure(), timeout=_BUILD_SECONDS)
        for command in self.commands(recipe, archive):
            commands.run(command, env=self._environment, timeout=_BUILD_SECONDS)

    def commands(self, recipe: Recipe, archive: Path) -> list[list[str]]:
        """Both engines save in Docker's format, which is what `kind load image-archive` reads from either."""
        given = {"BASE_IMAGE": self.base.tag} if self.base else {}
        return [
            [self.name, "build", *_recipe_words(recipe, given | dict(recipe.arguments))],
            [self.name, "save", "--output", str(archive), recipe.tag],
        ]

    @property
    def _environment(self) -> dict[str, str]:
        # Docker before 23 has BuildKit, and uses it when asked to.
        return self.engine.environment | {"DOCKER_BUILDKIT": "1"}


def by_engine(engine: Engine, official: str, base: Base) -> ByEngine:
    """A builder on the official base image where that is here or can be pulled, else on the one made here.

    ClusterError where the engine cannot build, before anything is downloaded for it.
    """
    if engine.name == "docker" and not has_buildkit(engine):
        raise ClusterError(NO_BUILDKIT)
    if engine.has_image(official):
        return ByEngine(engine)
    with Progress(f"pulling {official}"):
        pulled = engine.answers("pull", "--quiet", official, timeout=600)
    if pulled:
        return ByEngine(engine)
    say(f"{official} cannot be pulled: building on {base.tag}, which is made here of Debian's packages")
    return ByEngine(engine, base)


def has_buildkit(engine: Engine) -> bool:
    """Whether `docker build` knows `RUN --mount`: by the plugin buildx, or built into Docker before 23."""
    if engine.answers("buildx", "version"):
        return True
    try:
        version = engine.run("version", "--format", "{{.Client.Version}}")
    except ClusterError:
        return False
    return version.partition(".")[0].strip() in ("18", "19", "20")


@dataclass(frozen=True)
class Buildah:
    """buildah, as root as a local cluster is anyway: builds run in a chroot, on the base image made here."""

    store: Path
    driver: str
    base: Base

    name = "buildah"

    def build(self, recipe: Recipe, archive: Path) -> None:
        with self._locked():
            self._forget_stopped_builds()
            self._build(recipe, archive)
            self._forget_old_layers()

    def _build(self, recipe: Recipe, archive: Path) -> None:
        base = self._base_image()
        self._run(self.build_command(recipe, base))
        self._run([*self.command("push"), "--quiet", recipe.tag, f"oci-archive:{archive}:{recipe.tag}"])

    def build_command(self, recipe: Recipe, base: str) -> list[str]:
        """The build; every layer is kept for the next one."""
        words = _recipe_words(recipe, {"BASE_IMAGE": base, **recipe.arguments})
        return [*self.command("build"), "--quiet", "--layers", "--pull-never", *words]

    def command(self, verb: str) -> list[str]:
        """A buildah command that sees our store and our policy, and no others.

        Its mounts live in a namespace of their own and go when it ends; else some stay and keep the store
        from being deleted.
        """
        place = [
            "--root",
            str(self.store / self.driver),
            "--runroot",
            str(self.store / "run"),
            "--storage-driver",
            self.driver,
        ]
        policy = ["--signature-policy", str(self.store / "policy.json")] if verb in ("build", "push") else []
        return ["unshare", "--mount", "buildah", *place, verb, *policy]

    def _base_image(self) -> str:
        tag = self.base.tag
        if not commands.answers([*self.command("inspect"), "--type", "image", tag], env=self._environment()):
            context = self.base.ensure()
            with Progress("base image: importing it"):
                self._run([*self.command("build"), "--quiet", "--layers", "--tag", tag, str(context)])
        return tag

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One build at a time, for all checkouts of this user."""
        with (self.store / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _forget_stopped_builds(self) -> None:
        """A build that failed or was killed leaves its working containers; under the lock no other is at work."""
        if self._run([*self.command("containers"), "--quiet"]).strip():
            self._run([*self.command("rm"), "--all"])

    def _forget_old_layers(self) -> None:
        listed = self._run([*self.command("images"), "--json", "--filter", "dangling=true"])
        if len(json.loads(listed)) > _UNTAGGED_KEPT:
            with Progress("removing old layers"):
                self._run([*self.command("rmi"), "--prune"])

    def _run(self, command: Sequence[str]) -> str:
        return commands.run(command, env=self._environment(), timeout=_BUILD_SECONDS)

    def _environment(self) -> dict[str, str]:
        temporary = self.store / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        return commands.environment(None, BUILDAH_ISOLATION="chroot", TMPDIR=str(temporary), PATH=commands.SYSTEM_PATH)


def buildah(base: Base = BARE) -> Buildah:
    """buildah with the quickest storage that works here, installed if it is missing."""
    packages.ensure((packages.Need("buildah", "buildah"), packages.Need("unshare", "util-linux")))
    store = paths.user_cache() / "buildah"
    files.write(store / "policy.json", json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
    for driver in ("overlay", "vfs"):  # vfs copies every layer whole, and works everywhere
        builder = Buildah(store, driver, base)
        if commands.answers(builder.command("info")):
            return builder
    raise ClusterError(f"buildah works with neither overlay nor vfs storage in {store}. It has to run as root.")


def _recipe_words(recipe: Recipe, arguments: Mapping[str, str]) -> list[str]:
    assigned = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    return ["--file", str(recipe.dockerfile), "--tag", recipe.tag, *assigned, str(recipe.context)]
