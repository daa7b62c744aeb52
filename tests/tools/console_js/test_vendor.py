"""The console's JavaScript is what its lock says."""

from pathlib import Path

import pytest

from tools.console_js import vendor


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    for name in vendor.FILES.values():
        file = tmp_path / "node_modules" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path


def test_what_was_copied_is_unchanged_until_somebody_touches_it(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(vendor, "ROOT", tmp_path)
    monkeypatch.setattr(vendor, "VENDORED", tmp_path / "vendor")
    monkeypatch.setattr(vendor, "SUMS", tmp_path / "sums")
    assert vendor.main([str(installed)]) == vendor.main(["--check"]) == 0
    (tmp_path / "vendor/htmx.min.js").write_text("alert(1)")
    assert vendor.main(["--check"]) == 1
    assert "make vendor" in capsys.readouterr().err
    assert vendor.main([str(installed)]) == 0
    (tmp_path / "vendor/more.js").write_text("")
    assert vendor.main(["--check"]) == 1


def test_the_lock_is_one_of_the_files_that_are_checked(tmp_path: Path) -> None:
    lock, vendored = tmp_path / "package-lock.json", tmp_path / "vendor"
    vendored.mkdir()
    lock.write_text("1")
    before = vendor.sums(vendored, lock)
    lock.write_text("2")
    assert vendor.sums(vendored, lock) != before
