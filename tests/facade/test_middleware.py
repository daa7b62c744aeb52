"""What every request passes through: errors as JSON with one detail."""

from typing import Any

import pytest

from graphcron.facade.store.store import Rejected, StoreUnavailable
from tests.support.facade_server import MINIMAL, Client
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import AGENT

NOBODY = "00000000-0000-4000-8000-000000000000"


class TestStoreErrors:
    CALLS: tuple[tuple[str, str, Any], ...] = (
        ("POST", "/runs/crons", MINIMAL),
        ("GET", f"/runs/crons/{NOBODY}", None),
        ("PATCH", f"/runs/crons/{NOBODY}", {"enabled": True}),
        ("DELETE", f"/runs/crons/{NOBODY}", None),
        ("POST", "/runs/crons/search", {}),
        ("POST", "/runs/crons/count", {}),
        ("GET", "/readyz", None),
    )

    @pytest.mark.parametrize(("method", "path", "body"), CALLS)
    async def test_kubernetes_away_is_503_with_retry_after(
        self, client: Client, store: MemoryStore, method: str, path: str, body: object
    ) -> None:
        store.fail_with = StoreUnavailable("The Kubernetes API does not answer")
        status, given, headers = await client.call(method, path, body)
        assert (status, given, headers["Retry-After"]) == (503, {"detail": "The Kubernetes API does not answer"}, "5")

    async def test_kubernetes_refusal_is_422_in_its_words(self, client: Client, store: MemoryStore) -> None:
        store.fail_with = Rejected("exceeded quota: crons")
        assert (await client.call("POST", "/runs/crons", MINIMAL))[:2] == (422, {"detail": "exceeded quota: crons"})

    async def test_a_bug_shows_no_traceback(
        self, client: Client, store: MemoryStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        store.manifests["broken"] = {"metadata": {"name": "broken", "uid": "x"}, "spec": {}}
        status, given, _ = await client.call("POST", "/runs/crons/search", {"assistant_id": AGENT})
        assert (status, given) == (500, {"detail": "Internal Server Error"})
        assert "KeyError" in caplog.text

    async def test_the_process_is_alive_without_kubernetes(self, client: Client, store: MemoryStore) -> None:
        store.fail_with = StoreUnavailable("away")
        assert (await client.call("GET", "/healthz"))[:2] == (200, {"ok": True})
