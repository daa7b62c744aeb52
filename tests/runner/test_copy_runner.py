"""The copied runner in a user's image."""

import sys
from pathlib import Path

import pytest

from graphcron.firing.outcome import EXIT_REFUSED
from tests.support.in_pod import Pod


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_our_modules_need_nothing_of_the_image_but_python(pod: Pod) -> None:
    """`-I -S`: no site-packages at all; the first thing that is missed is the user's own."""
    shim = pod.directory / "python3"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    shim.chmod(0o755)
    pod.python = shim
    code, outcome = pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "GraphNotLoaded")
    assert "No module named 'typing_extensions'" in outcome.message
