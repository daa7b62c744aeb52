"""The placeholders of `spec.renderInput`: where they stand in the text of an input, and what may be written there.

They are looked for in the strings of the JSON, keys excepted, and what replaces them is written as JSON again: no value
can end a string or begin another. All else stays byte by byte. Standard library only; imported on request.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime

from graphcron.firing.formats import plain

TIMES = ("scheduledTime", "previousScheduledTime")
NAME = "name"

FORMAT_LIMIT = 64
"""Characters of a format."""
PLACEHOLDERS_LIMIT = 1000
"""In one input. With the limits of formats and names, they add 300 KB at most."""

DIRECTIVES = "YmdHMSyjbBaAuwUWVGIpzZ%"
"""Of strftime: those that mean the same on every system, in the C locale."""

_SHOWN = 200
"""Characters of the place in a message."""


class BadPlaceholder(ValueError):
    """A placeholder that cannot be replaced: a sentence with its place. No input is quoted, since it may be secret."""


ValueOf = Callable[[str, str], str]
"""From the name of a placeholder and its format, "" for none, to its value."""


def check(text: str, root: str) -> None:
    """Raises BadPlaceholder when the input, a JSON text, has one; `root` is the field that it is from."""
    render(text, root, lambda name, form: "")


def render(text: str, root: str, value_of: ValueOf) -> str:
    """A JSON text with its placeholders replaced. Raises BadPlaceholder."""
    if not _may_have_one(text):
        return text
    replaced, done, left = [], 0, PLACEHOLDERS_LIMIT
    for start, end, path in _strings(text):
        if not _may_have_one(text[start:end]):
            continue
        said = json.loads(text[start:end])
        try:
            rendered, left = _rendered(said, value_of, left)
        except BadPlaceholder as bad:
            place = ".".join([root, *(str(part) for part in path)])
            raise BadPlaceholder(f"{plain(place)[:_SHOWN]} has {bad}") from None
        if rendered != said:
            replaced += [text[done:start], json.dumps(rendered)]
            done = end
    return "".join([*replaced, text[done:]])


def _may_have_one(text: str) -> bool:
    return "{{" in text or "\\u007" in text


_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[][{},:]')


def _strings(text: str) -> Iterator[tuple[int, int, "list[str | int]"]]:
    """Begin, end and path of each string in a JSON text that is no key. The path is that of the moment."""
    path: list[str | int] = []
    objects: list[bool] = []
    is_key = False
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "{" | "[" as opened:
                is_key = opened == "{"
                objects.append(is_key)
                path.append("" if is_key else 0)
            case "}" | "]":
                objects.pop()
                path.pop()
                is_key = False
            case ",":
                is_key = objects[-1]
                number = path[-1]
                if isinstance(number, int):
                    path[-1] = number + 1
            case ":":
                is_key = False
            case _ if is_key:
                path[-1] = token[0][1:-1][:_SHOWN]
            case _:
                yield *token.span(), path


def _rendered(text: str, value_of: ValueOf, left: int) -> tuple[str, int]:
    """A string with its placeholders replaced, and how many more the input may have."""
    parts, done = [], 0
    while (start := text.find("{{", done)) >= 0:
        if (end := text.find("}}", start)) < 0:
            raise BadPlaceholder("'{{' without '}}'")
        if not left:
            raise BadPlaceholder(f"one placeholder too many: an input may have {PLACEHOLDERS_LIMIT}")
        name, colon, form = text[start + 2 : end].strip().partition(":")
        if problem := _problem(name, form if colon else None):
            raise BadPlaceholder(problem)
        parts += [text[done:start], value_of(name, form)]
        done, left = end + 2, left - 1
    return "".join([*parts, text[done:]]), left


def _problem(name: str, form: str | None) -> str | None:
    if name not in (*TIMES, NAME):
        names = " and ".join([", ".join(f"{{{{{known}}}}}" for known in TIMES), f"{{{{{NAME}}}}}"])
        return f"a placeholder that renderInput does not know: there are {names}"
    if form is None:
        return None
    if name == NAME:
        return "a format for {{name}}, which is no time"
    codes = re.findall("%(.?)", form, re.S)
    if not form or len(form) > FORMAT_LIMIT or not all(code and code in DIRECTIVES for code in codes):
        known = " ".join(f"%{code}" for code in DIRECTIVES)
        return f"a time format that cannot be used: 1 to {FORMAT_LIMIT} characters, of {known} and text"
    return None


def formatted(moment: datetime, form: str) -> str:
    """That moment by a format that `render` let through. Each code by itself, since what the system's strftime does
    with the text between them differs."""
    return re.sub("%(.)", lambda code: moment.strftime(code[0]), form)
