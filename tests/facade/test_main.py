"""The facade as a real process: its settings, its log at the start, and its stop."""

import asyncio
import json
import signal
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.support.facade_process import WAIT, facade
from tests.support.upstream_fake import UpstreamFake

ADA = "ada-key-" + "a" * 20


async def statuses(url: str, headers: dict[str, str]) -> tuple[int, int]:
    """Of a probe, and of a count of crons."""
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{url}/healthz") as probe,
        session.post(f"{url}/runs/crons/count", json={}) as count,
    ):
        return probe.status, count.status


async def test_open_warns_and_lets_in_everybody(tmp_path: Path) -> None:
    async with facade(tmp_path, GRAPHCRON_AUTH_MODE="open") as (url, said, _):
        assert "WARNING" in said[-1]
        assert "auth mode open: whoever reaches this facade sees, changes and deletes every cron" in said[-1]
        assert await statuses(url, {}) == (200, 503)  # let in, and then there is no apiserver


async def test_no_mode_warns_and_lets_in_nobody(tmp_path: Path) -> None:
    async with facade(tmp_path) as (url, said, _):
        assert "WARNING" in said[-1]
        assert "no auth mode is set, so nobody may use crons here: set facade.auth.mode" in said[-1]
        assert await statuses(url, {"x-api-key": ADA}) == (200, 403)


async def test_api_keys_are_asked_for_reloaded_and_never_said(tmp_path: Path) -> None:
    """At DEBUG, where libraries talk too."""
    (keys := tmp_path / "keys").mkdir()
    (keys / "ada").write_text(ADA)
    async with facade(tmp_path, GRAPHCRON_AUTH_MODE="apiKeys", GRAPHCRON_API_KEYS_DIR=str(keys)) as (url, said, _):
        assert await statuses(url, {}) == (200, 401)
        assert await statuses(url, {"x-api-key": ADA}) == (200, 503)
        (keys / "ada").write_text(ADA.upper())
        assert await statuses(url, {"x-api-key": ADA}) == (200, 401)
        assert await statuses(url, {"x-api-key": ADA.upper()}) == (200, 503)
    text = "".join(said)
    assert "the API keys were read anew" in text
    assert ADA not in text
    assert ADA.upper() not in text


@pytest.mark.parametrize("mode", ["Open", "apikeys"])
async def test_a_misspelt_mode_ends_it_at_once(tmp_path: Path, mode: str) -> None:
    with pytest.raises(AssertionError, match="it must be apiKeys, tokenReview or open"):
        async with facade(tmp_path, GRAPHCRON_AUTH_MODE=mode):
            pass


async def test_told_to_stop_it_finishes_what_it_accepted(tmp_path: Path, upstream: UpstreamFake) -> None:
    """Not ready at once, still there for those whom Kubernetes sends meanwhile, and a stream ends as it would have."""
    there = {"AGENT_SERVER_URL": await upstream.start(), "GRAPHCRON_SHUTDOWN_DELAY_SECONDS": "1.5"}
    async with (
        facade(tmp_path, GRAPHCRON_AUTH_MODE="open", **there) as (url, said, process),
        aiohttp.ClientSession() as session,
        session.post(f"{url}/runs/stream") as stream,
    ):
        assert await asyncio.wait_for(stream.content.readany(), WAIT) == b"data: 1\n\n"
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WAIT):
            assert process.stdout
            while "stopping: not ready" not in said[-1]:
                said.append((await process.stdout.readline()).decode())
        async with session.get(f"{url}/readyz") as answer:
            assert (answer.status, (await answer.json())["detail"]) == (503, "This facade is about to stop")
        async with session.get(f"{url}/healthz") as answer:
            assert answer.status == 200
        await until_refused(url)
        upstream.next_event.set()
        assert await asyncio.wait_for(stream.content.read(), WAIT) == b"data: 2\n\n"
        assert await asyncio.wait_for(process.wait(), WAIT) == 0


async def until_refused(url: str) -> None:
    """Until nobody listens there any more."""
    # Only connects: a request could wait for ever, since asyncio (seen in 3.11.7) neither serves nor closes a
    # connection that it accepted in the step before its server is closed.
    address = urlsplit(url)
    async with asyncio.timeout(WAIT):
        while True:
            try:
                _, writer = await asyncio.open_connection(address.hostname, address.port)
            except ConnectionRefusedError:
                return
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            await asyncio.sleep(0.02)


async def test_logs_are_json_when_asked_for(tmp_path: Path) -> None:
    async with facade(tmp_path, GRAPHCRON_AUTH_MODE="open", GRAPHCRON_LOG_FORMAT="json") as (url, said, _):
        await statuses(url, {})
    lines = [json.loads(line) for line in "".join(said).splitlines()]
    assert {line["level"] for line in lines} >= {"INFO", "WARNING", "DEBUG"}
    assert any(line.get("route") == "/runs/crons/count" and line["status"] == 503 for line in lines)


async def test_the_console_is_served_where_it_is_wanted_and_nowhere_else(tmp_path: Path) -> None:
    (key := tmp_path / "key").write_text("k" * 32)
    wanted = {"GRAPHCRON_CONSOLE": "true", "GRAPHCRON_CONSOLE_KEY_FILE": str(key)}
    async with (
        facade(tmp_path, GRAPHCRON_AUTH_MODE="open", **wanted) as (url, _, process),
        aiohttp.ClientSession() as s,
    ):
        async with s.get(f"{url}/console/", allow_redirects=False) as answer:
            assert "sign-in" in await answer.text()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), WAIT) == 0
    async with (
        facade(tmp_path, GRAPHCRON_AUTH_MODE="open") as (url, _, _),
        aiohttp.ClientSession() as s,
        s.get(f"{url}/console/") as answer,
    ):
        assert (answer.status, "Agent Server" in await answer.text()) == (404, True)
