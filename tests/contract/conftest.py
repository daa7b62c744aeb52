"""Both sides: the Agent Server in the cluster, which is LangGraph's own, and the facade in front of it."""

from collections.abc import Iterator

import pytest

from cluster import deploy
from examples.demo.session import Session
from tests.contract.sides import Side


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def session() -> Session:
    deploy.everything()
    return Session()


@pytest.fixture(scope="session")
def theirs(session: Session) -> Iterator[Side]:
    """LangGraph's server."""
    with session.forward("deployment/agent-server", 2024) as url:
        yield empty(Side(url))


@pytest.fixture(scope="session")
def ours(session: Session) -> Iterator[Side]:
    """The facade, with GraphCrons on a real apiserver."""
    with session.forward(f"service/{deploy.RELEASE}-facade", 80) as url:
        yield empty(Side(url))


def empty(side: Side) -> Side:
    """Without the crons that somebody left there: searches would find them."""
    for identity in side.crons():
        side.clean({"cron": identity})
    return side
