"""A client, and the apiserver that it asks."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration

from graphcron.kube.client import Kube
from tests.support.apiserver_answers import Apiserver


@pytest.fixture
async def apiserver() -> Apiserver:
    return Apiserver()


@pytest.fixture
async def kube(apiserver: Apiserver) -> AsyncIterator[Kube]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", apiserver.handle)
    async with TestServer(app) as server:
        configuration = Configuration()
        configuration.host = str(server.make_url("")).rstrip("/")
        configuration.api_key = {"BearerToken": "Bearer s3cret"}
        async with ApiClient(configuration) as client:
            yield Kube(client)
