"""Writing files whole."""

from pathlib import Path

from cluster import files


def test_an_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "file"
    assert files.write(target, "a", mode=0o600)
    before = target.stat().st_mtime_ns
    assert not files.write(target, "a", mode=0o600)
    assert target.stat().st_mtime_ns == before
    assert target.stat().st_mode & 0o777 == 0o600


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    files.write(tmp_path / "file", "a")
    files.write(tmp_path / "file", "b")
    files.link(tmp_path / "link", tmp_path / "file")
    files.link(tmp_path / "link", tmp_path / "other")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "link"}
    assert (tmp_path / "link").readlink() == tmp_path / "other"
