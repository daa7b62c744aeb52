"""LangGraph's own server and a facade, side by side; the facade's GraphCrons are in a namespace of a real cluster, and
its Agent Server is the reference itself, so that both know the same assistants and threads."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from cluster import commands
from cluster.paths import HERE
from tests.contract import servers
from tests.contract.compare import Answer

NAMESPACE = "graphcron-contract"

THREADS = {f"thread{number}": f"7d3b0000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3)}
ASSISTANTS = {f"assistant{number}": f"a5510000-0000-4000-8000-00000000000{number}" for number in (1, 2)}


@dataclass
class Side:
    """One of the two, as a client sees it."""

    url: str
    names: dict[str, str] = field(default_factory=dict)
    """Ids by their name in the case."""

    def send(self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> Answer:
        """One request on a connection of its own; the path goes out as it is spelt."""
        data = None if body is None else body.encode(errors="surrogateescape")
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request(method, path, data, headers or {})
            response = connection.getresponse()
            return Answer.read(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def clear(self) -> None:
        """Deletes all crons."""
        found = self.send("POST", "/runs/crons/search", '{"limit": 1000, "select": ["cron_id"]}')
        assert found.status == 200, found.text
        for cron in found.body:
            self.send("DELETE", f"/runs/crons/{cron['cron_id']}")


def _kubectl(*words: str) -> None:
    commands.run([HERE.bin / "kubectl", *words], env=commands.environment(servers.KUBECONFIG), timeout=120)


@pytest.fixture(scope="session")
def namespace() -> Iterator[str]:
    """A namespace that is new, and gone afterwards."""
    _kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")  # of tests that were killed
    _kubectl("create", "namespace", NAMESPACE)
    yield NAMESPACE
    _kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="session")
def reference_url() -> Iterator[str]:
    with servers.reference() as url:
        yield url


@pytest.fixture(scope="session")
def facade_url(namespace: str, reference_url: str) -> Iterator[str]:
    with servers.facade(namespace, reference_url) as url:
        yield url


@pytest.fixture(scope="session")
def shared(reference_url: str) -> dict[str, str]:
    """Ids that both sides know: some threads, some assistants, and the graph's own assistant."""
    side = Side(reference_url)
    for thread in THREADS.values():
        assert side.send("POST", "/threads", json.dumps({"thread_id": thread})).status == 200
    for assistant in ASSISTANTS.values():
        body = {"assistant_id": assistant, "graph_id": "agent"}
        assert side.send("POST", "/assistants", json.dumps(body)).status == 200
    agent = side.send("POST", "/assistants/search", '{"graph_id": "agent", "metadata": {"created_by": "system"}}').body
    return {"agent": agent[0]["assistant_id"], **THREADS, **ASSISTANTS}


@pytest.fixture
def sides(reference_url: str, facade_url: str, shared: dict[str, str]) -> tuple[Side, Side]:
    """The reference and the facade, both without crons."""
    both = Side(reference_url, dict(shared)), Side(facade_url, dict(shared))
    for side in both:
        side.clear()
    return both
