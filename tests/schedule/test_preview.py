"""`graphcron next`: what people and programs get, by the command as it is installed."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.schedule.preview import answers

COMMAND = [sys.executable, "-m", "graphcron", "next"]
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], input=given, capture_output=True, timeout=20, check=False)


def test_people_get_words_and_both_clocks() -> None:
    after = "2026-10-24T00:00:00Z"
    done = run("30 8 * * sat-7", "--timezone", "Europe/Berlin", "--after", after, "--count", "2")
    assert done.stdout.decode().splitlines() == [
        "At 08:30, only on Sunday and Saturday (Europe/Berlin)",
        "CronJob: 30 8 * * 0,6",
        "About 9 firings a month.",
        "2026-10-24T06:30:00Z  Sat 2026-10-24 08:30 +02:00",
        "2026-10-25T07:30:00Z  Sun 2026-10-25 08:30 +01:00",
    ]
    assert done.returncode == 0


def test_without_options_it_is_five_times_from_now_in_utc() -> None:
    lines = run("0 0 * * *").stdout.decode().splitlines()
    assert lines[0] == "At 00:00 (Etc/UTC)"
    assert len(lines) == 7
    first = datetime.fromisoformat(lines[2].split()[0])
    assert 0 < (first - datetime.now(UTC)).total_seconds() < 86_400 + 60


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["0 0 31 2 *"], 1, "graphcron next: Invalid cron schedule: '0 0 31 2 *'. Reason: It never fires"),
        (["0 0 * * *", "--timezone", "Mars/Phobos"], 1, "Invalid timezone: 'Mars/Phobos'"),
        (["0 0 * * *", "--after", "tomorrow"], 2, "such as 2026-12-24T18:00:00Z"),
        (["0 0 * * *", "--after", "2026-12-24T18:00:00"], 2, "with UTC offset"),
        (["0 0 * * *", "--count", "0"], 2, "a whole number from 1 to 10000"),
        (["0 0 * * *", "--after", "9999-12-31T23:00:00Z"], 1, "too near to the end of the calendar"),
        ([], 2, "SPEC"),
    ],
)
def test_what_cannot_be_answered_is_said_on_standard_error(arguments: list[str], code: int, said: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (code, b"")
    assert said in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


@pytest.fixture
def stream() -> Iterator[subprocess.Popen[bytes]]:
    # A machine that asks Python not to buffer would hide that an answer is held back.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen([*COMMAND, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        yield process
        process.kill()


def test_each_line_is_answered_before_the_next_one_is_asked(stream: subprocess.Popen[bytes]) -> None:
    assert stream.stdin
    assert stream.stdout
    for hour in range(3):
        asked = {"schedule": f"0 {hour} * * *", "after": "2026-12-01T23:00:00Z", "count": 1}
        stream.stdin.write(json.dumps(asked).encode() + b"\n")
        stream.stdin.flush()
        assert select.select([stream.stdout], [], [], 20)[0], "the answer is held back"
        assert json.loads(stream.stdout.readline()) == {"next": [f"2026-12-02T0{hour}:00:00Z"]}
    stream.stdin.close()
    assert stream.wait(20) == 0


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    asking = 'while :; do echo \'{"schedule":"0 0 * * *"}\'; done'
    command = f"({asking}) 2>/dev/null | {' '.join(COMMAND)} - | head -1; echo ${{PIPESTATUS[1]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=20, check=False)
    assert done.stdout.decode().splitlines()[-1] == "141"
    assert done.stderr == b""


def ask(*lines: Any) -> list[dict[str, Any]]:
    written = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    defaults = {"timezone": None, "after": None, "count": 2}
    return [json.loads(answer) for answer in answers(written, defaults, lambda: NOON)]


def test_a_line_that_says_no_more_than_the_schedule_gets_the_defaults() -> None:
    assert ask({"schedule": "0 9 * * *"}) == [{"next": ["2026-12-02T09:00:00Z", "2026-12-03T09:00:00Z"]}]


def test_a_line_has_its_own_zone_start_and_count() -> None:
    line = {"schedule": "0 9 * * *", "timezone": "Asia/Kolkata", "after": "2027-01-01T00:00:00+05:30", "count": 1}
    assert ask(line) == [{"next": ["2027-01-01T03:30:00Z"]}]


BAD = {
    "no JSON": (b"{", "no JSON"),
    "an empty line": (b"\n", "no JSON"),
    "bytes that are no text": (b'"\xff"', "no JSON"),
    "JSON without an end": (b"[" * 100_000, "no JSON"),
    "no object": ([1], "no JSON object"),
    "no schedule": ({}, "schedule is missing"),
    "a schedule that is none": ({"schedule": 5}, "schedule must be a string"),
    "a schedule that never fires": ({"schedule": "0 0 31 2 *"}, "It never fires"),
    "an unknown zone": ({"schedule": "0 0 * * *", "timezone": "Mars/Phobos"}, "Invalid timezone: 'Mars/Phobos'"),
    "a zone that is no text": ({"schedule": "0 0 * * *", "timezone": 1}, "timezone must be a string"),
    "a time without offset": ({"schedule": "0 0 * * *", "after": "2026-12-01T00:00:00"}, "RFC 3339"),
    "a time that is a number": ({"schedule": "0 0 * * *", "after": 1}, "RFC 3339"),
    "the end of the calendar": ({"schedule": "0 0 * * *", "after": "9999-12-31T23:59:00Z"}, "end of the calendar"),
    "a count that is true": ({"schedule": "0 0 * * *", "count": True}, "a whole number from 1 to 10000"),
    "a count without end": ({"schedule": "0 0 * * *", "count": 10**9}, "a whole number from 1 to 10000"),
    "a misspelt key": ({"schedule": "0 0 * * *", "time_zone": "Europe/Berlin"}, 'unknown key "time_zone"'),
}


@pytest.mark.parametrize(("line", "error"), BAD.values(), ids=BAD)
def test_a_bad_line_is_answered_with_its_error_and_ends_nothing(line: Any, error: str) -> None:
    refused, answered = ask(line, {"schedule": "0 9 * * *"})
    assert list(refused) == ["error"]
    assert error in refused["error"]
    assert "next" in answered


def test_a_step_that_is_larger_than_its_range_is_warned_of() -> None:
    assert "The step of '*/90' in the minute is larger than its range" in run("*/90 * * * *").stdout.decode()


def test_a_seed_decides_what_a_hash_is() -> None:
    after = ["--after", "2026-12-01T00:00:00Z", "--count", "1"]
    shown = [run("H H * * *", *after, "--seed", seed).stdout.decode().splitlines()[1:] for seed in ("a", "b", "a")]
    assert shown[0] == shown[2] != shown[1]
    often = "About 30 firings a month."
    assert shown[0] == ["CronJob: 27 1 * * *", often, "2026-12-01T01:27:00Z  Tue 2026-12-01 01:27 +00:00"]
    without = run("H H * * *", *after).stdout.decode().splitlines()
    assert without[2].startswith("H is another value for each GraphCron, and this is an example;")
    assert len(without) == 5
    assert "H is" not in run("30 9 * mar thu", *after).stdout.decode()
    line = {"schedule": "H H * * *", "after": "2026-12-01T00:00:00Z", "count": 1, "seed": "a"}
    assert ask(line) == [{"next": ["2026-12-01T01:27:00Z"]}]
