"""`graphcron console`: serves the web console to the caller's own browser, on this machine alone."""

import asyncio
import logging
import signal
import tempfile
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

import click
from aiohttp import web

from graphcron.commands.cluster import Failed, UserKube, sentence
from graphcron.commands.console_source import ClusterSource, seen
from graphcron.console.app import make_console
from graphcron.console.one_time import OneTimeAccess
from graphcron.console.source import SourceError
from graphcron.console.visit import Options
from graphcron.facade.store.watched_snapshot import WatchedSnapshot, running
from graphcron.http_server import Limits, listen
from graphcron.kube.errors import KubeError, NoCluster
from graphcron.kube.reflector import Reflector
from graphcron.kube.resources import GRAPHCRONS

LOOPBACK = "127.0.0.1"
LIMITS = Limits(connections=100)


@dataclass(frozen=True)
class Wanted:
    """The options of the command. `port` 0 is any that is free."""

    namespace: str | None
    context: str | None
    port: int
    browser: bool
    trace_url: str


def serve(wanted: Wanted, clock: Callable[[], datetime]) -> None:
    """Until Ctrl-C. Raises Failed."""
    try:
        asyncio.run(_serve(wanted, clock))
    except KeyboardInterrupt:
        return
    except KubeError as error:
        raise Failed(sentence(error)) from None
    except (NoCluster, SourceError) as error:
        raise Failed(str(error)) from None
    except OSError as error:
        raise Failed(f"port {wanted.port} of {LOOPBACK} cannot be used: {error.strerror or error}") from None


async def _serve(wanted: Wanted, clock: Callable[[], datetime]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    logging.getLogger("graphcron").setLevel(logging.ERROR)  # the pages say what the cluster answers
    async with UserKube.connect_as_user(wanted.context) as (kube, default):
        namespace, cache = await seen(kube, wanted.namespace, default), WatchedSnapshot()
        reflector = Reflector(kube, GRAPHCRONS, namespace, "", cache)
        access = OneTimeAccess(ClusterSource(kube, cache, reflector, namespace, default))
        app = web.Application()
        app.add_subapp(access.prefix, make_console(access, Options(clock, wanted.trace_url)))
        runner = await listen(app, LOOPBACK, wanted.port, LIMITS)
        try:
            address = _address(access, runner.addresses[0][1])
            with tempfile.TemporaryDirectory(prefix="graphcron-console-") as place:
                async with running(reflector.run()):
                    where = f"namespace {namespace}" if namespace else "all namespaces"
                    click.echo(f"The console of {where} is open until Ctrl-C. Its address works once:\n{address}")
                    if wanted.browser:
                        _open(address, Path(place))
                    await stopped.wait()
        finally:
            await runner.cleanup()


def _address(access: OneTimeAccess, port: int) -> str:
    access.hosts = frozenset({f"{LOOPBACK}:{port}", f"localhost:{port}"})
    return f"http://{LOOPBACK}:{port}{access.prefix}/open?token={access.token}"


def _open(address: str, place: Path) -> None:
    """By a file that leads there: all users of the machine can see the arguments of the browser's process."""
    page = place / "open.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={escape(address)}">'
        f'<a href="{escape(address)}">GraphCron</a>'
    )
    with suppress(webbrowser.Error):
        webbrowser.open(page.as_uri())
