"""Measures how fast a run pod's process starts in the graphcron image: `make image` prints it.

The image's files are unpacked, and `graphcron run` starts in them by chroot, which no container engine slows down: what
kubelet and containerd add is not in the figure. It has no orders, so it reads its environment and ends, with an exit
code of its own. Cold means that none of the image's files is in memory, as when a node has just pulled it.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cluster import commands, image_archive, images
from cluster.errors import ClusterError
from cluster.paths import HERE, Place
from cluster.progress import say

ROUNDS = 5
ENVIRONMENT_INVALID = 11
"""The exit code of `graphcron run` without orders."""


def main(place: Place = HERE) -> int:
    """Print medians."""
    if sys.platform != "linux" or os.geteuid() != 0:
        say("image graphcron: its start is measured by chroot, for which one has to be root on Linux")
        return 0
    try:
        with tempfile.TemporaryDirectory(dir=place.build) as temporary:
            root = Path(temporary)
            root.chmod(0o755)  # the container's user is not the one who unpacks
            image_archive.unpack(images.build("graphcron", place), root)
            cold, warm = zip(*((start(root, cold=True), start(root)) for _ in range(ROUNDS)), strict=True)
    except ClusterError as error:
        say(f"error: {error}")
        return 1
    say(
        f"image graphcron: `graphcron run` starts in {statistics.median(cold):.2f} s cold and "
        f"{statistics.median(warm):.2f} s warm (medians of {ROUNDS}, by chroot on this machine)"
    )
    return 0


def start(root: Path, *, cold: bool = False) -> float:
    """Seconds of one start."""
    if cold:
        forget(root)
    started = time.perf_counter()
    done = subprocess.run(
        ["chroot", "--userspec=65532:65532", root, "/opt/graphcron/bin/graphcron", "run"],
        env={"PATH": commands.SYSTEM_PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode != ENVIRONMENT_INVALID:
        raise ClusterError(f"`graphcron run` does not start in the image: {(done.stderr or done.stdout).strip()}")
    return seconds


def forget(root: Path) -> None:
    """Have the kernel drop these files, and no others, from its memory."""
    os.sync()  # what is not written yet cannot be dropped
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    sys.exit(main())
