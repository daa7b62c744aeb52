"""`graphcron console` as a process, at a real apiserver."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from cluster.control_plane import ControlPlane
from graphcron.commands.console import _open
from tests.support.console_server import Html
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.manifests import graphcron
from tests.support.plane_client import VIEW, account, user_kube
from tests.support.until import until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("plane"), "team") as plane:
        yield plane


@asynccontextmanager
async def process(kubeconfig: Path, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "graphcron", "console", "--no-browser", *options),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "operator"), "KUBECONFIG": str(kubeconfig)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 20)


async def address_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    for _ in range(2):
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        if found := re.search(r"http://127\.0\.0\.1:\d+/\S+/open\?token=\S+", line):
            return found[0]
    raise AssertionError(line)


async def test_the_address_opens_the_console_once_and_ctrl_c_closes_it(plane: ControlPlane) -> None:
    async with user_kube(plane.kubeconfig) as kube:
        await kube.create_graphcron("team", graphcron("report"))
    jar = aiohttp.CookieJar(unsafe=True)  # of an address without a name
    async with (
        process(plane.kubeconfig) as console,
        aiohttp.ClientSession(cookie_jar=jar) as session,
        aiohttp.ClientSession() as stranger,
    ):
        address = await address_of(console)
        home = address.partition("open?")[0]
        async with stranger.get(home) as answer:
            assert answer.status == 403
        async with session.get(address) as answer:
            assert (answer.status, "HttpOnly" in answer.headers["Set-Cookie"]) == (200, True)
        async with stranger.get(address) as answer:
            assert (answer.status, "used its address first" in await answer.text()) == (403, True)

        async def overview() -> str:
            async with session.get(home) as answer:
                return await answer.text()

        await until(lambda: _has(overview, "report"))
        text = await overview()
        csrf = Html(text).one("body").get("hx-headers") or ""
        token = csrf.partition(': "')[2].rstrip('"}')
        async with session.post(
            f"{home}crons/team/report/resume", data={"csrf": token}, allow_redirects=False
        ) as answer:
            assert answer.status == 303
        async with user_kube(plane.kubeconfig) as kube:
            asked = (await kube.get_graphcron("team", "report"))["metadata"]["annotations"]
        assert "graphcron.dev/resume-requested" in asked
        console.terminate()
        assert await asyncio.wait_for(console.wait(), 20) == 0


async def _has(page: Callable[[], Awaitable[str]], words: str) -> bool:
    return words in await page()


async def test_who_may_see_nothing_is_told_so(plane: ControlPlane, tmp_path: Path) -> None:
    blind = account(plane, tmp_path, "blind", "team", VIEW | {"verbs": ["get"]})
    async with process(blind) as console:
        output, _ = await asyncio.wait_for(console.communicate(), 30)
    assert console.returncode == 1
    assert "you may not list and watch graphcrons in namespace" in output.decode()


async def test_a_port_that_is_taken_and_a_wrong_template_are_named(plane: ControlPlane) -> None:
    taken = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = str(taken.sockets[0].getsockname()[1])
    for options, words in [(("--port", port), f"port {port}"), (("--trace-url", "javascript:1"), "http or https")]:
        async with process(plane.kubeconfig, *options) as console:
            output, _ = await asyncio.wait_for(console.communicate(), 30)
        assert console.returncode != 0
        assert words in output.decode()
    taken.close()


def test_the_browser_is_led_by_a_file_so_that_no_process_has_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = tmp_path / "opened"
    monkeypatch.setenv("BROWSER", f"sh -c 'echo %s > {opened}'")
    _open("http://127.0.0.1:1/a/open?token=t&x", tmp_path)
    assert "token=t&amp;x" in (tmp_path / "open.html").read_text()
