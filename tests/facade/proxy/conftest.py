"""The facade between an Agent Server that is played and a client that takes answers as they come."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support.facade_server import Client, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import UpstreamFake

WAIT = 10.0
"""Seconds after which a request gives up; none waits for it when all is well."""


@pytest.fixture
async def client(upstream: UpstreamFake) -> AsyncIterator[Client]:
    async with (
        serving(MemoryStore(), await upstream.start()) as url,
        aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=WAIT)) as session,
    ):
        yield Client(url, session)
