"""Scripts that play a container engine, for what is asked of one and how its refusals are taken."""

from pathlib import Path

from cluster.engine import Engine


def script(folder: Path, name: str, body: str) -> None:
    """A program of this name, which appends what it is called with to `calls` beside it."""
    program = folder / name
    program.write_text(f'#!/bin/sh\necho "{name} $*" >> {folder}/calls\n{body}\n')
    program.chmod(0o755)


def engine_in(folder: Path, name: str) -> Engine:
    """The engine that the script of this name plays."""
    return Engine(name, {"PATH": f"{folder}:/usr/bin:/bin"})


def calls(folder: Path) -> list[str]:
    path = folder / "calls"
    return path.read_text().splitlines() if path.exists() else []
