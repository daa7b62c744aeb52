"""Finds relative links in Markdown files that lead to no file, or to no heading of it. Makes no network request."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_UNREAD = {".git", ".venv", ".build", ".pytest_cache", "node_modules"}  # some hold thousands of files


def documents(root: Path) -> list[Path]:
    """All Markdown files below `root`, except those that tools bring along, whose folders are not even listed."""
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = set(subfolders) - _UNREAD
        found += [Path(folder, name) for name in names if name.endswith(".md")]
    return sorted(found)


def broken(path: Path, root: Path) -> list[str]:
    """One sentence for each link of a document that leads nowhere. Links to other sites are not followed."""
    return [
        f"{path.relative_to(root)}: {target} {fault}"
        for target in _targets(_MARKDOWN.parse(path.read_text()))
        if (fault := _fault(target, path, root))
    ]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a document; the second of two equal ones ends in `-1`."""
    found: Counter[str] = Counter()
    names = set()
    tokens = _MARKDOWN.parse(text)
    for opening, content in pairwise(tokens):
        if opening.type == "heading_open":
            name = _slug("".join(child.content for child in content.children or []))
            names.add(f"{name}-{found[name]}" if found[name] else name)
            found[name] += 1
    return names


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _targets(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        target = token.attrGet({"link_open": "href", "image": "src"}.get(token.type, ""))
        if target:
            yield str(target)
        yield from _targets(token.children or [])


def _fault(target: str, path: Path, root: Path) -> str:
    """What is wrong with a link of the document `path`, or nothing."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return ""
    if parts.path.startswith("/"):
        return "is absolute: write it relative to the document"
    goal = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not goal.is_relative_to(root):
        return "leads out of the repository"
    if not goal.exists():
        return "leads to no file"
    if parts.fragment and goal.suffix == ".md" and unquote(parts.fragment) not in anchors(goal.read_text()):
        return "leads to no heading"
    return ""
