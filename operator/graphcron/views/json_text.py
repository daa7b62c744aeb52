"""JSON as people write it into a form: its value, or what is wrong with it and where. Pure."""

import json
import math
from typing import Any, NoReturn

from graphcron.kube.jsontext import dumps_shallow
from graphcron.resource.fields import DEPTH_LIMIT


def read_json(text: str) -> Any:
    """The value of a JSON text as the apiserver can store it. Raises ValueError with what is wrong, and where."""
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except json.JSONDecodeError as error:
        told = f"{error.msg[:1].lower()}{error.msg[1:]}"
        raise ValueError(f"line {error.lineno}, column {error.colno}: {told}") from None
    except RecursionError:
        raise ValueError(f"nested deeper than {DEPTH_LIMIT} levels") from None
    if dumps_shallow(value) is None:
        raise ValueError(
            f"cannot be stored: it has an integer beyond 64 bits, half of a surrogate pair, or more than {DEPTH_LIMIT} "
            "levels"
        )
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is beyond any float")
    return number
