"""JSON that nobody sends in good faith: huge, deep, wide, and of the wrong type; and what a test may let it cost."""

import json
import time
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

ATOMS: tuple[Any, ...] = (
    0, 1, -1, 1.5, 2**63, 10**25, True, None, "", "x", "\0", "\ud800", '"\\', "é😀", "2030-01-01T00:00:00Z",
    "*", "values", [], {},
)  # fmt: skip
SIZES = (0, 1, 3, 40, 300, 5000, 60_000, 500_000)
ROOM = 1_000_000
"""Bytes of a value, about."""


def nested(inner: Any, levels: int, in_a_list: bool = False) -> Any:
    for _ in range(levels):
        inner = [inner] if in_a_list else {"": inner}
    return inner


def _many(item: Any, number: int) -> list[Any]:
    return [item] * min(number, ROOM // (len(json.dumps(item)) + 1))


def _wide(item: Any, number: int) -> dict[str, Any]:
    return {str(key): item for key in range(min(number, ROOM // (len(json.dumps(item)) + 9)))}


_sizes = st.sampled_from(SIZES)
_atoms = st.sampled_from(ATOMS)
_small = st.one_of(_atoms, st.builds(nested, _atoms, st.sampled_from((1, 3, 100)), st.booleans()))

values = st.one_of(
    _small,
    st.builds(_many, _small, _sizes),
    st.builds(_wide, _small, _sizes),
    st.builds(nested, _atoms, st.sampled_from((10, 200, 251, 900)), st.booleans()),
    st.builds(
        lambda text, size: (text * size)[:ROOM], st.sampled_from(("x", '"', "\\", "é", "\0", "* ", "[{,")), _sizes
    ),
    st.builds(lambda size, item: {"x" * size: item}, _sizes, _small),
    st.builds(lambda first, second: [first, second], st.builds(_many, _small, _sizes), _small),
    st.builds(
        lambda key, item: {key: item},
        st.sampled_from(("labels", "tags", "url", "name")),
        st.builds(_many, _small, _sizes),
    ),
)
"""Any one value."""


def objects(fields: Iterable[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these fields and some others, each with such a value."""
    names = st.sampled_from([*fields, "unknown", "time_zone", "x" * 500_000])
    return st.dictionaries(names, values, min_size=1, max_size=3)


@cache
def unit() -> float:
    """Seconds of CPU that this machine takes to parse a megabyte of numbers: a fiftieth of a second, or so."""
    text = b"[" + b"1," * 500_000 + b"1]"

    def once() -> float:
        began = time.process_time()
        json.loads(text)
        return time.process_time() - began

    return min(once() for _ in range(5))


@dataclass(frozen=True)
class Cost:
    """`units` of CPU, and bytes of memory at most."""

    units: float
    peak: int


def cost(act: Callable[[], object]) -> Cost:
    """Of doing it; it is done twice, since watching its memory takes time."""
    began = time.process_time()
    act()
    spent = time.process_time() - began
    tracemalloc.start()
    try:
        act()
        return Cost(spent / unit(), tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
