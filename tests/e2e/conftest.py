"""A real cluster with the release and the example Agent Server, as the demo leaves it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cluster import deploy
from examples.demo.session import Session

OPERATOR = f"deployment/{deploy.RELEASE}-operator"


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


@pytest.fixture(scope="module")  # test_lifecycle.py takes the release away, and brings another one
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


def service(name: str, selector: dict[str, str]) -> dict[str, Any]:
    """An Agent Server by another name: of the pods that are selected, which may be none."""
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    spec = {"selector": selector, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def ready(session: Session, *names: str) -> None:
    """Wait as a user would."""
    session.kubectl("wait", "--for=condition=Ready", "--timeout=60s", *(f"graphcron/{name}" for name in names))


@contextmanager
def no_operator(session: Session) -> Iterator[None]:
    """The operator scaled to nothing, and back afterwards."""
    session.kubectl("scale", OPERATOR, "--replicas=0")
    session.kubectl("wait", "--for=delete", "pod", "-l", "app.kubernetes.io/component=operator", "--timeout=60s")
    try:
        yield
    finally:
        session.kubectl("scale", OPERATOR, "--replicas=1")
        session.kubectl("rollout", "status", OPERATOR, "--timeout=90s")
