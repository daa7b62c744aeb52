"""A client, and the apiserver that it asks."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from graphcron.kube.client import Kube
from tests.support.apiserver_answers import Apiserver
from tests.support.kubeconfig import api_client


@pytest.fixture
async def apiserver() -> Apiserver:
    return Apiserver()


@pytest.fixture
async def kube(apiserver: Apiserver) -> AsyncIterator[Kube]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", apiserver.handle)
    async with TestServer(app) as server, api_client(str(server.make_url("")).rstrip("/"), "s3cret") as client:
        yield Kube(client)
