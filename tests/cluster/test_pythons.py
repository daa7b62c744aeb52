"""On which Pythons the unit tests run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import pythons
from cluster.paths import HERE, Place


def test_the_ends_are_those_that_pyproject_names() -> None:
    text = (HERE.root / "pyproject.toml").read_text()
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)
    assert (named[0], named[-1]) == pythons.ENDS
    assert f'requires-python = ">={pythons.ENDS[0]}"' in text
    assert set(pythons.SUITES) == set(pythons.ENDS)


def test_every_room_of_the_package_is_tested() -> None:
    packages = {path.parent.name for path in (HERE.root / "operator/graphcron").glob("*/__init__.py")}
    assert set(pythons.ROOMS) == packages


def test_a_program_that_only_bears_the_name_is_passed_over(tmp_path: Path) -> None:
    """pyenv leaves such on PATH for each version that it knows."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    shim = tmp_path / f"python{version}"
    shim.write_text("#!/bin/sh\necho 'command not found' >&2; exit 127\n")
    shim.chmod(0o755)
    assert pythons.find(version, str(tmp_path), tmp_path) is None
    own = tmp_path / f".pyenv/versions/{version}.9/bin/python"
    own.parent.mkdir(parents=True)
    own.symlink_to(sys.executable)
    assert pythons.find(version, str(tmp_path), tmp_path) == str(own)
    assert pythons.find("3.1", str(tmp_path), tmp_path) is None


@pytest.mark.parametrize("python", ["/usr/bin/python3.14", "/home/a b/python"])
def test_the_script_is_one_that_a_shell_reads(python: str) -> None:
    text = pythons.script("3.14", python, Place(Path("/home/a b/graphcron")))
    assert subprocess.run(["sh", "-n", "-c", text], check=False).returncode == 0
    assert "IN_POD=.build/in-pod-3.14" in text
