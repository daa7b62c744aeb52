"""How much of what a long test could do it does: all of it with `pytest --exhaustive`, otherwise a sample."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

SEED = 20261127
"""Of every sample: a test takes the same one each time."""


@dataclass(frozen=True)
class Extent:
    exhaustive: bool

    def count(self, everything: int, sample: int) -> int:
        """How often to do it."""
        return everything if self.exhaustive else min(sample, everything)

    def choose(self, everything: Sequence[T], sample: int) -> list[T]:
        """All of these, or that many of them, in their order."""
        numbers = range(len(everything))
        chosen = random.Random(SEED).sample(numbers, self.count(len(everything), sample))
        return [everything[number] for number in sorted(chosen)]

    def __str__(self) -> str:
        if self.exhaustive:
            return "exhaustive: the longest tests do all that they can"
        return f"the longest tests take a sample (seed {SEED}); --exhaustive takes all"
