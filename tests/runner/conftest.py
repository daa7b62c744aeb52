"""Run pods of both engines, and the server that one of the Agent Server engine finds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.agent_server_fake import AgentServerFake
from tests.support.in_pod import Pod as InPod
from tests.support.run_pod import Pod


@pytest.fixture
def server() -> AgentServerFake:
    return AgentServerFake()


@pytest.fixture
def pod(server: AgentServerFake, tmp_path: Path) -> Iterator[Pod]:
    with server.listening() as url:
        yield Pod(tmp_path, url)


@pytest.fixture
def in_pod(tmp_path: Path) -> InPod:
    """Of engine inPod."""
    return InPod(tmp_path)
