"""`graphcron backfill` at an apiserver: what it creates, what it prints, and how it ends."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.control_plane import ControlPlane
from tests.support.graphcron_apiserver import graphcron_apiserver

GRAPHCRON = Path(sys.executable).with_name("graphcron")
PATH = "/apis/graphcron.dev/v1/namespaces/default/graphcronbackfills"
Graphcron = Callable[..., "subprocess.CompletedProcess[str]"]
NOVEMBER = ("report", "--from", "2026-11-01", "--to", "2026-11-08")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("backfilling")) as plane:
        spec = {"schedule": "0 9 * * *", "timezone": "Europe/Berlin", "assistantId": "agent"}
        manifest = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": "report"}, "spec": spec}
        plane.install(manifest, "/apis/graphcron.dev/v1/namespaces/default/graphcrons")
        yield plane


@pytest.fixture
def run(plane: ControlPlane) -> Graphcron:
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        environment = {"KUBECONFIG": str(plane.kubeconfig), "PATH": "/usr/bin:/bin"}
        command = [str(GRAPHCRON), "backfill", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run


def there(plane: ControlPlane) -> list[dict[str, Any]]:
    return list(plane.api.request("GET", PATH)[1]["items"])


def test_a_dry_run_prints_the_times_and_creates_nothing(plane: ControlPlane, run: Graphcron) -> None:
    said = run(*NOVEMBER, "--dry-run")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.splitlines()[:2] == ["7 scheduled times of report would run:", "  2026-11-01T08:00:00Z"]
    many = run("report", "--from", "2025-01-01", "--to", "2025-12-31", "--dry-run").stdout
    assert "… 344 more …" in many
    times = json.loads(run(*NOVEMBER, "--dry-run", "-o", "json").stdout)
    assert (len(times["slots"]), times["spec"]["from"]) == (7, "2026-10-31T23:00:00Z")
    assert there(plane) == []


def test_it_creates_a_backfill_with_what_was_asked_for(plane: ControlPlane, run: Graphcron) -> None:
    said = run(*NOVEMBER, "--parallelism", "3", "--order", "NewestFirst", "--rerun")
    (made,) = there(plane)
    assert said.stdout == f"graphcronbackfill {made['metadata']['name']} is created: 7 scheduled times of report\n"
    assert made["spec"] == {
        "graphCron": "report", "from": "2026-10-31T23:00:00Z", "to": "2026-11-07T23:00:00Z",
        "parallelism": 3, "order": "NewestFirst", "rerun": True,
    }  # fmt: skip
    plane.api.request("DELETE", f"{PATH}/{made['metadata']['name']}")


WRONG = {
    ("report", "--from", "soon", "--to", "2026-11-08"): "'soon' is no time",
    ("report", "--from", "2026-11-08", "--to", "2026-11-01"): "to must be after from",
    ("nobody", "--from", "2026-11-01", "--to", "2026-11-08"): "has no GraphCron 'nobody'",
    (*NOVEMBER, "--parallelism", "0"): "greater than or equal to 1",
}


@pytest.mark.parametrize(("words", "message"), WRONG.items(), ids=WRONG.values())
def test_what_is_wrong_is_one_sentence_and_creates_nothing(
    plane: ControlPlane, run: Graphcron, words: tuple[str, ...], message: str
) -> None:
    said = run(*words)
    assert (said.returncode, said.stdout) == (1, "")
    assert message in said.stderr
    assert len(said.stderr.splitlines()) == 1
    assert there(plane) == []


@pytest.mark.parametrize(("failed", "code"), [(0, 0), (2, 1)])
def test_waiting_prints_the_progress_and_ends_with_its_success(
    plane: ControlPlane, run: Graphcron, failed: int, code: int
) -> None:
    """An operator's part is played here: it writes one status, and then another."""

    def operate() -> None:
        while not (found := there(plane)):
            threading.Event().wait(0.05)
        name = found[0]["metadata"]["name"]
        for phase, progress in (("Running", "3/7"), ("Complete", "7/7")):
            _, backfill = plane.api.request("GET", f"{PATH}/{name}")
            backfill["status"] = {"phase": phase, "progress": progress, "counts": {"failed": failed}}
            plane.api.request("PUT", f"{PATH}/{name}/status", backfill)
            seen.wait(5)

    seen = threading.Event()
    operator = threading.Thread(target=operate, daemon=True)
    operator.start()
    said = run(*NOVEMBER, "--wait")
    operator.join(20)
    assert said.returncode == code, said.stderr
    assert "Complete 7/7" in said.stderr.splitlines()[-1]
    plane.api.request("DELETE", f"{PATH}/{there(plane)[0]['metadata']['name']}")


def test_one_that_is_deleted_meanwhile_is_an_error(plane: ControlPlane, run: Graphcron) -> None:
    def delete() -> None:
        while not (found := there(plane)):
            threading.Event().wait(0.05)
        plane.api.request("DELETE", f"{PATH}/{found[0]['metadata']['name']}")

    threading.Thread(target=delete, daemon=True).start()
    said = run(*NOVEMBER, "--wait")
    assert said.returncode == 1
    assert "not found" in said.stderr
