"""Finding what is mounted in our folders."""

from pathlib import Path

from cluster.cleanup import mounts_below

MOUNTS = r"""
30 1 0:1 / / rw - ext4 /dev/vda rw
31 30 0:2 / /run/graphcron/01 rw - tmpfs tmpfs rw
32 31 0:3 / /run/graphcron/01/a\040b rw - nsfs nsfs rw
33 30 0:4 / /run/graphcron/0123/x rw - tmpfs tmpfs rw
34 30 0:5 / /home rw - ext4 /dev/vdb rw
""".strip()


def test_only_mounts_in_our_folders_are_found_the_inner_first() -> None:
    assert mounts_below(MOUNTS, [Path("/run/graphcron/01")]) == ["/run/graphcron/01/a b", "/run/graphcron/01"]
