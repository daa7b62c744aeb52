"""Building Kubernetes once; a script plays the part of Go."""

import re
from pathlib import Path

import pytest

from cluster import binary
from cluster.binary import KUBE, OLDEST, TOOLS, Program
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
    binary.build(KUBE, _go(tmp_path, 'echo program > "$out"'), target)
    assert target.read_text() == "program\n"


def test_a_build_that_was_killed_leaves_nothing_that_looks_like_a_binary(tmp_path: Path) -> None:
    target = tmp_path / "kube"
    with pytest.raises(ClusterError, match="go build"):
        binary.build(KUBE, _go(tmp_path, 'echo half > "$out"; kill -9 $$'), target)
    assert {path.name for path in tmp_path.iterdir()} == {"go"}


def test_a_failing_build_tells_what_go_said(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"main\.go:1: no such thing"):
        binary.build(KUBE, _go(tmp_path, "echo main.go:1: no such thing >&2; exit 1"), tmp_path / "kube")


def test_the_version_comes_from_go_mod() -> None:
    flags = binary.linker_flags(binary.kubernetes_version("require (\n\tk8s.io/kubernetes v1.37.2\n)\n"))
    assert "version.gitVersion=v1.37.2" in flags
    assert "version.gitMajor=1" in flags
    assert "version.gitMinor=37" in flags


def test_a_go_mod_without_kubernetes_is_refused() -> None:
    with pytest.raises(ClusterError, match=r"k8s\.io/kubernetes"):
        binary.kubernetes_version("module x\n")


GO_MOD = "require (\n\tk8s.io/kubernetes v1.37.2\n)\n"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """A program of one module and a folder of another."""
    (tmp_path / "other").mkdir()
    for name, text in (("main.go", ""), ("go.mod", GO_MOD), ("go.sum", ""), ("other/shared.go", "")):
        (tmp_path / name).write_text(text)
    return Program("a program", tmp_path, ".", (tmp_path, tmp_path / "other"), ("one",))


@pytest.mark.parametrize("changed", ["main.go", "go.mod", "go.sum", "other/shared.go"])
def test_the_cache_key_changes_with_every_source(program: Program, changed: str) -> None:
    before = binary.cache_key(program, "linux/amd64")
    assert before == binary.cache_key(program, "linux/amd64")
    with (program.module / changed).open("a") as file:
        file.write("// more\n")
    assert before != binary.cache_key(program, "linux/amd64")


def test_the_cache_key_changes_with_version_and_machine(program: Program) -> None:
    one = {binary.cache_key(program, target) for target in ("linux/amd64", "darwin/amd64")}
    (program.module / "go.mod").write_text(GO_MOD.replace("1.37.2", "1.37.3"))
    assert len(one | {binary.cache_key(program, "linux/amd64")}) == 3


def test_what_only_the_servers_need_does_not_rebuild_the_tools(program: Program) -> None:
    assert KUBE.module not in TOOLS.folders


def _commands_of(*folders: Path) -> set[str]:
    sources = "".join(path.read_text() for folder in folders for path in folder.glob("*.go"))
    return set(re.findall(r'^\t+"([a-z-]+)": +(?:func|run)', sources, re.MULTILINE))


@pytest.mark.parametrize("program", [KUBE, TOOLS, OLDEST], ids=lambda program: program.title)
def test_the_commands_are_those_of_the_program(program: Program) -> None:
    assert _commands_of(*program.folders) == set(program.commands)
