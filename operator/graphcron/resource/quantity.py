"""Kubernetes quantities, such as 512Mi: what is one, and its amount."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

QUANTITY = "must be a quantity of at least 0, such as 512Mi (not 512MB), 500m or 2"

LENGTH_LIMIT = 32
"""Characters. A rule of the CRD over texts of any length would cost more than an apiserver lets it."""

_WRITTEN = re.compile("[+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?")

_SUFFIXES: dict[str, Decimal] = {
    **{prefix: Decimal(1000) ** -power for power, prefix in enumerate("mun", 1)},
    **{prefix: Decimal(1000) ** power for power, prefix in enumerate("kMGTPE", 1)},
    **{f"{prefix}i": Decimal(1024) ** power for power, prefix in enumerate("KMGTPE", 1)},
}


def amount(value: object) -> Decimal | None:
    """The amount of a quantity; None when it is none, or less than nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(text := str(value)) > LENGTH_LIMIT:
        return None
    if not (found := _WRITTEN.fullmatch(text)):
        return None
    number, suffix = Decimal(found[1]), found[2] or ""
    return number * _SUFFIXES[suffix] if suffix in _SUFFIXES else number.scaleb(int(suffix[1:] or 0))


def _checked(value: object) -> object:
    if amount(value) is None:
        raise ValueError(QUANTITY)
    return value


Quantity = Annotated[
    Any,
    PlainValidator(_checked),
    WithJsonSchema(
        {
            # As JSON. A CRD knows integers and strings alone; a number with a fraction is valid where it is no CRD's.
            "type": ["number", "string"],
            "minimum": 0,
            "maxLength": LENGTH_LIMIT,
            "pattern": f"^{_WRITTEN.pattern}$",
            "x-kubernetes-int-or-string": True,
            "x-kubernetes-validations": [
                {
                    "rule": "type(self) == int ? self >= 0 "
                    ": isQuantity(self) && !quantity(self).isLessThan(quantity('0'))",
                    "message": QUANTITY,
                }
            ],
        }
    ),
]
"""As a pod spec takes one."""
