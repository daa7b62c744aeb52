"""A run pod of the Agent Server engine, and the server that it finds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.agent_server_fake import AgentServerFake
from tests.support.run_pod import Pod


@pytest.fixture
def server() -> AgentServerFake:
    return AgentServerFake()


@pytest.fixture
def pod(server: AgentServerFake, tmp_path: Path) -> Iterator[Pod]:
    with server.listening() as url:
        yield Pod(tmp_path, url)
