"""The language of the cases: requests that are sent to both sides, and how their answers are compared. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

COMPARED_HEADERS = (
    "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Allow", "Content-Type", "X-Pagination-Next",
    "X-Pagination-Total",
)  # fmt: skip

WRITTEN = ("created_at", "updated_at", "state_updated_at")
"""Times of writing: of them the shape is compared."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")


@dataclass(frozen=True)
class Request:
    """One request. `{name}` in path and body is what an earlier answer's `save` gave; bytes are sent as they are."""

    method: str
    path: str
    body: Any = None
    save: str | None = None
    """Name for the `cron_id` or `thread_id` of the answer."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One story, told to both sides.

    `differs` says what must come out differently: the row of the table in docs/rest.md that gives the reason, and the
    places, such as `2.status` (of the second request) or `*.body.payload.end_time` (of any).
    """

    name: str
    requests: Sequence[Request]
    differs: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What one side said. `text` is the body as it came."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        try:
            return json.loads(self.text) if self.text else None
        except ValueError:
            return self.text


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """`value` with each `{name}` replaced, at any depth."""
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(f"{{{name}}}", text)
        return value
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    if isinstance(value, dict):
        return {filled(key, names): filled(item, names) for key, item in value.items()}
    return value


def told(answer: Answer, names: Mapping[str, str]) -> dict[str, Any]:
    """An answer without what must differ between the sides: ids by their names, times of writing by their shape."""
    given = {name.title(): value for name, value in answer.headers.items()}
    headers = {name: given[name] for name in COMPARED_HEADERS if name in given}
    body = _anonymous(answer.body, {text: f"<{name}>" for name, text in names.items()})
    return {"status": answer.status, "headers": headers, "body": body}


def _anonymous(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for text, name in names.items():
            value = value.replace(text, name)
        return value
    if isinstance(value, list):
        return [_anonymous(item, names) for item in value]
    if isinstance(value, dict):
        return {key: _shape(item) if key in WRITTEN else _anonymous(item, names) for key, item in value.items()}
    return value


def _shape(time: Any) -> Any:
    return "<time>" if isinstance(time, str) and _TIME.fullmatch(time) else time


def compare(theirs: Sequence[dict[str, Any]], ours: Sequence[dict[str, Any]]) -> list[str]:
    """The places in which two sides' answers to one case differ. Where the status does, nothing else is compared."""
    found: list[str] = []
    for number, (one, other) in enumerate(zip(theirs, ours, strict=True), 1):
        if one["status"] != other["status"]:
            found.append(f"{number}.status")
        else:
            found.extend(differences(one, other, str(number)))
    return found


def unexpected(case: Case, found: Sequence[str]) -> tuple[list[str], list[str]]:
    """What differs though no row says so, and the rows that say so though nothing differs."""
    patterns = [pattern for places in case.differs.values() for pattern in places]
    unlisted = [place for place in found if not any(fnmatchcase(place, pattern) for pattern in patterns)]
    unseen = [
        row
        for row, places in case.differs.items()
        if not all(any(fnmatchcase(place, pattern) for place in found) for pattern in places)
    ]
    return unlisted, unseen


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """The places where two trees differ. Numbers differ when their kinds do: 1 is not 1.0, and neither is true."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted(expected.keys() | actual.keys()):
            here = f"{path}.{key}" if path else str(key)
            if key not in expected or key not in actual:
                yield here
            else:
                yield from differences(expected[key], actual[key], here)
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(one, other, f"{path}.{index}" if path else str(index))
    elif type(expected) is not type(actual) or expected != actual:
        yield path


def rows(markdown: str) -> list[str]:
    """The first column of the table under "Differences from LangGraph's server"."""
    section = markdown.partition("## Differences from LangGraph's server")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [line.split(" | ")[0].removeprefix("| ") for line in lines if not line.startswith(("| what ", "|---"))]
