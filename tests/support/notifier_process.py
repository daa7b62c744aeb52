"""The notifier as a real process, and the objects that it watches at a small apiserver."""

import asyncio
import base64
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.support.apiserver_fake import FakeApiserver
from tests.support.kubeconfig import kubeconfig

ROOT = Path(__file__).parents[2]


async def start_notifier(url: str | Path, folder: Path, **environment: str) -> asyncio.subprocess.Process:
    """`graphcron notifier`, as a container runs it, for namespace team and the host 127.0.0.1. `url` is the address of
    a small apiserver, or the kubeconfig of a real one."""
    known = url if isinstance(url, Path) else kubeconfig(folder / "kubeconfig", {"server": url}, {"token": "s3cret"})
    with (folder / "notifier.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "graphcron", "notifier"),
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT}",
                "KUBECONFIG": str(known),
                "GRAPHCRON_NAMESPACE": "team",
                "GRAPHCRON_WATCH_NAMESPACE": "team",
                "GRAPHCRON_POD": "notifier-0",
                "GRAPHCRON_HEALTH_PORT": "0",
                "GRAPHCRON_METRICS_PORT": "0",
                "GRAPHCRON_NOTIFIER_ALLOWED_HOSTS": '["127.0.0.1"]',
            }
            | environment,
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
        )


async def kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    await process.wait()


def secret(name: str, **values: str) -> dict[str, Any]:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}


def channel(name: str, kind: str = "Webhook", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCronChannel",
        "metadata": {"name": name},
        "spec": {"kind": kind, "urlSecretRef": {"name": "receiver", "key": "url"}} | spec,
    }


async def cron(server: FakeApiserver, name: str, **spec: Any) -> None:
    ready = {"type": "Ready", "status": "True", "reason": "Scheduled", "lastTransitionTime": "2026-12-01T10:00:00Z"}
    await server.put(
        "graphcrons",
        {
            "apiVersion": "graphcron.dev/v1",
            "kind": "GraphCron",
            "metadata": {"name": name},
            "spec": {"schedule": "* * * * *", "assistantId": "agent"} | spec,
            "status": {"observedGeneration": 1, "conditions": [ready]},
        },
    )


async def fail(server: FakeApiserver, name: str, at: str, reason: str = "RunError") -> None:
    """One more firing of a GraphCron has failed, as the operator writes it."""
    found = server.objects["graphcrons"][name]
    status = dict(found["status"])
    counts = status.get("firings", {"succeeded": 0, "skipped": 0, "missed": 0, "failed": 0})
    status["firings"] = counts | {"failed": counts["failed"] + 1}
    entry = {"scheduledTime": at, "finishedAt": at, "outcome": "Failed", "reason": reason, "message": "it broke"}
    status["history"] = [entry, *status.get("history", [])][:10]
    status["consecutiveFailures"] = status.get("consecutiveFailures", 0) + 1
    await server.put("graphcrons", found | {"status": status})
