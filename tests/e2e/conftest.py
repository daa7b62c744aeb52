"""A real cluster with the release and the example Agent Server, as the demo leaves it."""

from collections.abc import Iterator
from typing import Any

import pytest

from cluster import deploy
from examples.demo.session import Session


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    """kubectl in the release's namespace; what the tests made there is deleted at the end."""
    deploy.everything()
    session = Session()
    session.kubectl("delete", "graphcrons", "--all", "--wait=true")
    yield session
    session.kubectl("delete", "graphcrons", "--all", "--wait=false")


@pytest.fixture(scope="session")
def url(session: Session) -> Iterator[str]:
    """The facade, from this machine."""
    with session.forward(f"service/{deploy.RELEASE}-facade", 80) as url:
        yield url


def graphcron(name: str, **spec: Any) -> dict[str, Any]:
    """A manifest that fires once a year unless it says otherwise."""
    return {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCron",
        "metadata": {"name": name},
        "spec": {"schedule": "0 0 1 1 *", "assistantId": "agent"} | spec,
    }


def ready(session: Session, *names: str) -> None:
    """Wait as a user would."""
    session.kubectl("wait", "--for=condition=Ready", "--timeout=60s", *(f"graphcron/{name}" for name in names))
