"""Makes a node image for kind where kindest/node cannot be pulled, of Debian's packages and Kubernetes' Go module.

Kubernetes is the program that the local cluster runs, or the oldest one that the release is tested on. All that a
control plane's pods run is in one image of that program, under the names that kubeadm asks for.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cluster import binary, commands, files, golang, image_base, oci_archive, packages, paths, pause
from cluster.binary import Program
from cluster.engine import Engine
from cluster.errors import ClusterError
from cluster.progress import Progress

SOURCE = paths.SOURCES / "node"
SUITE = "bookworm"

NODE_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "iptables", "nftables", "iproute2", "conntrack", "ethtool", "socat"),
    *("util-linux", "mount", "kmod", "procps", "hostname", "jq", "bash", "curl", "ca-certificates"),
    *("libseccomp2", "containerd", "runc", "containernetworking-plugins"),
)
"""What kind's base image installs, and containerd, runc and the CNI plugins that it compiles."""

COMPONENT_PACKAGES = ("iptables", "conntrack", "kmod")
"""What kube-proxy calls."""

_BUILD_SECONDS = 1200

CNI = {
    "cniVersion": "0.4.0",
    "name": "kind",
    "plugins": [
        {
            "type": "ptp",
            "ipMasq": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": "10.244.0.0/24"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}
"""What kindnet would write for the one node there is; its image cannot be had either."""

MANIFEST = """\
# {what} of a cluster whose images cannot be pulled: {instead}.
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: kube-system}}
data: {{instead: {instead}}}
"""
"""kind applies two manifests that must be there: its network and its storage."""


def ensure(engine: Engine, program: Program) -> str:
    """The name of a node image of this Kubernetes, which the engine then has: built, or from the user's cache."""
    recipe = key(program)
    tag = f"localhost/graphcron-node:{program.kubernetes}-{recipe}"
    if engine.has_image(tag):
        return tag
    archive = paths.user_cache() / "node" / f"{program.kubernetes}-{recipe}.tar"
    if archive.exists():
        with Progress("node image: loading it"):
            engine.run("load", "--input", archive, timeout=_BUILD_SECONDS)
        return tag
    packages.ensure((packages.Need("mmdebstrap", "mmdebstrap"),))
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as temporary:
        context = Path(temporary) / "context"
        context.mkdir()
        sandbox = _lay_out(context, program)
        with Progress("node image: building it"):
            arguments: list[str | Path] = ["--build-arg", f"SANDBOX_IMAGE={sandbox}", "--file", SOURCE / "Dockerfile"]
            engine.run("build", *arguments, "--tag", tag, context, timeout=_BUILD_SECONDS)
        with Progress("node image: saving it for the next cluster"):
            fresh = Path(temporary) / "image.tar"
            engine.run("save", "--output", fresh, tag, timeout=_BUILD_SECONDS)
            fresh.rename(archive)
    return tag


def key(program: Program) -> str:
    """Changes with all that goes into the image."""
    digest = hashlib.sha256(binary.cached(program, "linux").parent.name.encode())
    for path in (Path(__file__), SOURCE / "Dockerfile", pause.SOURCE / "main.go", Path(oci_archive.__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _lay_out(context: Path, program: Program) -> str:
    """Fill the build context; the name of the image that every pod sandbox starts from."""
    kube = binary.ensure(program, "linux")
    # CoreDNS does not depend on the Kubernetes version: the newest program has it.
    coredns = kube if "coredns" in program.commands else binary.ensure(binary.KUBE, "linux")
    with Progress("node image: Debian's packages"):
        image_base.mmdebstrap(SUITE, "apt", NODE_PACKAGES, context / "node.tar")
        components = context.parent / "components.tar"
        image_base.mmdebstrap(SUITE, "extract", COMPONENT_PACKAGES, components)
    shutil.copy2(kube, context / "kube")
    shutil.copytree(_files_of_kind(), context / "files")
    for path in (context / "files").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # the module cache is read-only
    files.write(context / "kind/version", program.kubernetes + "\n")
    for name, what, instead in (
        ("default-cni", "The network", "a conflist in /etc/cni/net.d"),
        ("default-storage", "The storage", "volumes that are made beforehand"),
    ):
        files.write(context / f"kind/manifests/{name}.yaml", MANIFEST.format(name=name, what=what, instead=instead))
    files.write(context / "cni/10-kind.conflist", json.dumps(CNI, indent=2))
    names = images_of(program.kubernetes, kube)
    with Progress("node image: the control plane's images"):
        write_images(context / "images.tar", names, components, kube, coredns)
    return names["pause"]


def images_of(version: str, kube: Path) -> dict[str, str]:
    """The images that kubeadm's cluster runs, by the last part of their names, such as `kube-proxy`."""
    listed = commands.run([kube, "kubeadm", "config", "images", "list", "--kubernetes-version", version])
    return {name.rpartition("/")[2].partition(":")[0]: name for name in listed.split()}


def write_images(archive: Path, names: Mapping[str, str], components: Path, kube: Path, coredns: Path) -> None:
    """One image of our program under the names of all components, and one each for CoreDNS and the sandbox."""
    scratch = components.parent
    links = {f"usr/local/bin/{name}": "kube" for name in names if name.startswith("kube-") or name == "etcd"}
    iptables = {
        f"usr/sbin/{tool}{suffix}": "xtables-nft-multi"
        for tool in ("iptables", "ip6tables")
        for suffix in ("", "-save", "-restore")
    }
    program = oci_archive.write_layer(scratch / "kube.tar", {"usr/local/bin/kube": kube}, links | iptables)
    path = {"Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
    all_components = [name for short, name in names.items() if short not in ("pause", "coredns")]
    dns = oci_archive.write_layer(scratch / "coredns.tar", {"coredns": coredns})
    oci_archive.write(
        archive,
        binary.architecture(),
        [
            oci_archive.Image(all_components, [components, program], path),
            oci_archive.Image([names["coredns"]], [dns], {"Entrypoint": ["/coredns"]}),
            pause.of(names["pause"], pause.program(), scratch / "pause.tar"),
        ],
    )


def _files_of_kind() -> Path:
    """The folder with kind's entrypoint, units and settings, as its Go module has them for its base image."""
    go = golang.find(binary.KUBE.module)
    words = ["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kind"]
    folder = commands.run([go, "-C", binary.KUBE.module, *words], env=binary.go_environment(), timeout=300).strip()
    if not folder:
        raise ClusterError("Go has no copy of kind's module: `go mod download` in cluster/kube fetches it.")
    return Path(folder) / "images/base/files"
