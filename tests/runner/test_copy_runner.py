"""The copied runner in a user's image."""

import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from graphcron.firing.outcome import EXIT_DONE, EXIT_REFUSED
from graphcron.firing.zones import ZONE_FILE
from graphcron.runner.copy_runner import copy_to
from tests.support.in_pod import THREAD, Pod

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_our_modules_need_nothing_of_the_image_but_python(in_pod: Pod) -> None:
    """`-I -S`: no site-packages at all; the first thing that is missed is the user's own."""
    shim = in_pod.directory / "python3"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    shim.chmod(0o755)
    in_pod.python = shim
    code, outcome = in_pod.run()
    assert (code, outcome.reason) == (EXIT_REFUSED, "GraphNotLoaded")
    assert "No module named 'typing_extensions'" in outcome.message


def test_the_data_of_the_zone_come_with_it(tmp_path: Path) -> None:
    copy_to(str(tmp_path), "America/Argentina/Buenos_Aires")
    data = (tmp_path / "graphcron/firing" / ZONE_FILE).read_bytes()
    assert NOON.astimezone(ZoneInfo.from_file(BytesIO(data))).hour == 9


def test_without_such_data_the_images_own_have_to_do(tmp_path: Path) -> None:
    copy_to(str(tmp_path), "Europe/Nowhere")
    copy_to(str(tmp_path / "other"))
    assert not list(tmp_path.rglob(ZONE_FILE))


def test_an_image_without_any_zone_renders_times_of_the_schedules(in_pod: Pod) -> None:
    """So it is for the days that the schedule means."""
    copy_to(str(in_pod.directory / "runner"), "Europe/Berlin")
    in_pod.environ["PYTHONTZPATH"] = ""
    in_pod.keeps_threads()
    (in_pod.app / "tzdata.py").write_text("raise ImportError('no tzdata here')")
    in_pod.environ["PYTHONPATH"] = str(in_pod.app)
    render = {"name": "report", "fields": [[40], [3], None, None, None]}
    shown = {"text": "{{scheduledTime:%H:%M %Z}}"}
    in_pod.order({"input": shown}, render=render, timezone="Europe/Berlin", days=[["1#*"]], thread_id=THREAD)
    assert in_pod.run()[0] == EXIT_DONE, in_pod.log
    assert in_pod.state(THREAD)["values"]["log"][3] == "03:40 CET"
