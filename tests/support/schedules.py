"""Random cron fields."""

import random
import re


def random_field(chance: random.Random, low: int, high: int) -> str:
    """`*`, or one or two values, ranges (backward ones too) or steps."""

    def part() -> str:
        first, last = chance.randint(low, high), chance.randint(low, high)
        return chance.choice([f"{first}", f"{first}-{last}", f"*/{chance.randint(1, high)}", f"{first}-{last}/2"])

    return "*" if chance.random() < 0.35 else ",".join(part() for _ in range(chance.choice([1, 1, 2])))


_SPECIAL = (
    "0 0 L * *", "0 0 15W * *", "0 0 1,L * *", "0 0 20-L/2 * *", "0 0 * * 5#2", "0 0 * * L5,mon#1", "H H(0-7) * * H/2",
)  # fmt: skip
_NUMBERS = (0, 7, 8, 12, 13, 24, 31, 32, 59, 60, 99, 1000, 10000)
_WORDS = ("mon", "dec", "foo", "1-5", "*/0", "9/9", "H(3-1)", "5#6")
_PREFIXES = ("TZ=UTC ", "CRON_TZ=UTC ", "@every ", "@", "0 ")
_CHARACTERS = "0123456789 *,-/#?()@lwhrLWHR.+abjansunfri\t\v\n"


def random_text(chance: random.Random) -> str:
    """A schedule with one to three slips of the pen: most are wrong, some mean another schedule."""
    ranges = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    text = " ".join(random_field(chance, low, high) for low, high in ranges)
    if chance.random() < 0.4:
        text = chance.choice(_SPECIAL)
    for _ in range(chance.choice((1, 1, 2, 3))):
        text = _slip(chance, text)
    return text


def _slip(chance: random.Random, text: str) -> str:
    place = chance.randrange(len(text) + 1)
    numbers = [match.span() for match in re.finditer("[0-9]+", text)]
    match chance.randrange(6):
        case 0 if numbers:
            first, last = chance.choice(numbers)
            return text[:first] + str(chance.choice(_NUMBERS)) + text[last:]
        case 1:
            return text[:place] + text[place + 1 :]
        case 2:
            return text[:place] + chance.choice(_WORDS) + text[place:]
        case 3:
            return chance.choice(_PREFIXES) + text
        case 4:
            return text.replace(" ", chance.choice(("  ", "\t", "\v", " 1 ")), 1)
        case _:
            return text[:place] + chance.choice(_CHARACTERS) + text[place:]
