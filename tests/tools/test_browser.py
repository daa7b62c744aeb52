"""Which browser the console's tests use, and what somebody is told who has none."""

import os
from pathlib import Path

import pytest

from cluster import commands, packages
from cluster.errors import ClusterError
from tools import browser


def program(folder: Path, name: str) -> Path:
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_chromium_on_path_is_found_before_chrome(tmp_path: Path) -> None:
    program(tmp_path, "google-chrome")
    assert browser.find({"PATH": str(tmp_path)}) == tmp_path / "google-chrome"
    program(tmp_path, "chromium")
    assert browser.find({"PATH": str(tmp_path)}) == tmp_path / "chromium"


def test_a_browser_that_is_named_is_used_and_no_other(tmp_path: Path) -> None:
    program(tmp_path, "chromium")
    mine = program(tmp_path, "mine")
    assert browser.find({"PATH": str(tmp_path), "CHROMIUM": str(mine)}) == mine
    assert browser.find({"PATH": str(tmp_path), "CHROMIUM": str(tmp_path / "gone")}) is None


def test_whoever_has_none_and_cannot_install_one_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(commands, "SYSTEM_PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError):
        packages.ensure((packages.Need("chromium", "chromium"),))
    assert browser.main() == 1
    told = capsys.readouterr().err
    assert "sudo apt-get install --no-install-recommends chromium" in told
    assert "make browser CHROMIUM=/path/to/it" in told
