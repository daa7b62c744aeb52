"""The translation between a cron of LangGraph's REST API and a GraphCron, both ways.

Pure: the clock, identities and randomness are arguments. REST fields are the spec's in snake_case, so the
translation is mostly renaming; what is not is written out below. A GraphCron made with kubectl is a cron like any
other, so nothing here relies on what only the facade would have written.
"""

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pydantic.alias_generators import to_camel

from graphcron.facade import metadata_keys
from graphcron.facade.errors import RestError
from graphcron.facade.schemas import Config, RunOptions, ThreadCronCreate
from graphcron.facade.webhook import is_masked, mask_url
from graphcron.firing.formats import format_time, is_uuid, parse_time
from graphcron.kube import jsontext
from graphcron.kube.resources import Manifest
from graphcron.resource.fields import InvalidGraphCron
from graphcron.resource.identity import API_VERSION, KIND, UPDATED_AT, id_of, owner_of
from graphcron.resource.order_of import ORDER_LIMIT, order
from graphcron.resource.spec import ASSISTANT_LIMIT, SCHEDULE_LIMIT
from graphcron.resource.spec_reader import check_extent, read_spec
from graphcron.resource.status import NOT_OBSERVED
from graphcron.schedule.expression import is_hashed, read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.fields import Schedule
from graphcron.schedule.next_runs import next_times
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone
from graphcron.views.actions import is_resuming
from graphcron.views.words import condition

Cron = dict[str, Any]

PAYLOAD_FIELDS = (
    "schedule", "timezone", "end_time", "input", "metadata", "config", "context", "webhook", "interrupt_before",
    "interrupt_after", "on_run_completed", "enabled", "stream_mode", "stream_subgraphs", "stream_resumable",
    "durability", "multitask_strategy", "checkpoint_during",
)  # fmt: skip
"""REST fields that have their place in the spec under the same name, in camelCase."""

_SPEC_KEYS = tuple((name, to_camel(name)) for name in PAYLOAD_FIELDS)

# Keys that the Agent Server sets itself; LangGraph's server drops them from what a client sends.
_RESERVED_METADATA = {"thread_id", "run_id", "assistant_id", "cron_id", "counters_since_delta_snapshot"}
_RESERVED_CONTEXT = {
    "langgraph_auth_user", "langgraph_auth_user_id", "langgraph_auth_permissions", "langgraph_request_id",
    "__after_seconds__", "__context_provided__", "__dd_trace_headers__", "__langsmith_example_id__",
    "__langsmith_project__", "__otel_traceparent__", "__otel_tracestate__", "__pregel_node_finished",
    "__request_start_time_ms__",
}  # fmt: skip
_RESERVED_CONFIGURABLE = _RESERVED_CONTEXT | {"cron_id"}
"""There the server shows the cron's own id."""

_GRAPHS = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
"""Namespace from which LangGraph derives the id of the assistant that it makes for each graph."""


@dataclass(frozen=True)
class Draft:
    """A GraphCron to be written. `schedule` is set when the request sets or enables it: then the quota judges it."""

    manifest: Manifest
    schedule: Schedule | None = None


def create(body: ThreadCronCreate, *, cron_id: str, thread_id: str | None, now: datetime) -> Draft:
    """The GraphCron that a create asks for. Raises RestError 422 for a schedule, zone or size that cannot be."""
    spec: dict[str, Any] = {"assistantId": body.assistant_id}
    if thread_id is not None:
        spec["threadId"] = thread_id
    schedule = set_fields(spec, body, body.schedule)
    spec = {name: value for name, value in spec.items() if value is not None}
    manifest = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": cron_id}, "spec": spec}
    check(manifest, now)
    return Draft(manifest, schedule)


def set_fields(spec: dict[str, Any], body: RunOptions, expression: str | None, seed: str = "") -> Schedule | None:
    """Sets what the body gives, None where it removes a field, and returns the schedule when it gives one."""
    try:
        # The zone first, as LangGraph's server does.
        read_timezone(body.timezone)
    except InvalidTimezone as error:
        raise RestError(422, str(error)) from None
    # A longer one is refused below, in the words of the CRD, and is not worth the time and memory of reading it.
    is_read = expression is not None and len(expression) <= SCHEDULE_LIMIT
    schedule = read_schedule(expression, seed) if expression is not None and is_read else None
    if is_masked(body.webhook or ""):
        raise RestError(
            422, "webhook holds ***, which only stands for credentials that are not shown: send them, or leave it out"
        )
    if options := {name: value for name, value in (body.model_extra or {}).items() if value is not None}:
        spec["runOptions"] = options
    for name, key in _SPEC_KEYS:
        if (value := getattr(body, name, None)) is not None:
            spec[key] = _CLEAN[name](value) if name in _CLEAN else value
    if body.metadata is not None:
        spec.update(metadata_keys.to_spec(spec.pop("metadata")))
    return schedule


def read_schedule(expression: str, seed: str) -> Schedule:
    """Raises RestError 422."""
    try:
        return read(expression, seed)
    except InvalidSchedule as error:
        raise RestError(422, str(error)) from None


def _without(reserved: set[str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda given: {key: value for key, value in given.items() if key not in reserved}


_metadata, _context, _configurable = map(_without, (_RESERVED_METADATA, _RESERVED_CONTEXT, _RESERVED_CONFIGURABLE))


def _config(given: Config) -> dict[str, Any]:
    clean = given.model_dump(exclude_unset=True)
    if "configurable" in clean:
        clean["configurable"] = _configurable(clean["configurable"])
    if isinstance(clean.get("metadata"), dict):
        clean["metadata"] = _metadata(clean["metadata"])
    return clean


_CLEAN: dict[str, Callable[[Any], Any]] = {
    "end_time": format_time,
    "metadata": _metadata,
    "config": _config,
    "context": _context,
}


def check(manifest: Manifest, now: datetime, *, pauses: bool = False) -> None:
    """Raises RestError 422 for what the operator would find wrong later. An update that pauses, and no more, works
    whatever else is wrong, as long as all of the spec was read. Fields of a newer version are left to its operator:
    during an upgrade the CRD is the first to be new."""
    try:
        if pauses:
            check_extent(manifest["spec"])
            return
        spec = read_spec(manifest["spec"], of_any_version=True)
    except InvalidGraphCron as invalid:
        raise RestError(422, invalid.message) from None
    if is_small(manifest):
        return
    size = len(order(manifest["metadata"], spec, now).to_json().encode())
    if size > ORDER_LIMIT:
        raise RestError(
            422,
            f"The run request has {size} bytes, and the limit is {ORDER_LIMIT}: it travels in an annotation, "
            "which Kubernetes limits. Keep large input in a Secret or ConfigMap and name it in the GraphCron's "
            "spec.inputFrom, or let the graph fetch it",
        )


def is_small(manifest: Manifest) -> bool:
    """Whether the order of a GraphCron is far from its limit: it has the texts of the spec, and little beside them."""
    return len(jsontext.dumps(manifest["spec"])) < ORDER_LIMIT // 2


def cron(manifest: Manifest, now: datetime, schedule: Schedule | None = None) -> Cron:
    """The cron that REST shows for a GraphCron. `schedule` is that of its spec, where it was read before."""
    spec = manifest["spec"]
    identity = id_of(manifest)
    assistant = assistant_uuid(spec["assistantId"])
    end_time = _rest_time(spec.get("endTime"))
    return {
        "cron_id": identity,
        "assistant_id": assistant,
        "thread_id": spec.get("threadId"),
        "user_id": owner_of(manifest) or "",  # as LangGraph's server without authentication
        "end_time": end_time,
        "schedule": spec["schedule"],
        "timezone": spec.get("timezone"),
        "payload": _payload(spec, identity, assistant, end_time),
        "next_run_date": next_run_date(manifest, now, schedule),
        "metadata": metadata_keys.shown(spec),
        "on_run_completed": spec.get("onRunCompleted", None if "threadId" in spec else "delete"),
        "enabled": spec.get("enabled", True),
        "created_at": created_at(manifest),
        "updated_at": updated_at(manifest),
    }


def _payload(spec: dict[str, Any], identity: str, assistant: str, end_time: str | None) -> dict[str, Any]:
    payload: dict[str, Any] = {**spec.get("runOptions", {}), "assistant_id": assistant}
    payload |= {name: spec[key] for name, key in _SPEC_KEYS if key in spec}
    if end_time is not None:
        payload["end_time"] = end_time
    if "webhook" in payload:
        payload["webhook"] = mask_url(payload["webhook"])
    config = jsontext.opened(payload.pop("config", {}))
    configurable = config.get("configurable")
    configurable = configurable if isinstance(configurable, dict) else {}  # of a GraphCron that stalls for it
    payload["config"] = config | {"configurable": configurable | {"cron_id": identity}}
    return payload


def new_cron_id(now: datetime, entropy: bytes) -> str:
    """A UUID of version 7 (RFC 9562): it sorts by time, and holds the time of creation to the millisecond.

    `entropy` are ten random bytes.
    """
    value = int(now.timestamp() * 1000) << 80 | int.from_bytes(entropy, "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return str(uuid.UUID(int=value))


def assistant_uuid(text: str) -> str:
    """The assistant that LangGraph's server would use: a UUID is itself, a graph's name has a derived one."""
    return _assistant_uuid(text) if len(text) <= ASSISTANT_LIMIT else str(uuid.uuid5(_GRAPHS, text))


@lru_cache(maxsize=1024)  # every search filters by it; what is longer than any is not worth its memory
def _assistant_uuid(text: str) -> str:
    return text if is_uuid(text) else str(uuid.uuid5(_GRAPHS, text))


def next_run_date(manifest: Manifest, now: datetime, schedule: Schedule | None = None) -> str | None:
    """The next firing; None when none is to come, also for a schedule that cannot be read (kubectl-made), and while the
    operator has it suspended or stalled. What the operator has not read yet is taken to fire."""
    if not _fires(manifest):
        return None
    spec, metadata = manifest["spec"], manifest["metadata"]
    try:
        zone = read_timezone(spec.get("timezone"))
        start, end = (_moment(spec[name]) if name in spec else None for name in ("startTime", "endTime"))
        if schedule is None or is_hashed(spec["schedule"]):  # a create does not know the uid, which is the seed
            schedule = read(spec["schedule"], metadata.get("uid", ""))
        times = next_times(schedule, zone, now, 1, start=start, end=end)
    except ValueError:  # InvalidSchedule and InvalidTimezone too
        return None
    return _rest_time(format_time(times[0])) if times else None


def _fires(manifest: Manifest) -> bool:
    """Whether it fires by the schedule that it has, as far as its status tells."""
    generation = manifest["metadata"].get("generation", NOT_OBSERVED)
    status = manifest.get("status") or {}
    if manifest["spec"].get("enabled") is False:
        return False
    match status.get("enabled") if status.get("observedGeneration") == generation else None:
        case None:  # the operator has read nothing of this generation, or could do nothing with it
            stalled = condition(manifest, "Stalled")
            return stalled is None or stalled.get("observedGeneration") != generation
        case enabled:
            return bool(enabled) or is_resuming(manifest)


def created_at(manifest: Manifest) -> str:
    """From the cron's own id when that is of version 7, otherwise Kubernetes' time of creation, in whole seconds."""
    metadata = manifest["metadata"]
    return _created_at(metadata["name"], metadata.get("creationTimestamp", ""))


@lru_cache(maxsize=20_000)  # every search sorts by it
def _created_at(name: str, in_kubernetes: str) -> str:
    if is_uuid(name) and (identity := uuid.UUID(name)).version == 7:
        with suppress(ValueError, OverflowError, OSError):  # kubectl can choose a name of the year 10889
            return iso(datetime.fromtimestamp((identity.int >> 80) / 1000, UTC))
    return iso(parse_time(in_kubernetes))


def updated_at(manifest: Manifest) -> str:
    """When it was last written through REST, otherwise when it was made."""
    return str(manifest["metadata"].get("annotations", {}).get(UPDATED_AT) or created_at(manifest))


def iso(moment: datetime) -> str:
    """As LangGraph's server writes the time of a creation or an update."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _moment(text: str) -> datetime:
    """A time of a spec, in UTC. Raises ValueError for those that an apiserver takes and the operator refuses, such as
    2030-01-01t00:00:00z, and for those that have no equal in UTC within the years that there are."""
    try:
        return parse_time(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from None


def _rest_time(text: str | None) -> str | None:
    """A time of Kubernetes as LangGraph writes them: with +00:00 for Z. One that cannot be read stays as it is: its
    GraphCron stalls with the reason."""
    try:
        return None if text is None else _moment(text).isoformat()
    except ValueError:
        return text
