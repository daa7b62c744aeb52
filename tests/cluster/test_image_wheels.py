"""Which wheels an image gets: those for its Python, whatever Python runs the build."""

import pytest

from cluster.errors import ClusterError
from cluster.image_wheels import Target, narrowed, only, trusting

LOCK = """\
aiohttp==3.14.5 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via
    #   graphcron (pyproject.toml)
async-timeout==5.0.1 ; python_full_version < '3.11.3' \\
    --hash=sha256:ba
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:ca
typing-extensions==4.16.0 ; python_full_version < '3.13' \\
    --hash=sha256:da
uvloop==0.23.0 ; sys_platform != 'win32' \\
    --hash=sha256:ea
"""

BOOKWORM = Target("3.11", "x86_64")
TRIXIE = Target("3.13", "aarch64")


def names(entries: list[str]) -> list[str]:
    return [entry.partition("==")[0] for entry in entries]


def test_the_lock_is_narrowed_to_the_image_and_not_to_this_interpreter() -> None:
    """Nothing for Windows; for 3.11 what any of its patch releases needs; for 3.13 less."""
    assert names(narrowed(LOCK, BOOKWORM)) == ["aiohttp", "async-timeout", "typing-extensions", "uvloop"]
    assert names(narrowed(LOCK, TRIXIE)) == ["aiohttp", "uvloop"]


def test_entries_keep_all_hashes_and_lose_their_marker() -> None:
    """pip would evaluate a marker for the Python that it runs on, and skip what the image needs."""
    assert narrowed(LOCK, BOOKWORM)[:2] == [
        "aiohttp==3.14.5 --hash=sha256:aa --hash=sha256:ab",
        "async-timeout==5.0.1 --hash=sha256:ba",
    ]


def test_pip_is_told_the_images_python_and_every_glibc_that_it_can_run() -> None:
    """Without --platform pip chooses for this machine; glibc 2.37 is newer than Debian bookworm's."""
    arguments = TRIXIE.pip_arguments()
    assert arguments[:6] == ["--python-version", "3.13", "--implementation", "cp", "--abi", "cp313"]
    platforms = arguments[7::2]
    assert platforms[0] == "manylinux_2_36_aarch64"
    assert {"manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"} <= set(platforms)


def test_one_package_is_found_by_its_name() -> None:
    """The lock of the build tools says which pip goes into the build."""
    assert only(LOCK, "uvloop") == "uvloop==0.23.0 --hash=sha256:ea"
    with pytest.raises(ClusterError, match="make lock"):
        only(LOCK, "pip")


def test_a_wheel_built_from_locked_source_is_accepted_beside_the_source() -> None:
    """The image installs with --require-hashes, and the lock can only know the source's."""
    text = trusting(LOCK, {"async-timeout": "ff"})
    assert narrowed(text, BOOKWORM)[1] == "async-timeout==5.0.1 --hash=sha256:ff --hash=sha256:ba"
    assert [line for line in text.splitlines() if line not in LOCK.splitlines()] == ["    --hash=sha256:ff \\"]
