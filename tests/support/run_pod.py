"""A run pod without Kubernetes: its files and its environment in a directory, the runner in this process or its own."""

import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import graphcron
from graphcron.firing.order import Firing, Order
from graphcron.firing.outcome import Outcome
from graphcron.runner.main import main

KEY = "lsv2_very_secret"
DUE = datetime(2026, 11, 22, 19, 20, tzinfo=UTC)
FIRING = Firing.of_job(f"daily-{int(DUE.timestamp()) // 60}", "0d8f8d6e-4a7c-4b62-8a8f-6f4f7d9f2c11")


def firing_of_now() -> Firing:
    """Another firing, of this minute."""
    return Firing.of_job(f"daily-{int(datetime.now(UTC).timestamp()) // 60}", str(uuid.uuid4()))


class Pod:
    """What Kubernetes gives a run pod, in a directory; each call is one pod of the same Job."""

    def __init__(self, directory: Path, url: str, firing: Firing = FIRING) -> None:
        self.directory = directory
        self.termination_log = directory / "termination-log"
        self.environ = {
            "GRAPHCRON_JOB_NAME": firing.job_name,
            "GRAPHCRON_JOB_UID": firing.job_uid,
            "AGENT_SERVER_URL": url,
            "AGENT_SERVER_API_KEY": KEY,
            "GRAPHCRON_ORDER_PATH": str(directory / "order.json"),
            "GRAPHCRON_INPUT_PATH": str(directory / "input.json"),
            "GRAPHCRON_HEADERS_PATH": str(directory / "headers"),
            "GRAPHCRON_TERMINATION_LOG": str(self.termination_log),
            "GRAPHCRON_START_PATIENCE_SECONDS": "3",
            "GRAPHCRON_FOLLOW_PATIENCE_SECONDS": "5",
            "GRAPHCRON_REQUEST_TIMEOUT_SECONDS": "10",
        }
        self.order()

    def order(self, request: Any = None, **fields: Any) -> None:
        order = Order("cron-1", {"assistant_id": "agent", "input": {"text": "hi"}} | (request or {}), **fields)
        (self.directory / "order.json").write_text(order.to_json())

    def run(self) -> tuple[int, Outcome]:
        self.termination_log.unlink(missing_ok=True)
        code = main(self.environ)
        return code, self.outcome()

    def outcome(self) -> Outcome:
        outcome = Outcome.from_json(self.termination_log.read_text())
        assert outcome is not None
        return outcome

    def start(self) -> "subprocess.Popen[str]":
        code = "import os, graphcron.runner.main; raise SystemExit(graphcron.runner.main.main(os.environ))"
        path = str(Path(graphcron.__file__).parents[1])
        environ = os.environ | self.environ | {"PYTHONPATH": path}
        return subprocess.Popen([sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE, text=True)
