"""What the facade's tests stand on: a store in memory, and an Agent Server on a real socket."""

from collections.abc import AsyncIterator

import pytest

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
