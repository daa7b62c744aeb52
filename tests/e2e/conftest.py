"""A real cluster with several releases side by side, each in a namespace of its own with scope=namespace.

Files that share a release run one after another, and the others beside them (`pytest -n 4 tests/e2e`). The
release that `make demo` leaves watches all namespaces, so it is taken away: `make demo` brings it back.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from cluster import deploy
from cluster.paths import HERE
from examples.demo.session import Session, wait_for_agent_server

OPERATOR = f"deployment/{deploy.RELEASE}-operator"
CRD = "graphcrons.graphcron.dev"
CRDS = (CRD, "graphcronbackfills.graphcron.dev", "graphcronchannels.graphcron.dev")
RELEASES = {f"test_{name}.py": name for name in ("docs", "firing", "kills", "lifecycle")}
"""Of which a file has one to itself. What stops the operator or changes the release disturbs nobody so."""
SHARED = "doors"


def release_of(file: Path) -> str:
    return RELEASES.get(file.name, SHARED)


class ByRelease(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """xdist's own `loadgroup` sets an attribute that pytest 9.2 does not read any more."""

    def _split_scope(self, nodeid: str) -> str:
        return release_of(Path(nodeid.partition("::")[0]))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByRelease:
    return ByRelease(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def cluster() -> None:
    """The cluster, images, Agent Server and CRD, and no release that watches all namespaces."""
    HERE.build.mkdir(exist_ok=True)
    with (HERE.build / "e2e.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first worker prepares it, and the others find it
        deploy.without_release()
        if len(deploy.kubectl(HERE, "get", "crd", *CRDS, "--ignore-not-found", "-o", "name").split()) < len(CRDS):
            deploy.release()
        deploy.kubectl(HERE, "delete", "graphcrons", "--all", "-n", deploy.NAMESPACE)
        words = ("uninstall", deploy.RELEASE, "--namespace", deploy.NAMESPACE, "--ignore-not-found", "--wait")
        deploy.helm(HERE, *words)


@pytest.fixture(scope="session")
def installed(cluster: None) -> Iterator[Any]:
    """By the name of a release: kubectl in its namespace, which is new, and gone afterwards."""
    sessions: list[Session] = []

    @cache
    def install(name: str) -> Session:
        session = Session(f"{deploy.NAMESPACE}-{name}")
        deploy.kubectl(
            HERE, "delete", "namespace", session.namespace, "--ignore-not-found"
        )  # of tests that were killed
        deploy.agent_server(HERE, session.namespace)
        release(session)
        sessions.append(session)
        return session

    yield install
    for session in sessions:
        deploy.kubectl(HERE, "delete", "namespace", session.namespace, "--wait=false")


def release(session: Session) -> None:
    """The release in the session's namespace, as these tests have it."""
    values = [
        *(f"agentServer.url=http://agent-server.{session.namespace}.svc", "image.tag=dev", "facade.auth.mode=open"),
        *("scope=namespace", "crds.enabled=false"),
    ]
    words = ("upgrade", "--install", deploy.RELEASE, HERE.root / deploy.CHART, "--namespace", session.namespace)
    deploy.helm(HERE, *words, *(word for value in values for word in ("--set", value)), "--wait", "--timeout", "180s")
    session.kubectl("rollout", "status", "deployment/agent-server", "--timeout=120s")


@pytest.fixture(scope="module")
def session(request: pytest.FixtureRequest, installed: Any) -> Iterator[Session]:
    """kubectl in the namespace of the file's release; what its tests made there is deleted at the end."""
    session: Session = installed(release_of(request.path))
    yield session
    session.kubectl("delete", "graphcrons", "--all", "--wait=true")


@pytest.fixture(scope="module")
def url(session: Session) -> Iterator[str]:
    """The facade, from this machine."""
    with session.forward(f"service/{deploy.RELEASE}-facade", 80) as url:
        wait_for_agent_server(url)
        yield url


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
