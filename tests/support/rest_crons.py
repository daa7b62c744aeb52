"""Crons as REST makes them and as kubectl does."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from graphcron.facade import schemas, search
from graphcron.facade.schemas import CronCreate, CronPatch, CronSearch
from graphcron.facade.translation import create, new_cron_id
from graphcron.facade.update import update
from graphcron.kube.resources import Manifest

NOW = datetime(2026, 11, 22, 19, 25, 15, 114218, tzinfo=UTC)
AGENT = "fe096781-5601-53d2-b2f6-0d3403f7e9ca"
THREAD = "0b3a4f6e-2a9f-4a54-9a52-0f6a3f9d2f11"
ID = new_cron_id(NOW, bytes(range(10)))
MINIMAL = {"assistant_id": "agent", "schedule": "27 15 * * *"}


def made(given: dict[str, Any], *, thread_id: str | None = None, cron_id: str = ID) -> dict[str, Any]:
    return create(schemas.read(CronCreate, given), cron_id=cron_id, thread_id=thread_id, now=NOW).manifest


def kubectl_made(spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """As somebody's `kubectl apply` leaves it at the apiserver."""
    return {
        "metadata": {
            "name": "nightly",
            "uid": "7d9f0f6e-91a8-4b0e-8a4c-0d8b8b6cf3a2",
            "creationTimestamp": "2026-11-01T08:00:00Z",
        }
        | metadata,
        "spec": {"schedule": "0 3 * * *", "assistantId": "agent"} | spec,
    }


FULL = MINIMAL | {
    "timezone": "Europe/Berlin",
    "end_time": "2030-01-01T00:00:00+00:00",
    "input": {"messages": [{"role": "user", "content": "grüß Gott"}], "n": None, "big": 2**53 + 1},
    "metadata": {"owner": "ada"},
    "config": {"tags": ["x"], "recursion_limit": 5, "configurable": {}},
    "context": {"k": "v"},
    "webhook": "https://example.com/hook",
    "interrupt_before": ["a"],
    "interrupt_after": "*",
    "on_run_completed": "keep",
    "enabled": True,
    "stream_mode": ["values", "debug"],
    "stream_subgraphs": True,
    "stream_resumable": False,
    "durability": "sync",
    "multitask_strategy": "reject",
    "checkpoint_during": True,
}
"""Everything that one of the SDKs can send and that the spec has a place for."""


def patched(manifest: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return update(manifest, schemas.read(CronPatch, given), NOW).draft.manifest


def page_of(manifests: Sequence[Manifest], query: CronSearch, now: datetime = NOW) -> search.Page:
    """What a search of these finds."""
    return search.page(search.rows(manifests, query, now), query, now)
