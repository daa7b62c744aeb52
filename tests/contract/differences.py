"""Reads the table of intended differences in docs/rest.md: the one list that people and tests share."""

import re

HEADING = "## Differences from LangGraph's server"


class BadTable(ValueError):
    """The table is not as the tests need it."""


def read(document: str) -> tuple[set[str], set[str]]:
    """The keys of the rows, and those of them that bear a †: no pair of answers can show them, and a line that begins
    with † below the table says why. Raises BadTable."""
    _, found, section = document.partition(HEADING)
    section = section.partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z0-9-]+)`( †)? \|", section, re.MULTILINE)
    lines = re.findall(r"^\|(?! key |---)", section, re.MULTILINE)
    if not found or not rows:
        raise BadTable(f"docs/rest.md has no table below {HEADING!r}")
    if len(lines) != len(rows):
        raise BadTable("a row of the table has no `key` in its first column")
    keys = [key for key, _ in rows]
    if len(set(keys)) < len(keys):
        raise BadTable("two rows of the table have the same key")
    marked = {key for key, mark in rows if mark}
    reasons = " ".join(re.findall(r"^† (.+(?:\n(?!\n).+)*)", section, re.MULTILINE))
    if unexplained := {key for key in marked if f"`{key}`" not in reasons}:
        raise BadTable(f"rows with a † and no reason below the table: {', '.join(sorted(unexplained))}")
    return set(keys), marked


def unshown(keys: set[str], marked: set[str], shown: set[str]) -> list[str]:
    """What is wrong between the table and the cases, in sentences."""
    return [
        *(f"no case shows {key} any more: take its row out of docs/rest.md" for key in sorted(keys - marked - shown)),
        *(f"a case shows {key}, and docs/rest.md has no such row" for key in sorted(shown - keys)),
        *(f"a case shows {key}, and its row bears a †" for key in sorted(shown & marked)),
    ]
