"""The operator as a real process with the real kopf: what it asks and writes, and how it lives with a bad apiserver."""

import asyncio
import signal
import socket
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.support.apiserver_fake import WATCHED, FakeApiserver
from tests.support.operator_process import operator
from tests.support.until import until


def graphcron(name: str = "hello", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"schedule": "0 0 1 1 *", "assistantId": "agent"} | spec}


@pytest.fixture
async def apiserver() -> FakeApiserver:
    return FakeApiserver()


async def test_it_makes_the_cronjob_and_writes_nothing_more(apiserver: FakeApiserver, tmp_path: Path) -> None:
    async with apiserver.serving() as url, operator(url, tmp_path):
        await until(lambda: apiserver.watches_of("graphcrons"))
        await apiserver.put("graphcrons", graphcron())
        await until(lambda: "status" in apiserver.objects["graphcrons"]["hello"])
        await apiserver.delete("cronjobs", "hello")
        await until(lambda: "hello" in apiserver.objects["cronjobs"])
    assert apiserver.writes == ["PATCH cronjobs/hello", "PATCH hello/status", "PATCH cronjobs/hello"]


async def test_a_restart_writes_nothing(apiserver: FakeApiserver, tmp_path: Path) -> None:
    async with apiserver.serving() as url:
        async with operator(url, tmp_path):
            for number in range(20):
                await apiserver.put("graphcrons", graphcron(f"cron-{number}"))
            await until(lambda: all("status" in item for item in apiserver.objects["graphcrons"].values()))
        before, watches = len(apiserver.writes), len(apiserver.watches_of("graphcrons"))
        async with operator(url, tmp_path):
            await until(lambda: len(apiserver.watches_of("graphcrons")) > watches)
            await apiserver.put("graphcrons", graphcron("the-last"))
            await until(lambda: "status" in apiserver.objects["graphcrons"]["the-last"])
    assert apiserver.writes[before:] == ["PATCH cronjobs/the-last", "PATCH the-last/status"]


async def test_limits_that_an_upgrade_brings_count_for_graphcrons_that_nobody_touches(
    apiserver: FakeApiserver, tmp_path: Path
) -> None:
    limits = {"GRAPHCRON_RUN_ACTIVE_DEADLINE_SECONDS": "600", "GRAPHCRON_MINIMUM_INTERVAL_SECONDS": "3600"}
    crons, jobs = apiserver.objects["graphcrons"], apiserver.objects["cronjobs"]
    async with apiserver.serving() as url:
        async with operator(url, tmp_path):
            await apiserver.put("graphcrons", graphcron("dense", schedule="*/30 * * * *"))
            await apiserver.put("graphcrons", graphcron("rare"))
            await until(lambda: all("status" in item for item in crons.values()))
        assert not jobs["dense"]["spec"]["suspend"]
        async with operator(url, tmp_path, **limits):
            await until(lambda: "TooFrequent" in str(crons["dense"]["status"]))
            await until(lambda: jobs["rare"]["spec"]["jobTemplate"]["spec"].get("activeDeadlineSeconds") == 660)
    assert jobs["dense"]["spec"]["suspend"]
    assert not jobs["rare"]["spec"]["suspend"]


async def test_it_reads_only_what_it_may(apiserver: FakeApiserver, tmp_path: Path) -> None:
    """In one namespace, by label where objects are not ours alone, and no CRDs or namespaces: its role has none."""
    async with apiserver.serving() as url, operator(url, tmp_path):
        await until(lambda: all(apiserver.watches_of(plural) for plural in WATCHED))
    for plural in ("cronjobs", "jobs", "pods"):
        for path in apiserver.watches_of(plural):
            assert "labelSelector=app.kubernetes.io/managed-by=graphcron" in unquote(path)
            assert "/namespaces/team/" in path
    paths = [path for _, path in apiserver.requests]
    assert not [path for path in paths if "customresourcedefinitions" in path or path.endswith("/namespaces")]


async def test_the_annotation_of_its_namespace_pauses_all_within_seconds_and_a_restart_keeps_it(
    apiserver: FakeApiserver, tmp_path: Path
) -> None:
    team, jobs = apiserver.objects["namespaces"]["team"], apiserver.objects["cronjobs"]
    async with apiserver.serving() as url:
        async with operator(url, tmp_path):
            await apiserver.put("graphcrons", graphcron())
            await until(lambda: "hello" in jobs)
            team["metadata"]["annotations"] = {"graphcron.dev/paused": "why not"}
            await until(lambda: jobs["hello"]["spec"]["suspend"])
            await until(lambda: "PausedByAdministrator" in str(apiserver.objects["graphcrons"]["hello"]["status"]))
        before = len(apiserver.writes)
        async with operator(url, tmp_path):
            await apiserver.put("graphcrons", graphcron("another"))
            await until(lambda: "status" in apiserver.objects["graphcrons"]["another"])
            assert apiserver.writes[before:] == ["PATCH cronjobs/another", "PATCH another/status"]
            assert jobs["another"]["spec"]["suspend"]
            del team["metadata"]["annotations"]
            await until(lambda: not any(job["spec"]["suspend"] for job in jobs.values()))


async def test_of_the_whole_cluster_the_namespaces_are_watched(apiserver: FakeApiserver, tmp_path: Path) -> None:
    async with apiserver.serving() as url, operator(url, tmp_path, GRAPHCRON_WATCH_NAMESPACE=""):
        await apiserver.put("graphcrons", graphcron())
        await until(lambda: "hello" in apiserver.objects["cronjobs"])
        paused = {"metadata": {"name": "team", "annotations": {"graphcron.dev/paused": "why not"}}}
        await apiserver.put("namespaces", paused)
        await until(lambda: apiserver.objects["cronjobs"]["hello"]["spec"]["suspend"])
        assert apiserver.watches_of("namespaces")


async def test_a_watch_that_was_cut_is_taken_up_again(apiserver: FakeApiserver, tmp_path: Path) -> None:
    async with apiserver.serving() as url, operator(url, tmp_path):
        await until(lambda: apiserver.watches_of("graphcrons"))
        await apiserver.cut_watches()
        await apiserver.put("graphcrons", graphcron())
        await until(lambda: "hello" in apiserver.objects["cronjobs"])


async def test_a_deletion_that_no_watch_reported_is_found(apiserver: FakeApiserver, tmp_path: Path) -> None:
    """A watch too old to go on is followed by a list, in which what was deleted meanwhile is simply missing."""
    async with apiserver.serving() as url, operator(url, tmp_path):
        for name in ("stays", "loses"):
            await apiserver.put("graphcrons", graphcron(name))
        await until(lambda: all("status" in item for item in apiserver.objects["graphcrons"].values()))
        del apiserver.objects["cronjobs"]["loses"]
        await apiserver.expire_watches()
        await until(lambda: "loses" in apiserver.objects["cronjobs"])


async def test_a_crd_that_comes_late_is_waited_for(apiserver: FakeApiserver, tmp_path: Path) -> None:
    resources = apiserver.groups.pop("graphcron.dev/v1")
    async with apiserver.serving() as url, operator(url, tmp_path):
        await until(lambda: ("GET", "/apis") in apiserver.requests)
        apiserver.groups["graphcron.dev/v1"] = resources
        await apiserver.put("graphcrons", graphcron())
        await until(lambda: "hello" in apiserver.objects["cronjobs"])


async def test_without_the_crd_it_says_how_to_get_it(apiserver: FakeApiserver, tmp_path: Path) -> None:
    del apiserver.groups["graphcron.dev/v1"]
    async with (
        apiserver.serving() as url,
        operator(url, tmp_path, GRAPHCRON_CRD_PATIENCE_SECONDS="0.5") as process,
    ):
        output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert b"the cluster has no GraphCron resource: install the CRD" in output
    assert b"Traceback" not in output


async def test_a_port_that_is_taken_ends_it(apiserver: FakeApiserver, tmp_path: Path) -> None:
    """Kubernetes starts it again, with back-off; it does not go on half started."""
    with socket.create_server(("", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with apiserver.serving() as url, operator(url, tmp_path, GRAPHCRON_HEALTH_PORT=port) as process:
            output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    sentence = f"port {port} is in use by another process: choose another with GRAPHCRON_HEALTH_PORT"
    assert sentence in output.decode()


async def test_sigterm_ends_it_at_once_and_no_secret_is_logged(apiserver: FakeApiserver, tmp_path: Path) -> None:
    async with apiserver.serving() as url, operator(url, tmp_path, GRAPHCRON_LOG_LEVEL="DEBUG") as process:
        await until(lambda: apiserver.watches_of("graphcrons"))
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0, output.decode()
    assert b"s3cret" not in output
    asked = [path for method, path in apiserver.requests if method == "GET" and "/leases/" in path]
    assert len(asked) <= 2, "it is stopped once: the Lease is read when it is taken and when it is given back"


@pytest.mark.parametrize("waits_for", ["/apis", "/jobs"], ids=["the CRD", "a list"])
async def test_sigterm_is_heard_while_it_waits(apiserver: FakeApiserver, tmp_path: Path, waits_for: str) -> None:
    """The first process of a container hears none that it has no handler for: it would be killed after 30 s."""
    apiserver.held = {"jobs"}
    if waits_for == "/apis":
        del apiserver.groups["graphcron.dev/v1"]
    async with apiserver.serving() as url, operator(url, tmp_path) as process:
        await until(lambda: any(path.partition("?")[0].endswith(waits_for) for _, path in apiserver.requests))
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0, output.decode()
    assert b"Traceback" not in output


async def test_an_answer_that_comes_while_it_stops_is_no_failure(apiserver: FakeApiserver, tmp_path: Path) -> None:
    """kopf waits for tasks that are left, and fails by what one of them raises."""
    apiserver.held = {"jobs"}
    debug = {"GRAPHCRON_LOG_LEVEL": "DEBUG"}
    async with apiserver.serving() as url, operator(url, tmp_path, **debug) as process:
        await until(lambda: any(path.partition("?")[0].endswith("/jobs") for _, path in apiserver.requests))
        process.send_signal(signal.SIGTERM)
        assert process.stdout
        async for line in process.stdout:
            if b"Root tasks are stopped" in line:
                del apiserver.objects["jobs"]
                apiserver.held.clear()
        await asyncio.wait_for(process.wait(), 10)
    assert process.returncode == 0
