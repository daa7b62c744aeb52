"""What `make help` shows, and how the stages of `make test` are timed."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_help_lists_every_target() -> None:
    targets = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "e2e" in targets
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make (\S+)", shown, re.MULTILINE) == targets


def stages(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    (folder / "Makefile").write_text("good:\n\t@true\nbad:\n\t@exit 3\n")
    environment = {"PATH": os.environ["PATH"]}
    command = [str(ROOT / "tools/stages.sh"), *names]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_time_of_each_stage_is_printed_at_the_end(tmp_path: Path) -> None:
    done = stages(tmp_path, "good", "good")
    assert done.returncode == 0
    assert re.findall(r"^  (good|total) +0:0\d$", done.stdout, re.MULTILINE) == ["good", "good", "total"]


def test_a_stage_that_fails_is_the_last_and_named(tmp_path: Path) -> None:
    done = stages(tmp_path, "good", "bad", "good")
    assert done.returncode != 0
    assert re.findall(r"^  (\w+) +0:0\d(.*)$", done.stdout, re.MULTILINE) == [
        ("good", ""),
        ("bad", "  FAILED"),
        ("total", ""),
    ]
