"""What make puts into .build for tests, for somebody who starts pytest alone."""

from pathlib import Path

import pytest


def made(path: Path, target: str) -> Path:
    """The path, which `make TARGET` makes. A test without it fails, and names the target."""
    if not path.exists():
        pytest.fail(f"{path} is missing: run `make {target}`", pytrace=False)
    return path
