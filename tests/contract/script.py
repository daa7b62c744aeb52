"""Reads the cases: one request a line, which is sent to both sides.

    == metadata merges                                    a case, and the test's name
    200     create {"metadata": {"a": 1}} -> cron         the status of both, and a name for the id in the answer
    200     patch <cron> {"metadata": {"b": 2}}           <cron> is that id, on each side its own
        ~ payload-metadata at payload.metadata            a difference, by its key in docs/rest.md, and where it shows
    200|422 create {"time_zone": "UTC"}                   the reference's status, and ours
        ~ misspelt says did you mean 'timezone'?          a difference in all of the answer, and what ours says
        > Origin: http://page.example                     a header of the request

Bodies are sent as they stand, so that each spelling of a number is a case. `create`, `create on <thread>`, `get`,
`patch`, `delete`, `search` and `count` stand for the cron endpoints, and anything else is a method and a path. The
fields of `create` come after those that every cron needs, see `CRON`. `<CRON>` is the id in capitals, `<x*500>` is 500
times x, `<nested 90>` an object of 90 levels, `<byte ff>` a byte.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CRON = '"assistant_id": "agent", "schedule": "27 15 3 2 *"'
"""Once a year: no cron of a case should fire while the tests run."""


class Misspelt(ValueError):
    """A line that is no case, request, difference or header; the message names it."""


@dataclass(frozen=True)
class Difference:
    """`key` names a row of the table. `at` are paths in the answer, none for all of it; `says` is in our answer."""

    key: str
    at: tuple[str, ...] = ()
    says: str = ""


@dataclass
class Step:
    """One request, with placeholders."""

    line: str
    statuses: tuple[int, int]
    """The reference's and ours."""
    method: str
    path: str
    body: str | None
    binds: str | None
    headers: dict[str, str] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)


@dataclass
class Case:
    name: str
    steps: list[Step] = field(default_factory=list)


def read_folder(folder: Path) -> list[Case]:
    """All cases of a folder, by file and line. Raises Misspelt."""
    cases = [case for file in sorted(folder.glob("*.txt")) for case in read(file.read_text())]
    names = [case.name for case in cases]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Misspelt(f"two cases have one name: {', '.join(sorted(twice))}")
    return cases


def read(text: str) -> Iterator[Case]:
    """The cases of one file. Raises Misspelt."""
    case: Case | None = None
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("== "):
            if case:
                yield case
            case = Case(line.removeprefix("== "))
        elif case is None:
            raise Misspelt(f"before the first case: {line}")
        elif not line[0].isspace():
            case.steps.append(_step(line))
        elif not case.steps:
            raise Misspelt(f"before the first request of a case: {line}")
        else:
            _annotate(case.steps[-1], line.strip())
    if case:
        yield case


def _step(line: str) -> Step:
    found = re.fullmatch(r"(\d{3})(?:\|(\d{3}))? +(\S+) *(.*?)(?: -> (\w+))?", line)
    if not found:
        raise Misspelt(f"no request: {line}")
    reference, here, word, rest, name = found.groups()
    method, path, body = _request(word, rest)
    return Step(line, (int(reference), int(here or reference)), method, path, body, name)


def _request(word: str, rest: str) -> tuple[str, str, str | None]:
    match word:
        case "create":
            found = re.fullmatch(r"(?:on (\S+) )?\{(.*)\}", rest)
            if not found:
                raise Misspelt(f"no fields of a cron: create {rest}")
            thread, fields = found.groups()
            body = "{" + CRON + (f", {fields}" if fields else "") + "}"
            return "POST", f"/threads/{thread}/runs/crons" if thread else "/runs/crons", body
        case "search" | "count":
            return "POST", f"/runs/crons/{word}", rest
        case "get" | "delete":
            return word.upper(), f"/runs/crons/{rest}", None
        case "patch":
            identity, _, body = rest.partition(" ")
            return "PATCH", f"/runs/crons/{identity}", body
    path, _, body = rest.partition(" ")
    if not word.isupper() or not path.startswith("/"):
        raise Misspelt(f"no request: {word} {rest}")
    return word, path, body or None


def _annotate(step: Step, line: str) -> None:
    if found := re.fullmatch(r"~ (\S+)(?: at ((?:(?! says ).)+))?(?: says (.+))?", line):
        step.differences.append(Difference(found[1], tuple((found[2] or "").split()), found[3] or ""))
    elif found := re.fullmatch(r"> ([\w-]+): (.*)", line):
        step.headers[found[1]] = found[2]
    else:
        raise Misspelt(f"neither a difference (~) nor a header (>): {line}")


def fill(text: str, names: dict[str, str]) -> str:
    """Without placeholders; bytes that are no UTF-8 are escaped as surrogates. Unknown ones stay: JSON may hold such
    text."""
    text = re.sub(r"<([\w,]+)\*(\d+)>", lambda found: found[1] * int(found[2]), text)
    text = re.sub(r"<byte ([0-9a-f]{2})>", lambda found: chr(0xDC00 + int(found[1], 16)), text)
    text = re.sub(r"<nested (\d+)>", lambda found: '{"a":' * int(found[1]) + "1" + "}" * int(found[1]), text)
    names = names | {name.upper(): value.upper() for name, value in names.items()}
    return re.sub(r"<(\w+)>", lambda found: names.get(found[1], found[0]), text)
