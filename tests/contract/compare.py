"""What an answer is apart from ids and times, and where two of them differ."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tests.contract.script import Step

HEADERS = ("content-type", "x-pagination-total", "x-pagination-next", "allow", "location", "retry-after")
"""Of an answer's headers, those that clients act on; and all that browsers ask for, access-control-*."""

TIMES = frozenset(("created_at", "updated_at", "state_updated_at"))
"""Fields that tell when something happened. Only whether it was after the creation is compared."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")

ABSENT = "(absent)"


@dataclass(frozen=True)
class Answer:
    """What came back: the body as JSON where it is JSON, otherwise as text, None when it is empty."""

    status: int
    headers: Mapping[str, str]
    text: str
    body: Any

    @classmethod
    def read(cls, status: int, headers: Mapping[str, str], data: bytes) -> "Answer":
        text = data.decode()
        try:
            body = json.loads(text) if text else None
        except ValueError:
            body = text
        return cls(status, headers, text, body)

    @property
    def said(self) -> str:
        """The sentence of an error, otherwise all of the body."""
        detail = self.body.get("detail") if isinstance(self.body, dict) else None
        return detail if isinstance(detail, str) else self.text

    def comparable(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Without what differs between any two servers: ids have their names of the case, creation times none."""
        headers = {
            name.lower(): value
            for name, value in self.headers.items()
            if name.lower() in HEADERS or name.lower().startswith("access-control-")
        }
        return {"header": headers, "body": _plain(self.body, {value: f"<{name}>" for name, value in names.items()})}


def _plain(value: Any, ids: Mapping[str, str]) -> Any:
    match value:
        case dict():
            plain = {key: _plain(item, ids) for key, item in value.items()}
            made = value.get("created_at")
            for key in TIMES & value.keys():
                if _is_time(value[key]):
                    plain[key] = "<later>" if _is_time(made) and value[key] > made else "<time>"
            return plain
        case list():
            return [_plain(item, ids) for item in value]
        case str():
            for identity, name in ids.items():
                value = value.replace(identity, name)
    return value


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and bool(_TIME.fullmatch(value))


def differing(reference: Any, here: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each place where two JSON values differ, and what is there. A number must keep its type too."""
    if isinstance(reference, dict) and isinstance(here, dict):
        for key in reference | here:
            below = f"{path}.{key}" if path else key
            yield from differing(reference.get(key, ABSENT), here.get(key, ABSENT), below)
    elif isinstance(reference, list) and isinstance(here, list) and len(reference) == len(here):
        for index, (one, other) in enumerate(zip(reference, here, strict=True)):
            yield from differing(one, other, f"{path}.{index}" if path else str(index))
    elif type(reference) is not type(here) or reference != here:
        yield path, reference, here


def judge(step: Step, reference: Answer, here: Answer, names: tuple[Mapping[str, str], Mapping[str, str]]) -> list[str]:
    """What is wrong with a pair of answers, in sentences; empty when they are as the case says.

    `names` are the ids by their name in the case, on each side.
    """
    wrong = [
        f"{who} answered {answer.status}, not {status}: {answer.text[:500]}"
        for who, answer, status in zip(("the reference", "the facade"), (reference, here), step.statuses, strict=True)
        if answer.status != status
    ]
    if wrong:
        return wrong
    found = {
        path: (one, other) for path, one, other in differing(reference.comparable(names[0]), here.comparable(names[1]))
    }
    if step.statuses[0] != step.statuses[1]:
        found["status"] = step.statuses
    covered: set[str] = set()
    for difference in step.differences:
        mine = {path for path in found if _covers(difference.at, path)}
        covered |= mine
        if not mine:
            wrong.append(f"the difference {difference.key} no longer shows")
        if difference.says not in here.said:
            wrong.append(f"the facade does not say {difference.says!r} but {here.said[:500]}")
    wrong += [
        f"{path} differs: the reference has {one!r}, the facade {other!r}"
        for path, (one, other) in found.items()
        if path not in covered
    ]
    return wrong


def _covers(at: tuple[str, ...], path: str) -> bool:
    """Paths are written without `body.`, and name all that lies below them; `*` is any index or key."""
    return not at or any(
        fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern}.*")
        for place in at
        for pattern in (f"body.{place}", place)
    )
