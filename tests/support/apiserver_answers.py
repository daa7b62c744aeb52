"""An apiserver that answers what a test says, on a real socket."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from graphcron.kube.client import Kube
from tests.support.kubeconfig import api_client


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[Kube]:
    """A client of what answers by that handler."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server, api_client(str(server.make_url("")).rstrip("/"), "s3cret") as client:
        yield Kube(client)


class Apiserver:
    """Answers what the test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, str, Mapping[str, str], Any]] = []

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.asked.append((request.method, request.path_qs, request.headers, yaml.safe_load(body) if body else None))
        status, answer = self.answers.pop(0)
        if isinstance(answer, str):
            return web.Response(status=status, text=answer)
        return web.json_response(answer, status=status)
