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


def listed(scope: str, mode: str = "", *, console: bool = False) -> set[Permission]:
    places = {"scope": "cluster" if scope == "cluster" else "ns", "release": "ns", "tokenReview": "cluster"}
    places |= {f"scope={scope}": places["scope"]} | ({"console": "ns"} if console else {})
    return {
        Permission(f"graphcron-{account}", resource, verb.strip(), places[where])
        for account, resource, verbs, where, _ in table()
        if resource and where in ("scope", f"scope={scope}", "release", mode, "console" if console else "")
        for verb in verbs.split(",")
    }
