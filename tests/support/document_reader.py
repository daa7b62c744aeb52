"""Somebody who follows a document: in a folder like the repository's, with one shell for all of its blocks."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from examples.demo.session import wait_for_agent_server
from tests.docs.blocks import Block

PYTHON = Path(__file__).with_name("document_python.py")
END = "~~~ the block has ended"
BLOCK_SECONDS = 200.0
"""Longer than any `--wait` of helm or kubectl in a document."""


class Reader:
    """`stand_ins` are what the reader is to replace, such as the name of an image, by what it is here, or by a function
    that finds it out; `rewrite` is the same for what is more than words."""

    def __init__(self, root: Path, folder: Path, environment: Mapping[str, str], prelude: str) -> None:
        self.folder = folder
        self.stand_ins: dict[str, str | Callable[[], str]] = {}
        self.rewrite: Callable[[str], str] = str
        self.names: dict[str, str] = {}
        """Python names that a snippet takes as given."""
        self._python = ""
        for entry in root.iterdir():
            (folder / entry.name).symlink_to(entry)
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"],
            cwd=folder,
            env={**environment, "HOME": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._shell_runs(prelude)

    def close(self) -> None:
        """With all that was started in the background."""
        os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.communicate()

    def follow(self, document: Iterable[Block]) -> None:
        for block in document:
            self.run(block)

    def run(self, block: Block) -> None:
        """Raises AssertionError, with what was printed, when it fails."""
        text = self._own(block.commands)
        if block.marker == "file":
            with (self.folder / block.value).open("a") as file:
                file.write(text)
        if block.language == "python":
            self._python += text
            if block.marker != "file":
                (self.folder / ".snippet").write_text(self._python)
                text = f"{sys.executable} {PYTHON} '{json.dumps(self.names)}' < .snippet"
        if block.marker == "file" or block.language == "yaml":
            return
        if block.marker == "background":
            self._in_background(text)
        elif block.marker == "fails":
            said = self._shell_runs(f"if ( {text}\n); then echo it succeeded; exit 1; fi")
            assert block.value in said, said
        else:
            self._shell_runs(text)

    def _own(self, text: str) -> str:
        """As the reader adapts it."""
        for theirs, here in self.stand_ins.items():
            if theirs in text:
                text = text.replace(theirs, here if isinstance(here, str) else here())
        return self.rewrite(text)

    def _in_background(self, text: str) -> None:
        """Returns when the port that it forwards answers."""
        self._shell_runs(f"{{ {text.strip()}\n}} > /dev/null 2>&1 &")
        forwarded = re.search(r" (\d+):\d+$", text.strip())
        assert forwarded, "only port-forward is waited for"
        wait_for_agent_server(f"http://127.0.0.1:{forwarded[1]}")

    def _shell_runs(self, text: str) -> str:
        assert self._shell.stdin
        assert self._shell.stdout
        (self.folder / ".block").write_text(text)
        said = ""
        timer = Timer(BLOCK_SECONDS, self._shell.kill)
        timer.start()
        try:
            # Not typed in: a command that reads standard input would take the next one.
            self._shell.stdin.write(f". ./.block < /dev/null\necho; echo '{END}'\n")
            self._shell.stdin.flush()
            while END not in said:
                line = self._shell.stdout.readline()
                assert line, f"this failed:\n{text}\nand printed:\n{said}"
                said += line
        except BrokenPipeError:
            raise AssertionError(f"an earlier block failed, before:\n{text}") from None
        finally:
            timer.cancel()
        assert "Warning: unknown field" not in said, said
        return said.partition(f"\n{END}")[0]


@contextmanager
def reader(root: Path, folder: Path, environment: Mapping[str, str], prelude: str) -> Iterator[Reader]:
    one = Reader(root, folder, environment, prelude)
    try:
        yield one
    finally:
        one.close()
