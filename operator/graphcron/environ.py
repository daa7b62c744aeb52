"""How variables of the environment are read: each error names the variable, and says what it should hold.

The Helm chart sets these variables; their names and meanings are the interface between the two.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from graphcron.logs import FORMATS

T = TypeVar("T")

MINIMUM_INTERVAL = "GRAPHCRON_MINIMUM_INTERVAL_SECONDS"
"""For both: the facade refuses what the operator would suspend."""


class InvalidSettings(ValueError):
    """A variable that is missing or wrong; the message names it and says what it should hold."""


def required(environ: Mapping[str, str], name: str, meaning: str) -> str:
    """A variable that has no default. Raises InvalidSettings when it is not set; `meaning` is what it names."""
    if value := environ.get(name):
        return value
    raise InvalidSettings(f"{name} is not set: it names {meaning}. The Helm chart sets it.")


def parsed(environ: Mapping[str, str], name: str, parse: Callable[[str], T], default: T) -> T:
    """What `parse` makes of a variable, the default when it is empty. A ValueError of `parse` says what it must be, and
    becomes InvalidSettings."""
    text = environ.get(name)
    if not text:
        return default
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidSettings(f"{name} is not readable: {error}") from None


def log_format(text: str) -> str:
    """One of `logs.FORMATS`. Raises ValueError."""
    if text not in FORMATS:
        raise ValueError(f"it must be one of {', '.join(FORMATS)}")
    return text


def limit(text: str) -> int:
    """A whole number, 0 for no limit. Raises ValueError."""
    number = int(text)
    if number < 0:
        raise ValueError("it must be 0, for no limit, or more")
    return number


def yes_or_no(text: str) -> bool:
    """As the chart writes a boolean. Raises ValueError."""
    if text not in ("true", "false"):
        raise ValueError("it must be true or false")
    return text == "true"


def json_of(kind: type[Any]) -> Callable[[str], Any]:
    """A parser of JSON of that kind, dict or list. It raises ValueError."""

    def parse(text: str) -> Any:
        value = json.loads(text)
        if not isinstance(value, kind):
            raise ValueError(f"it must be a JSON {'object' if kind is dict else 'array'}")
        return value

    return parse


def optional(**values: Any) -> dict[str, Any]:
    """Those that are given: the others are left to the defaults of whoever takes them."""
    return {name: value for name, value in values.items() if value is not None}
