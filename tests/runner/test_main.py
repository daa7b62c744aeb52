"""The process of a run pod: what it costs, what it prints, and what a defect leaves."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

import graphcron
from tests.support.run_pod import Pod


def test_a_defect_of_ours_leaves_an_outcome_too(pod: Pod, capsys: pytest.CaptureFixture[str]) -> None:
    pod.order(deadline_seconds="an hour")
    code, outcome = pod.run()
    assert (code, outcome.reason) == (1, "InternalError")
    assert "Traceback" in capsys.readouterr().out


def test_the_runner_imports_no_more_than_it_needs() -> None:
    code = "import sys, graphcron.runner.main; print(*sys.modules)"
    environ = os.environ | {"PYTHONPATH": str(Path(graphcron.__file__).parents[1])}
    loaded = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    ).stdout
    dear = {"asyncio", "dataclasses", "urllib.request", "logging", "argparse", "pathlib", "traceback", "subprocess"}
    assert not dear & set(loaded.split())


def test_the_log_is_one_plain_line_an_event(pod: Pod, capsys: pytest.CaptureFixture[str]) -> None:
    pod.run()
    lines = capsys.readouterr().out.splitlines()
    assert all(datetime.strptime(line.split()[0], "%Y-%m-%dT%H:%M:%S%z") for line in lines)
    assert [line.split()[1] for line in lines] == ["run", "Succeeded:", "thread"]
