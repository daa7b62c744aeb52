"""Reading what the kernel says about the machine."""

from pathlib import Path

from cluster.machine import filesystem, has_capability

MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:21 / /var rw,relatime shared:1 - overlay overlay rw
24 22 0:22 / /variety rw - xfs /dev/vdb rw
"""


def test_the_filesystem_is_that_of_the_innermost_mount() -> None:
    assert filesystem(MOUNTS, Path("/home/me")) == "ext4"
    assert filesystem(MOUNTS, Path("/var/lib")) == "overlay"
    assert filesystem(MOUNTS, Path("/variety/x")) == "xfs"


def test_a_capability_is_one_bit_of_the_effective_set() -> None:
    assert not has_capability("Name:\tx\nCapEff:\t000001fffeffffff\n", 24)
    assert has_capability("Name:\tx\nCapEff:\t000001ffffffffff\n", 24)
