"""Removes a local cluster without a trace, in whatever state it is: running, half started, killed or gone."""

import contextlib
import json
import shutil
import time
from pathlib import Path

from cluster import cgroups, claims, commands, host_network, processes
from cluster.claims import Claim
from cluster.errors import ClusterError
from cluster.paths import RUN_ROOT, Place

_KEPT = {"logs", "audit.log"}
"""What stays in the state folder: one wants to read it after the fact. The next fresh `up` clears it."""


def everything(place: Place) -> None:
    """Remove all of the checkout's cluster, on the machine and on disk."""
    claim = claims.of(place)
    if claim:
        _end_processes(place)
        _remove_shim_sockets(place)
        unmount(place)
        host_network.remove(place, keep=claim.chains)
        cgroups.remove_pods()
        _restore_kernel_settings(claim)
    if baseline := claims.remembered(place):  # also after a reboot
        _remove_strays(place, baseline)
    _remove_state(place)


def _end_processes(place: Place) -> None:
    """End everything, kubelet first, for it would start again what ends after it.

    By SIGKILL: a polite apiserver waits a minute for its watchers, to save data
    that is about to be deleted.
    """
    running = processes.components(place.id)
    processes.stop(running[name] for name in ("kubelet", "containerd") if name in running)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        left = processes.find(place.id)
        processes.stop(left)
        if not cgroups.kill_pods() and not left:
            return
        time.sleep(0.02)
    raise ClusterError("New processes of the cluster keep appearing; see `python -m cluster status`.")


def _remove_shim_sockets(place: Place) -> None:
    """A killed shim leaves its socket in a folder that all containerds share; its bundle knows the name."""
    for bundle in (place.run / "containerd").glob("io.containerd.runtime.v2.task/*/*"):
        for note in ("address", "bootstrap.json"):
            if (bundle / note).is_file():
                text = (bundle / note).read_text()
                address = json.loads(text)["address"] if note.endswith("json") else text
                Path(address.strip().removeprefix("unix://")).unlink(missing_ok=True)


def unmount(place: Place) -> None:
    """Undo every mount in our folders: containers' disks, network namespaces, pods' volumes."""
    for attempt in range(5):
        points = mounts_below(Path("/proc/self/mountinfo").read_text(), [place.run, place.state])
        for point in points:
            with contextlib.suppress(ClusterError):
                # A mount may stay busy for a moment after its last process; in the end cut it off.
                commands.run(["umount", *(["--lazy"] if attempt > 2 else []), point])
        if not points:
            return
        time.sleep(0.1 * attempt)
    raise ClusterError(f"These mounts could not be undone: {', '.join(points)}.")


def mounts_below(mountinfo: str, folders: list[Path]) -> list[str]:
    """The mount points in these folders, the last made first."""
    points = []
    for line in mountinfo.splitlines():
        point = line.split()[4].encode().decode("unicode_escape")  # a blank is \\040 there
        if any(Path(point).is_relative_to(folder) for folder in folders):
            points.append(point)
    return points[::-1]


def _remove_strays(place: Place, claim: Claim) -> None:
    """What components left outside our folders: only what bears our name or lies where nothing was before."""
    notes = [path for path in Path("/var/lib/cni").glob("*/*-*") if path.is_file()]
    sandboxes = {path.name.split("-")[-2] for path in notes if path.name.startswith(f"{place.network}-")}
    for path in notes:  # NETWORK-SANDBOX-INTERFACE; a sandbox has one for its loopback, too
        if path.name.split("-")[-2] in sandboxes:
            path.unlink()
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(place.logs):
            link.unlink()
    for folder in map(Path, claims.FOLDERS):
        if str(folder) in claim.folders:
            continue
        if folder.name == "device-plugins":
            shutil.rmtree(folder, ignore_errors=True)
        elif folder.is_dir():
            with contextlib.suppress(OSError):  # somebody else uses it by now
                folder.rmdir()


def _restore_kernel_settings(claim: Claim) -> None:
    for name, value in claim.sysctls.items():
        path = Path("/proc/sys", name)
        if path.read_text().strip() != value:
            path.write_text(value)


def _remove_state(place: Place) -> None:
    if left := mounts_below(Path("/proc/self/mountinfo").read_text(), [place.run, place.state]):
        raise ClusterError(f"Not deleting through a mount: {left[0]}")
    place.kubeconfig.unlink(missing_ok=True)
    if place.state.exists():
        for path in place.state.iterdir():
            if path.name not in _KEPT:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if place.run.exists():
        shutil.rmtree(place.run)
    with contextlib.suppress(OSError):
        RUN_ROOT.rmdir()
