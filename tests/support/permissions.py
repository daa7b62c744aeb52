"""The permissions that docs/security.md lists."""

from typing import NamedTuple

from cluster.paths import HERE

DOCUMENT = HERE.root / "docs/security.md"
HEADER = "| account | resource | verbs | where | reason |"


class Permission(NamedTuple):
    """`where` is "cluster", or the namespace."""

    account: str
    resource: str
    verb: str
    where: str


def table() -> list[list[str]]:
    """The cells of the document's rows, in order."""
    _, header, rest = DOCUMENT.read_text().partition(HEADER)
    assert header, f"docs/security.md has no table with the columns {HEADER}"
    lines = rest.lstrip("\n").split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def listed(scope: str, mode: str = "", *, console: bool = False, notifier: str = "") -> set[Permission]:
    """`notifier` is the namespace of which it may read Secrets; without one there is no notifier."""
    everywhere = "cluster" if scope == "cluster" else "ns"
    places = {"scope": everywhere, f"scope={scope}": everywhere, "release": "ns"}
    optional = {"tokenReview": "cluster" if mode == "tokenReview" else "", "console": "ns" if console else ""}
    places |= {name: place for name, place in (optional | {"notifier.secrets": notifier}).items() if place}
    return {
        Permission(f"graphcron-{account}", resource, verb.strip(), places[where])
        for account, resource, verbs, where, _ in table()
        if where in places and (notifier or account != "notifier")
        for verb in verbs.split(",")
    }
