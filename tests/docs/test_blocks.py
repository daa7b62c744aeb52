"""Each code block of a document says how it is tested, and `graphcron` prints what the documents show."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.paths import HERE
from graphcron.cli import USAGE
from tests.docs.blocks import RUN, SHOWN, BadMarker, Block, all_blocks, blocks
from tests.docs.links import documents

ROOT = HERE.root.resolve()
BLOCKS = all_blocks(ROOT)
OURS = [block for block in BLOCKS if block.language == "console" and "graphcron next" in block.commands]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_names_its_language_and_hides_no_command(block: Block) -> None:
    assert block.language in RUN + SHOWN
    assert block.language in RUN or "\n$ " not in f"\n{block.text}", "commands are in blocks of console or sh"


@pytest.mark.parametrize("block", OURS, ids=str)
def test_graphcron_prints_what_is_shown(block: Block, tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command, environment = ["bash", "-c", block.commands], os.environ | {"PATH": path}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(block.printed)
    assert block.printed in ("", done.stdout)


def test_every_make_target_and_subcommand_that_a_document_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M))
    subcommands = {"help", *re.findall(r"^  ([a-z-]+) ", USAGE, re.M)}
    text = "".join(path.read_text() for path in documents(ROOT))
    named = set(re.findall(r"`make ([a-z0-9-]+)", text)), set(re.findall(r"`graphcron ([a-z-]+)", text))
    assert all(named)
    assert (named[0] - targets, named[1] - subcommands) == (set(), set())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```sh\na\n```", ("sh", "a\n", "", "")),
        ("<!-- not run: it needs a registry -->\n```sh\na\n```", ("sh", "a\n", "not run", "it needs a registry")),
        ("<!-- background -->\n\n```console\n$ a\nb\n```", ("console", "a\n", "background", "")),
        ("1. x\n\n   <!-- file: a.py -->\n   ```python\n   a\n   ```", ("python", "a\n", "file", "a.py")),
    ],
)
def test_a_comment_above_a_block_says_how_it_is_run(tmp_path: Path, text: str, expected: tuple[str, ...]) -> None:
    (tmp_path / "page.md").write_text(text)
    (block,) = blocks(tmp_path, Path("page.md"))
    assert (block.language, block.commands, block.marker, block.value) == expected


@pytest.mark.parametrize("comment", ["<!-- not run -->", "<!-- not run: -->", "<!-- in background -->"])
def test_a_comment_that_says_nothing_known_is_refused(tmp_path: Path, comment: str) -> None:
    (tmp_path / "page.md").write_text(f"{comment}\n```sh\na\n```")
    with pytest.raises(BadMarker, match=r"page\.md:2: "):
        list(blocks(tmp_path, Path("page.md")))
