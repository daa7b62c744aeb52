"""The bill of materials says what lies in the image, and nothing that is not so."""

from pathlib import Path
from typing import Any

import pytest

from cluster import sbom
from cluster.errors import ClusterError

LOCKED = {"aiohttp": "3.9.1", "typing-extensions": "4.16.0"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root file system with two packages of the lock, our own, and Debian's C library."""
    put(tmp_path, "aiohttp", "3.9.1", "License-Expression: Apache-2.0 AND MIT\n")
    put(tmp_path, "typing_extensions", "4.16.0", "Classifier: License :: OSI Approved :: Python License\n")
    put(tmp_path, "graphcron", "0.1.0", "License: Apache-2.0\n  and its text\n")
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/os-release").write_text('PRETTY_NAME="Debian 12"\nID=debian\nVERSION_ID="12"\n')
    return tmp_path


def put(root: Path, name: str, version: str, more: str) -> None:
    folder = root / f"opt/lib/python3.11/site-packages/{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n{more}\nName: in the text, and no field\n")


LIBC = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9+deb12u13\n"
GONE = "Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n"


def packages(root: Path) -> list[sbom.Component]:
    return [found for kind in sbom.KINDS for found in kind(root)]


def by_name(root: Path) -> dict[str, Any]:
    return {item["name"]: item for item in packages(root)}


def dpkg(root: Path) -> None:
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text(f"{LIBC}\n{GONE}\n")


def distilled(root: Path) -> None:
    """A file each, as in images without dpkg."""
    (root / "var/lib/dpkg/status.d").mkdir(parents=True)
    (root / "var/lib/dpkg/status.d/libc6").write_text(LIBC)


@pytest.mark.parametrize("told", [dpkg, distilled])
def test_debians_packages_are_told_by_dpkg_and_what_was_removed_is_not_there(root: Path, told: Any) -> None:
    told(root)
    found = by_name(root)
    assert found["libc6"]["purl"] == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u13?arch=amd64&distro=debian-12"
    assert "gone" not in found


def test_python_packages_have_their_normal_names_and_the_licences_that_they_declare(root: Path) -> None:
    distilled(root)
    found = by_name(root)
    assert found["typing-extensions"]["purl"] == "pkg:pypi/typing-extensions@4.16.0"
    assert found["aiohttp"]["licenses"] == [{"expression": "Apache-2.0 AND MIT"}]
    assert found["typing-extensions"]["licenses"] == [{"license": {"name": "Python License"}}]
    assert found["graphcron"]["licenses"] == [{"license": {"name": "Apache-2.0"}}]


def test_a_python_that_is_no_debian_package_is_named_too(root: Path) -> None:
    distilled(root)
    assert "cpython" not in by_name(root)
    header = root / "usr/local/include/python3.13/patchlevel.h"
    header.parent.mkdir(parents=True)
    header.write_text('#define PY_VERSION              "3.13.2"\n')
    assert by_name(root)["cpython"]["purl"] == "pkg:generic/cpython@3.13.2"


def test_what_is_not_as_in_the_lock_is_an_error(root: Path) -> None:
    distilled(root)
    sbom.check(packages(root), LOCKED)
    with pytest.raises(ClusterError, match="not as in its lock: aiohttp"):
        sbom.check(packages(root), LOCKED | {"aiohttp": "3.9.2"})


def test_an_image_that_shows_nothing_has_no_bill() -> None:
    with pytest.raises(ClusterError, match="incomplete"):
        sbom.check([], LOCKED)


def test_the_same_image_gives_the_same_bill_and_another_one_has_another_number(root: Path) -> None:
    distilled(root)
    found = packages(root)
    assert sbom.bill("0.1.0", found) == sbom.bill("0.1.0", reversed(found))
    assert sbom.bill("0.1.0", found)["serialNumber"] != sbom.bill("0.1.0", found[1:])["serialNumber"]
