"""A client, and the apiserver that it asks."""

from collections.abc import AsyncIterator

import pytest

from graphcron.kube.client import Kube
from tests.support.apiserver_answers import Apiserver, served


@pytest.fixture
async def apiserver() -> Apiserver:
    return Apiserver()


@pytest.fixture
async def kube(apiserver: Apiserver) -> AsyncIterator[Kube]:
    async with served(apiserver.handle) as client:
        yield client
