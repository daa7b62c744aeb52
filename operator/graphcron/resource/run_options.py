"""What a GraphCron asks of a run together: further options, and what LangGraph's server refuses side by side. Pure."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, JsonValue

from graphcron.resource.fields import Json

LIMIT = 32
NAME_LIMIT = 64
"""Characters."""

RunOptions = Annotated[dict[Annotated[str, Field(max_length=NAME_LIMIT)], Json], Field(max_length=LIMIT)]

REQUEST_FIELDS = (
    "assistant_id", "input", "metadata", "context", "webhook", "interrupt_before", "interrupt_after",
    "multitask_strategy", "stream_mode", "stream_subgraphs", "stream_resumable", "durability", "checkpoint_during",
)  # fmt: skip
"""Fields of the spec that the Agent Server takes under the same name (POST /threads/{thread_id}/runs)."""

OWN_FIELDS = tuple(sorted((*REQUEST_FIELDS, "config", "if_not_exists", "thread_id")))
"""What a run request has from other fields of the spec, or from the firing."""

OWN_FIELD = f"runOptions is for options that have no field of their own here, and these have: {', '.join(OWN_FIELDS)}"
CONTEXT_AND_CONFIGURABLE = (
    "Cannot specify both configurable and context. Prefer setting context alone, and remove config.configurable"
)
"""LangGraph's own words: its server refuses each run of such a cron, unless one of the two is empty."""
RESUME_NEEDS_THREAD = (
    "You must provide a thread_id when resuming: runOptions.command has resume, and no thread is named"
)
"""The same. Not a rule of the CRD: CEL cannot see into free-form JSON."""

CEL_RULES: list[JsonValue] = [
    # By dyn, because CEL knows no fields of free-form JSON, and yet can count them.
    {
        "rule": "!has(self.context) || !has(self.config) || !has(self.config.configurable) "
        "|| dyn(self.context).size() == 0 || dyn(self.config.configurable).size() == 0",
        "message": CONTEXT_AND_CONFIGURABLE,
    },
    {
        "rule": "!has(dyn(self).runOptions) || "
        + " && ".join(f"!has(dyn(self).runOptions.{name})" for name in OWN_FIELDS),
        "message": OWN_FIELD,
    },
]

_Json = Mapping[str, Any] | None


def complaint(context: _Json, config: _Json, options: _Json, thread_id: str | None) -> str | None:
    """Why a server would refuse each run of such a cron; None when it would not."""
    if context and (config or {}).get("configurable"):
        return CONTEXT_AND_CONFIGURABLE
    if not (options or {}).keys().isdisjoint(OWN_FIELDS):
        return OWN_FIELD
    command = (options or {}).get("command")
    if thread_id is None and isinstance(command, dict) and command.get("resume"):
        return RESUME_NEEDS_THREAD
    return None
