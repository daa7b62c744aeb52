"""Writes files so that a reader, or a later run after a kill, sees all of the content or none of it."""

import tempfile
from pathlib import Path


def write(path: Path, content: str | bytes, mode: int = 0o644) -> bool:
    """Give the file this content and mode; an unchanged file is left alone. Says whether it changed."""
    data = content.encode() if isinstance(content, str) else content
    if path.is_file() and path.read_bytes() == data and path.stat().st_mode & 0o777 == mode:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as temporary:
        temporary.write(data)
    Path(temporary.name).chmod(mode)
    Path(temporary.name).replace(path)
    return True


def link(path: Path, target: Path) -> None:
    """Make the path a symlink to the target, replacing what was there in one step."""
    if path.is_symlink() and path.readlink() == target:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)
