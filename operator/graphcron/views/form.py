"""The form of one GraphCron: what its fields show, and the manifest that comes of what somebody wrote into them. Pure.

A field that was not changed leaves its part of the spec as it is, to the byte: what the form cannot show is not lost.
"""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from graphcron.firing.formats import format_time, moment_of
from graphcron.kube.json_patch import Operation, add, clear, merge, require
from graphcron.kube.jsontext import dumps
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import API_VERSION, DISPLAY_NAME, KIND
from graphcron.resource.names import fault_of_name
from graphcron.resource.spec import GraphCronSpec
from graphcron.resource.spec_reader import findings
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.time_zone import InvalidTimezone, read_timezone
from graphcron.views.json_text import read_json


class Kind(Enum):
    """How a field is shown and read."""

    TEXT = "text"
    ZONE = "zone"
    JSON = "json"
    NUMBER = "number"
    TIME = "time"
    CHOICE = "choice"


@dataclass(frozen=True)
class Field:
    """One field of the spec, by its name there."""

    name: str
    label: str
    kind: Kind
    needed: bool = False

    @property
    def help(self) -> str:
        """What docs/spec.md says of it."""
        return str(_schema(self.name).get("description", ""))

    @property
    def choices(self) -> tuple[str, ...]:
        """Of a CHOICE."""
        shapes = [_schema(self.name), *_schema(self.name).get("anyOf", [])]
        return tuple(next(shape["enum"] for shape in shapes if "enum" in shape))


@lru_cache(maxsize=1)
def _properties() -> dict[str, Any]:
    return dict(GraphCronSpec.model_json_schema()["properties"])


def _schema(name: str) -> dict[str, Any]:
    return dict(_properties()[name])


WHEN = (
    Field("schedule", "Schedule", Kind.TEXT, needed=True),
    Field("timezone", "Time zone", Kind.ZONE),
)
WHAT = (
    Field("assistantId", "Assistant", Kind.TEXT, needed=True),
    Field("input", "Input", Kind.JSON),
)
MORE = (
    Field("threadId", "Thread", Kind.TEXT),
    Field("metadata", "Metadata", Kind.JSON),
    Field("config", "Config", Kind.JSON),
    Field("context", "Context", Kind.JSON),
    Field("onRunCompleted", "When a run has ended", Kind.CHOICE),
    Field("webhook", "Webhook", Kind.TEXT),
)
LIMITS = (
    Field("startTime", "Start", Kind.TIME),
    Field("endTime", "End", Kind.TIME),
    Field("concurrencyPolicy", "While another run goes on", Kind.CHOICE),
    Field("activeDeadlineSeconds", "Longest run, in seconds", Kind.NUMBER),
    Field("retryLimit", "Retries", Kind.NUMBER),
    Field("maxFailures", "Suspend after failures in a row", Kind.NUMBER),
    Field("jitterSeconds", "Random delay, in seconds", Kind.NUMBER),
)
FIELDS = (*WHEN, *WHAT, *MORE, *LIMITS)
GROUPS = {"when": WHEN, "what": WHAT, "more": MORE, "limits": LIMITS}

NAME, NAMESPACE, DISPLAY = "name", "namespace", "displayName"
"""Of the object itself, and its name for people."""
REQUIRED = "required"


@lru_cache(maxsize=1)
def zones() -> tuple[str, ...]:
    """The names that a GraphCron may have as its time zone."""
    found = []
    for name in sorted(available_timezones()):
        try:
            found.append(read_timezone(name).key)
        except InvalidTimezone:
            continue
    return tuple(found)


def shown(graphcron: Manifest | None) -> dict[str, str]:
    """The texts of the fields for a GraphCron, or for a new one."""
    metadata, spec = (graphcron or {}).get("metadata") or {}, (graphcron or {}).get("spec") or {}
    zone = _zone_of(spec.get("timezone"))
    texts = {field.name: _SHOWN[field.kind](spec[field.name], zone) if field.name in spec else "" for field in FIELDS}
    display = (metadata.get("annotations") or {}).get(DISPLAY_NAME, "")
    return texts | {NAME: metadata.get("name", ""), NAMESPACE: metadata.get("namespace", ""), DISPLAY: display}


def _as_text(value: Any, _: ZoneInfo) -> str:
    return str(value)


def _as_json(value: Any, _: ZoneInfo) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _as_local(value: Any, zone: ZoneInfo) -> str:
    moment = moment_of(str(value))
    return moment.astimezone(zone).replace(tzinfo=None).isoformat(timespec="minutes") if moment else str(value)


_SHOWN: dict[Kind, Callable[[Any, ZoneInfo], str]] = dict.fromkeys(Kind, _as_text) | {
    Kind.JSON: _as_json,
    Kind.TIME: _as_local,
}


def _zone_of(name: object) -> ZoneInfo:
    try:
        return read_timezone(name if isinstance(name, str) else None)
    except InvalidTimezone:
        return read_timezone(None)


@dataclass(frozen=True)
class Filled:
    """What came of a form: the manifest as far as it can be read, and what is wrong, by field; what concerns no single
    one of them has an empty name."""

    manifest: Manifest
    errors: Mapping[str, str]


def filled(values: Mapping[str, str], known: Manifest | None) -> Filled:
    """Reads a form: of a GraphCron that is `known`, else of a new one. Fields that it lacks stay as they are."""
    manifest: Manifest = (
        copy.deepcopy(known) if known else {"apiVersion": API_VERSION, "kind": KIND, "metadata": {}, "spec": {}}
    )
    before = shown(known)
    texts = {name: values[name].replace("\r\n", "\n") for name in before if name in values}
    changed = {name: text for name, text in texts.items() if text.strip() != before[name].strip()}
    errors = _metadata(manifest["metadata"], changed) if known else _metadata(manifest["metadata"], texts, new=True)
    spec = manifest.setdefault("spec", {})
    zone = _zone_of(texts.get("timezone") or None)
    for field in FIELDS:
        if field.name not in changed:
            continue
        text = changed[field.name]
        spec.pop(field.name, None)
        if text.strip():
            try:
                # A mistake in JSON is told by its line.
                spec[field.name] = _READ[field.kind](text if field.kind is Kind.JSON else text.strip(), zone)
            except ValueError as error:
                errors[field.name] = str(error)
    for name, sentence in _wrong(spec).items():
        errors.setdefault(name, sentence)
    return Filled(manifest, {name: errors[name] for name in sorted(errors)})


def _metadata(metadata: Manifest, texts: Mapping[str, str], *, new: bool = False) -> dict[str, str]:
    """Writes the names; what is wrong with them."""
    errors: dict[str, str] = {}
    if new:
        name = texts.get(NAME, "").strip()
        metadata |= {NAME: name, NAMESPACE: texts.get(NAMESPACE, "").strip()}
        if fault := fault_of_name(name) if name else REQUIRED:
            errors[NAME] = fault
        if not metadata[NAMESPACE]:
            errors[NAMESPACE] = REQUIRED
    if DISPLAY in texts:
        annotations = metadata.get("annotations") or {}
        annotations.pop(DISPLAY_NAME, None)
        display = " ".join(texts[DISPLAY].split())
        if display or annotations:
            metadata["annotations"] = annotations | ({DISPLAY_NAME: display} if display else {})
    return errors


def _wrong(spec: Manifest) -> dict[str, str]:
    """By field, in the words of the operator and of kubectl."""
    found = findings(spec)
    try:
        if isinstance(schedule := spec.get("schedule"), str) and "schedule" not in found:
            read(schedule)
    except InvalidSchedule as error:
        found["schedule"] = str(error)
    try:
        if isinstance(zone := spec.get("timezone"), str) and "timezone" not in found:
            read_timezone(zone)
    except InvalidTimezone as error:
        found["timezone"] = str(error)
    own = {field.name for field in FIELDS}
    others = [f"spec.{name}: {found.pop(name)}" for name in sorted(found.keys() - own - {""})]
    whole = "; ".join(filter(None, [found.pop("", ""), *others]))
    return found | ({"": whole} if whole else {})


def _read_text(text: str, _: ZoneInfo) -> str:
    return text


def _read_number(text: str, _: ZoneInfo) -> int:
    # Nobody needs a number of a thousand digits, and Python takes long for one.
    if len(text) > 20 or not text.removeprefix("-").isdecimal():
        raise ValueError("must be a whole number")
    return int(text)


def _read_time(text: str, zone: ZoneInfo) -> str:
    """A browser gives a time without a zone: it is one of the schedule's."""
    try:
        moment = datetime.fromisoformat(text)
        return format_time((moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC))
    except (ValueError, OverflowError):
        raise ValueError("must be a date and a time, such as 2026-12-24T18:00") from None


def _read_json(text: str, _: ZoneInfo) -> Any:
    return read_json(text)


_READ: dict[Kind, Callable[[str, ZoneInfo], Any]] = dict.fromkeys(Kind, _read_text) | {
    Kind.JSON: _read_json,
    Kind.NUMBER: _read_number,
    Kind.TIME: _read_time,
}


def edits(known: Manifest, wanted: Manifest) -> list[Operation]:
    """What makes of the one GraphCron the other, as a JSON Patch: of each changed field the whole value, nulls in it
    included. It applies only while these fields are as they are known to be."""
    before, after = known.get("spec") or {}, wanted["spec"]
    operations: list[Operation] = []
    for name in sorted(before.keys() | after.keys()):
        path, value = ("spec", name), before.get(name)
        if name not in after:
            operations += [require(path, value), *clear(path, value)]
        elif name not in before or dumps(value) != dumps(after[name]):
            operations += [require(path, value), add(path, after[name])]
    old, new = (one["metadata"].get("annotations") or {} for one in (known, wanted))
    if (display := new.get(DISPLAY_NAME)) != old.get(DISPLAY_NAME):
        place = ("metadata", "annotations")
        given = merge(place, {DISPLAY_NAME: display}, known["metadata"].get("annotations"))
        operations += given if display else clear((*place, DISPLAY_NAME), display)
    return operations
