"""The wheel, as people install it: the commands are there, and a run pod's start imports none of what they need."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.paths import HERE

UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that the wheel was installed into, with the locked dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    run(
        UV,
        "build",
        "--quiet",
        "--wheel",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--out-dir",
        folder,
        HERE.root,
    )
    (wheel,) = folder.glob("*.whl")
    run(UV, "venv", "--quiet", "--python", sys.executable, folder / "venv")
    python, lock = folder / "venv/bin/python", HERE.root / "requirements/graphcron.txt"
    run(UV, "pip", "install", "--quiet", "--python", python, "--constraint", lock, wheel)
    return python.parent


def run(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 11), done.stderr
    return done


@pytest.mark.parametrize("program", ["graphcron", "kubectl-graphcron"])
def test_both_programs_are_there(programs: Path, program: str) -> None:
    assert "for people" in run(programs / program, "--help").stdout
    assert "-n, --namespace" in run(programs / program, "list", "--help").stdout
    assert run(programs / program, "lint", HERE.root / "examples/graphcron.yaml").stderr.startswith(
        "1 GraphCrons, 0 errors"
    )


def test_a_run_pods_start_imports_nothing_that_others_made(programs: Path) -> None:
    """It has no orders here, says so and ends with 11; by then it has imported what it imports at each firing."""
    done = run(programs / "python", "-X", "importtime", programs / "graphcron", "run")
    assert done.returncode == 11
    imported = set(re.findall(r"\|\s*(\S+)$", done.stderr, re.M))
    assert "graphcron.runner.main" in imported
    packages = {name.partition(".")[0] for name in imported}
    assert packages - {"graphcron", "sitecustomize", "usercustomize"} <= set(sys.stdlib_module_names) | {"site"}
    assert not {
        name for name in imported if name.startswith(("graphcron.commands", "graphcron.kube", "graphcron.operator"))
    }
