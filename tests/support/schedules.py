"""Random cron fields."""

import random


def random_field(chance: random.Random, low: int, high: int) -> str:
    """`*`, or one or two values, ranges (backward ones too) or steps."""

    def part() -> str:
        first, last = chance.randint(low, high), chance.randint(low, high)
        return chance.choice([f"{first}", f"{first}-{last}", f"*/{chance.randint(1, high)}", f"{first}-{last}/2"])

    return "*" if chance.random() < 0.35 else ",".join(part() for _ in range(chance.choice([1, 1, 2])))
