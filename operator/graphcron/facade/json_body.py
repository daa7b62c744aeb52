"""The JSON of a request body: bounded before it is parsed, and refused where Kubernetes could not store it unchanged.

A megabyte can hold half a million values. To build them takes a hundred times the memory of a text and blocks all other
requests, so they are counted first, by searches that run in C.
"""

import json
import math
import re
from itertools import accumulate
from typing import NoReturn

from graphcron.facade.errors import RestError
from graphcron.resource.fields import DEPTH_LIMIT
from graphcron.resource.spec_reader import SHOWN_CHARACTERS

VALUES_LIMIT = 50_000
"""Keys and values of a body. A run request has at most 240 KiB, so they would have less than five bytes each."""

FILTER_VALUES_LIMIT = 1000
"""The same for the filters of a search or count, which are compared with each cron."""

INVALID_JSON = "Invalid JSON in request body"


def read_json(data: bytes, limit: int = VALUES_LIMIT) -> object:
    """The JSON value of a body, whatever its content type says, as LangGraph's server has it. Raises RestError 422 for
    what is no JSON, for more than `limit` keys and values, and for what Kubernetes cannot store unchanged."""
    _check_extent(data, limit)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _invalid(data[: error.start].decode(), "not UTF-8") from None
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise _invalid(text[: error.pos], f"{error.msg[:1].lower()}{error.msg[1:]}") from None
    except _NoNumber as error:
        raise _invalid(text[: _place_of(str(error), text)], error.fault) from None
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        raise RestError(422, INVALID_JSON) from None
    if _SUSPECT.search(data):
        _check_storable(value)
    return value


def _check_extent(data: bytes, limit: int) -> None:
    """Refuse what has too many values, or is nested too deep. Of what is no JSON nothing is certain here."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    if data.count(b'"') > 2 * limit:  # each text is a key or a value
        raise _too_many(limit)
    outside = b"".join(data.split(b'"')[::2])
    openings = outside.count(b"[") + outside.count(b"{")
    if openings + outside.count(b",") + outside.count(b":") > limit:
        raise _too_many(limit)
    levels = accumulate(_LEVELS[bracket] for bracket in outside.translate(None, _NO_BRACKETS))
    if openings > DEPTH_LIMIT and max(levels) > DEPTH_LIMIT:
        raise RestError(422, f"The request body is nested deeper than {DEPTH_LIMIT} levels")


_LEVELS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - _LEVELS.keys())


def _too_many(limit: int) -> RestError:
    return RestError(422, f"The request body has more than {limit} keys and values, the most that are read")


def _invalid(before: str, fault: str) -> RestError:
    """`before` is the text up to the fault. Of what is there nothing is quoted."""
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return RestError(422, f"{INVALID_JSON}: line {line}, column {column}: {fault}")


class _NoNumber(ValueError):
    """The text of what Python takes for a number and JSON does not, or Kubernetes cannot store."""

    def __init__(self, text: str, fault: str) -> None:
        super().__init__(text)
        self.fault = fault


def _no_number(text: str) -> NoReturn:
    raise _NoNumber(text, f"{text} is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _NoNumber(text, "a number beyond any float")
    return number


def _place_of(number: str, text: str) -> int:
    """Where that number is first, which stands in no string. The parser does not tell."""
    tokens = re.finditer(r'"(?:[^"\\]|\\.)*"|[^\s,:{}\[\]"]+', text)
    return next((token.start() for token in tokens if token[0].startswith(number)), len(text))


_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])|[0-9]{19}")
"""What else cannot be stored is written with one of these: a NUL, half of a surrogate pair, an integer of 64 bits."""


def _check_storable(value: object) -> None:
    """Refuse what the apiserver would change or not take."""
    # A place is spelt out only for an error: written for each value, a key of half a body in front
    # of a list that is the other half would take a hundred gigabytes.
    todo: list[tuple[object, _Place]] = [(value, None)]
    while todo:
        item, place = todo.pop()
        match item:
            case dict():
                for key, child in item.items():
                    _check_text(key, place)
                    todo.append((child, (place, key)))
            case list():
                todo += [(child, (place, index)) for index, child in enumerate(item)]
            case str():
                _check_text(item, place)
            case int() if not -(2**63) <= item < 2**63:
                raise RestError(
                    422, f"{_spelt(place)}: Kubernetes would round integers beyond 64 bits: send this one as a string"
                )


_Place = tuple["_Place", str | int] | None
"""Where in a body: the place of what holds it, and its key or index in there. None is the body."""


def _spelt(place: _Place) -> str:
    """As people write it, `a.b[0]`, with long keys cut."""
    parts: list[str] = []
    while place is not None:
        place, step = place
        parts.append(f"[{step}]" if isinstance(step, int) else f".{step[:SHOWN_CHARACTERS]}")
    return "".join(reversed(parts)).removeprefix(".")


def _check_text(text: str, place: _Place) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RestError(422, f"{INVALID_JSON}: {_spelt(place) or 'a key'}: half of a surrogate pair") from None
    if "\0" in text:
        raise RestError(422, f"{_spelt(place) or 'A key'}: a NUL character cannot be stored: leave it out")
