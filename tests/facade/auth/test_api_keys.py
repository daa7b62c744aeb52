"""API keys in a directory that changes as kubelet changes a mounted Secret: all files at once, by one link."""

import shutil
from pathlib import Path

import pytest

from graphcron.facade.auth.api_keys import InvalidKeys, KeyDirectory

ADA, BOB, NEW = "a" * 24, "b" * 24, "n" * 24


class Mount:
    """A Secret as kubelet mounts it: `..data` points to a directory of that version, each file through it."""

    def __init__(self, path: Path, **files: str) -> None:
        self.path = path
        self._versions = 0
        self.update(**files)

    def update(self, **files: str) -> None:
        self._versions += 1
        version = self.path / f"..2026_11_22_{self._versions}"
        version.mkdir()
        for name, text in files.items():
            (version / name).write_text(text)
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")
        (self.path / "..data_tmp").symlink_to(version.name)
        (self.path / "..data_tmp").rename(self.path / "..data")
        for old in self.path.glob("..2026_*"):
            if old != version:
                shutil.rmtree(old)


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    return Mount(tmp_path, ada=ADA, bob=BOB)


def test_a_new_version_counts_at_once_and_the_old_one_no_longer(mount: Mount) -> None:
    directory = KeyDirectory(mount.path)
    assert directory.keys().owner_of(ADA) == "ada"
    mount.update(ada=NEW)
    keys = directory.keys()
    assert (keys.owner_of(NEW), keys.owner_of(ADA), keys.owner_of(BOB)) == ("ada", None, None)


def test_an_unchanged_version_is_not_read_again(mount: Mount) -> None:
    directory = KeyDirectory(mount.path)
    assert directory.keys() is directory.keys()


def test_a_file_edited_in_an_ordinary_directory_counts(tmp_path: Path) -> None:
    (tmp_path / "ada").write_text(ADA)
    directory = KeyDirectory(tmp_path)
    assert directory.keys() is directory.keys()
    (tmp_path / "ada").write_text(NEW + "\n")
    assert directory.keys().owner_of(NEW) == "ada"
    assert directory.keys().owner_of(ADA) is None


def test_a_removed_key_dies_though_another_one_is_mistyped(mount: Mount, caplog: pytest.LogCaptureFixture) -> None:
    """Keeping the last good version instead would let a leaked key live on."""
    directory = KeyDirectory(mount.path)
    mount.update(ada="typo", bob=BOB)
    keys = directory.keys()
    assert (keys.owner_of(ADA), keys.owner_of("typo"), keys.owner_of(BOB)) == (None, None, "bob")
    assert "line 1 of 'ada' is too short" in caplog.text
    assert "typo" not in caplog.text
    assert BOB not in caplog.text


def test_keys_that_are_gone_let_nobody_in_and_are_told_once(mount: Mount, caplog: pytest.LogCaptureFixture) -> None:
    directory = KeyDirectory(mount.path)
    shutil.rmtree(mount.path)
    assert directory.keys().owner_of(ADA) is None
    assert directory.keys().owner_of(BOB) is None
    assert caplog.text.count("cannot be read") == 1
    mount.path.mkdir()
    mount.update(ada=ADA)
    assert directory.keys().owner_of(ADA) == "ada"


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "it has no API keys"),
        ({"ada": ""}, "'ada' has no API key"),
        ({"ada": "hunter2"}, "too short"),
    ],
)
def test_a_start_with_a_mistake_is_refused(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidKeys, match=sentence) as refused:
        KeyDirectory(Mount(tmp_path, **files).path)
    assert "hunter2" not in str(refused.value)


def test_a_directory_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidKeys, match="No such file or directory"):
        KeyDirectory(tmp_path / "none")
