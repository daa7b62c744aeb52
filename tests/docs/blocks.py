"""Finds the code blocks of Markdown documents, and what a document says of how they are tested.

Each block is tested: commands and Python are run (tests/e2e/test_docs.py), YAML is given to the chart or to an
apiserver (tests/chart/test_documents.py). Readers do not see the HTML comment right above a block, which can say:

- `<!-- not run: REASON -->`: it cannot be run on the demo's cluster.
- `<!-- file: NAME -->`: the reader saves it under that name, or adds it to that file if there is one.
- `<!-- background -->`: it goes on until the document ends, as in a terminal of its own.
- `<!-- fails: WORDS -->`: it fails, and prints these words.
- `<!-- alone -->`: it would take away what others use, so it is run on an apiserver without nodes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from tests.docs.links import documents

RUN = ("sh", "console", "python", "yaml")
"""Languages of blocks that are tested."""
SHOWN = ("", "text", "json", "promql")
"""Languages of blocks that only show something."""
_MARKERS = re.compile(r"<!-- (?:(not run|file|fails): (\S.*)|(background|alone)) -->\s*")
_MARKDOWN = MarkdownIt("commonmark")


class BadMarker(ValueError):
    """A comment above a block that says nothing which is known."""


@dataclass(frozen=True)
class Block:
    document: Path
    line: int
    language: str
    text: str
    marker: str = ""
    """`not run`, `file`, `fails`, `background`, `alone`, or nothing."""
    value: str = ""
    """The marker's reason, name or words."""

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def is_run(self) -> bool:
        return self.language in RUN and self.marker != "not run"

    @property
    def commands(self) -> str:
        """For a shell: without prompts and what is printed."""
        if self.language != "console":
            return self.text
        return "".join(line.removeprefix("$ ") for line in self.text.splitlines(True) if line.startswith("$ "))

    @property
    def printed(self) -> str:
        """What a console shows below its commands."""
        return "".join(line for line in self.text.splitlines(True) if not line.startswith("$ "))


def all_blocks(root: Path) -> list[Block]:
    """Of every document below `root`, in order. Raises BadMarker."""
    return [block for path in documents(root) for block in blocks(root, path.relative_to(root))]


def blocks(root: Path, document: Path) -> Iterator[Block]:
    """Those of a document, which is named relative to `root`. Raises BadMarker."""
    tokens = _MARKDOWN.parse((root / document).read_text())
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type != "fence" or not token.map:
            continue
        comment = before.content if before and before.type == "html_block" else ""
        found = _MARKERS.fullmatch(comment)
        if comment and not found:
            raise BadMarker(
                f"{document}:{token.map[0] + 1}: {comment.strip()} is not one of those that tests/docs/blocks.py lists"
            )
        marker, value = (found[1] or found[3], found[2] or "") if found else ("", "")
        yield Block(document, token.map[0] + 1, token.info.strip(), token.content, marker, value)
