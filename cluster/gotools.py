"""Builds a Go program that only tests need, once and of the version in its go.mod."""

import tempfile
from pathlib import Path

from cluster import binary, commands, files, golang, paths
from cluster.progress import Progress


def ensure(source: Path, package: str, *flags: str) -> Path:
    """The program, built now if it never was. `source` has the go.mod, and flags are those of `go build`. The package
    is one of another module, or "." for that of `source`."""
    name = package.rpartition("/")[2] if package != "." else source.name
    key = binary.hash_of(source, (source,), package, *flags, binary.architecture())[:16]
    program = paths.user_cache() / name / key / name
    if not program.exists():
        with Progress(f"building {name}"), tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / name
            how = ("-trimpath", "-ldflags=-s -w", *flags)
            build: commands.Command = [golang.find(source), "build", "-C", source, *how, "-o", fresh, package]
            commands.run(build, env=binary.go_environment(), timeout=1800)
            program.parent.mkdir(parents=True, exist_ok=True)
            files.write(program, fresh.read_bytes())
            program.chmod(0o755)
    return program
