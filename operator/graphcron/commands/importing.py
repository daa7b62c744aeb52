"""`graphcron import`: crons of any LangGraph server as GraphCrons. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.alias_generators import to_camel

from graphcron.kube.resources import Manifest
from graphcron.resource.identity import API_VERSION, KIND, NAME_LIMIT

_FIELDS = (
    "schedule", "timezone", "assistant_id", "thread_id", "on_run_completed", "end_time", "enabled", "metadata",
)  # fmt: skip
"""Of a cron as the server answers it."""

_PAYLOAD = (
    "input", "config", "context", "webhook", "interrupt_before", "interrupt_after", "multitask_strategy", "stream_mode",
    "stream_subgraphs", "stream_resumable", "durability", "checkpoint_during",
)  # fmt: skip
"""Of its `payload`, the body of the run request."""


def graphcrons(
    crons: Iterable[Mapping[str, Any]], namespace: str | None = None, server: Manifest | None = None
) -> list[Manifest]:
    """A GraphCron for each cron of a search, named by its id, so that a second import changes nothing. `server` becomes
    `spec.server`, None leaves the installation's Agent Server."""
    return [_graphcron(cron, namespace, server) for cron in crons]


def _graphcron(cron: Mapping[str, Any], namespace: str | None, server: Manifest | None) -> Manifest:
    payload = cron.get("payload") or {}
    spec = {to_camel(name): cron[name] for name in _FIELDS if cron.get(name) is not None}
    spec |= {to_camel(name): payload[name] for name in _PAYLOAD if payload.get(name) is not None}
    if config := _without_cron_id(spec.pop("config", None)):
        spec["config"] = config
    if spec.get("enabled") is True:
        del spec["enabled"]  # the default
    if not spec.get("metadata"):
        spec.pop("metadata", None)
    spec.setdefault("timezone", "Etc/UTC")
    if server:
        spec["server"] = server
    name = re.sub(r"[^a-z0-9-]", "-", str(cron["cron_id"]).lower())[:NAME_LIMIT]
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}


def _without_cron_id(config: Any) -> Any:
    """A config without what the server added to it: the id of the cron that it had there."""
    if not isinstance(config, Mapping) or not isinstance(configurable := config.get("configurable"), Mapping):
        return config
    kept = {key: value for key, value in configurable.items() if key != "cron_id"}
    return {key: value for key, value in config.items() if key != "configurable"} | (
        {"configurable": kept} if kept else {}
    )
