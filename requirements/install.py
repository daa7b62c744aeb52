"""Installs what a lock file names, by its hashes, while an image is built: `install.py PYTHON LOCK`.

The wheels come from wheels/ beside this file where it is there, and nothing is downloaded; else from the package index.
The Dockerfiles call it, with the Python of the base image, which then has to bring pip.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

WHEELS = Path(__file__).resolve().parent / "wheels"


def command(python: str, lock: str) -> list[str]:
    """The pip that installs into `python`. Raises SystemExit where there is none."""
    options = ["--no-cache-dir", "--no-compile", "--disable-pip-version-check", "--root-user-action", "ignore"]
    options += ["--require-hashes", "--requirement", lock]
    if pip := next(WHEELS.glob("pip-*.whl"), None):
        return [python, f"{pip}/pip", "install", "--no-index", "--find-links", str(WHEELS), *options]
    if importlib.util.find_spec("pip") is None:
        raise SystemExit(
            "The base image has no pip. Build on one that has it, such as python:3.13-slim, or let "
            "`python -m cluster.images` build, which brings pip and all wheels."
        )
    return [sys.executable, "-m", "pip", "--python", python, "install", *options]


if __name__ == "__main__":
    sys.exit(subprocess.run(command(*sys.argv[1:]), check=False).returncode)
