"""Fixtures of the facade's tests: a store in memory, an Agent Server on a real socket, and a client in mode open."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support.facade_server import Client, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import UpstreamFake


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamFake]:
    server = UpstreamFake()
    yield server
    await server.stop()


@pytest.fixture
async def client(store: MemoryStore, upstream: UpstreamFake) -> AsyncIterator[Client]:
    async with serving(store, await upstream.start()) as url, aiohttp.ClientSession() as session:
        yield Client(url, session)
