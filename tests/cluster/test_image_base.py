"""What is left of Debian in the base image."""

import io
import tarfile
from pathlib import Path

import pytest

from cluster import image_base


@pytest.mark.parametrize(
    "name",
    [
        "usr/bin/python3.11",
        "usr/lib/python3.11/json/__init__.py",
        "usr/lib/x86_64-linux-gnu/libssl.so.3",
        "lib/x86_64-linux-gnu/libc.so.6",
        "lib64/ld-linux-x86-64.so.2",
        "usr/lib/ssl/cert.pem",
        "etc/ssl/openssl.cnf",
        "usr/share/doc/libc6/copyright",
        "var/lib/dpkg/status.d/libc6",
    ],
)
def test_what_python_and_tls_need_stays(name: str) -> None:
    """And the licences, which are a condition of passing the rest on."""
    assert image_base.kept(name)


@pytest.mark.parametrize(
    "name",
    [
        "bin/sh",
        "usr/bin/dpkg",
        "usr/bin/openssl",
        "usr/bin/python3.11-config",
        "etc/apt/sources.list",
        "etc/resolv.conf",
        "usr/lib/x86_64-linux-gnu/gconv/IBM1399.so",
        "usr/lib/python3.11/sitecustomize.py",
        "usr/lib/python3.11/pydoc_data/topics.py",
        "usr/share/doc/libc6/changelog.gz",
        "usr/share/locale/de/LC_MESSAGES/dpkg.mo",
    ],
)
def test_everything_else_goes(name: str) -> None:
    """No program but Python, and no settings of the machine that made the image."""
    assert not image_base.kept(name)


def test_a_python_module_called_test_something_stays() -> None:
    """Only the folders of that exact name are dropped."""
    assert image_base.kept("usr/lib/python3.11/unittest/case.py")


def archive(files: dict[str, str]) -> tarfile.TarFile:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    buffer.seek(0)
    return tarfile.open(fileobj=buffer)


def test_distilling_makes_what_the_packages_scripts_would_have_made(tmp_path: Path) -> None:
    """Certificates in one file where OpenSSL looks, a python3, a /tmp for everybody, and users with numbers."""
    debian = archive(
        {
            "./usr/bin/python3.11": "ELF",
            "./bin/sh": "ELF",
            "./usr/share/ca-certificates/mozilla/A.crt": "AAA\n",
            "./usr/share/ca-certificates/mozilla/B.crt": "BBB\n",
        }
    )
    with tarfile.open(tmp_path / "base.tar", "w") as base:
        image_base.distil(debian, base)
    with tarfile.open(tmp_path / "base.tar") as made:
        names = set(made.getnames())
        certificates = made.extractfile("etc/ssl/certs/ca-certificates.crt")
        assert certificates is not None
        assert certificates.read() == b"AAA\nBBB\n"
        assert made.getmember("usr/bin/python3").linkname == "python3.11"
        assert made.getmember("tmp").mode == 0o1777
        release = made.extractfile("usr/lib/os-release")
        assert release
        assert 'VERSION_ID="12"' in release.read().decode()
    assert {"usr/bin/python3.11", "etc/passwd", "etc/nsswitch.conf", "proc", "dev"} <= names
    assert not {name for name in names if "sh" in name.split("/") or "mozilla" in name}
