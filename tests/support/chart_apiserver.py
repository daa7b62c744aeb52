"""GraphCrons at an apiserver that has the chart's guard rails, and what it refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from cluster import commands
from cluster.control_plane import ControlPlane
from cluster.paths import HERE
from tests.chart.helm import Manifest
from tests.support.until import block_until


def kubectl(plane: ControlPlane, *words: str, stdin: list[Manifest]) -> str:
    command: list[str | Path] = [HERE.bin / "kubectl", *words, "-f", "-"]
    return commands.run(
        command, env=commands.environment(plane.kubeconfig), stdin=yaml.safe_dump_all(stdin), timeout=60
    )


def graphcron(namespace: str = "ns", **spec: Any) -> Manifest:
    return {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCron",
        "metadata": {"name": "guarded", "namespace": namespace},
        "spec": {"schedule": "0 0 1 1 *", "assistantId": "agent"} | spec,
    }


def refusal(plane: ControlPlane, manifest: Manifest) -> str:
    """What the apiserver answers to its creation; empty when it would take it."""
    namespace = manifest["metadata"]["namespace"]
    path = f"/apis/graphcron.dev/v1/namespaces/{namespace}/graphcrons?dryRun=All"
    status, answer = plane.api.request("POST", path, manifest)
    return "" if status == 201 else str(answer["message"])


def await_that(holds: Callable[[], object]) -> None:
    """A policy works from when the apiserver's own watch has brought it."""
    block_until(holds, pause=0.1)
