"""The copied runner in a user's image."""

import sys

from graphcron.firing.outcome import EXIT_REFUSED
from tests.support.in_pod import Pod


def test_our_modules_need_nothing_of_the_image_but_python(in_pod: Pod) -> None:
    """`-I -S`: no site-packages at all; the first thing that is missed is the user's own."""
    shim = in_pod.directory / "python3"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    shim.chmod(0o755)
    in_pod.python = shim
    code, outcome = in_pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "GraphNotLoaded")
    assert "No module named 'typing_extensions'" in outcome.message
