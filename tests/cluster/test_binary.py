"""Building Kubernetes once; a script plays the part of Go."""

import re
from pathlib import Path

import pytest

from cluster import binary
from cluster.errors import ClusterError


def _go(folder: Path, build: str) -> Path:
    """A `go` that lists two packages, and whose build does this with $out."""
    script = folder / "go"
    script.write_text(
        '#!/bin/sh\nif [ "$1" = list ]; then echo one; echo two; exit; fi\n'
        'while [ "$1" != -o ]; do shift; done; out=$2\n' + build
    )
    script.chmod(0o755)
    return script


def test_a_whole_build_is_put_in_place(tmp_path: Path) -> None:
    target = tmp_path / "kube"
    binary.build(_go(tmp_path, 'echo program > "$out"'), target)
    assert target.read_text() == "program\n"


def test_a_build_that_was_killed_leaves_nothing_that_looks_like_a_binary(tmp_path: Path) -> None:
    target = tmp_path / "kube"
    with pytest.raises(ClusterError, match="go build"):
        binary.build(_go(tmp_path, 'echo half > "$out"; kill -9 $$'), target)
    assert {path.name for path in tmp_path.iterdir()} == {"go"}


def test_a_failing_build_tells_what_go_said(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"main\.go:1: no such thing"):
        binary.build(_go(tmp_path, "echo main.go:1: no such thing >&2; exit 1"), tmp_path / "kube")


def test_the_version_comes_from_go_mod() -> None:
    flags = binary.linker_flags("require (\n\tk8s.io/kubernetes v1.37.2\n)\n")
    assert "version.gitVersion=v1.37.2" in flags
    assert "version.gitMajor=1" in flags
    assert "version.gitMinor=37" in flags


def test_a_go_mod_without_kubernetes_is_refused() -> None:
    with pytest.raises(ClusterError, match=r"k8s\.io/kubernetes"):
        binary.linker_flags("module x\n")


@pytest.mark.parametrize("changed", ["main.go", "go.mod", "go.sum"])
def test_the_cache_key_changes_with_every_source(tmp_path: Path, changed: str) -> None:
    for name in ("main.go", "go.mod", "go.sum"):
        (tmp_path / name).write_text("before")
    before = binary.cache_key(tmp_path, "-s", "linux/amd64")
    assert before == binary.cache_key(tmp_path, "-s", "linux/amd64")
    (tmp_path / changed).write_text("after")
    assert before != binary.cache_key(tmp_path, "-s", "linux/amd64")


def test_the_cache_key_changes_with_flags_and_machine(tmp_path: Path) -> None:
    for name in ("main.go", "go.mod", "go.sum"):
        (tmp_path / name).touch()
    keys = {binary.cache_key(tmp_path, *way) for way in [("-s", "a"), ("-w", "a"), ("-s", "b")]}
    assert len(keys) == 3


def test_the_commands_are_those_of_the_program() -> None:
    source = (binary.SOURCE / "main.go").read_text()
    assert tuple(re.findall(r'^\t"([a-z-]+)": +(?:func|run)', source, re.MULTILINE)) == binary.COMMANDS
