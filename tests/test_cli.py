"""Every command works for a user id without a name and a home: OpenShift gives each namespace ids of its own."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from graphcron import cli
from tests.support.apiserver_fake import FakeApiserver
from tests.support.facade_process import facade
from tests.support.nameless_user import nameless
from tests.support.operator_process import operator
from tests.support.until import until


async def test_the_operator_reconciles(tmp_path: Path) -> None:
    apiserver = FakeApiserver()
    async with apiserver.serving() as url, operator(url, tmp_path, **nameless(tmp_path)):
        await until(lambda: apiserver.watches_of("graphcrons"))
        await apiserver.put(
            "graphcrons", {"metadata": {"name": "hello"}, "spec": {"schedule": "0 0 1 1 *", "assistantId": "agent"}}
        )
        await until(lambda: "status" in apiserver.objects["graphcrons"]["hello"])


async def test_the_facade_serves(tmp_path: Path) -> None:
    async with facade(tmp_path, **nameless(tmp_path)) as (_, said, process):
        assert process.returncode is None
        assert any("auth mode" in line for line in said)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["next", "0 3 * * *", "--timezone", "Europe/Berlin"], 0),
        (["crd"], 0),
        (["version"], 0),
        (["copy-runner", "{folder}"], 0),
        (["copy-runner", "{folder}", "Europe/Berlin"], 0),
        (["copy-runner", "{folder}", "Europe/Berlin", "more"], 2),
        (["run"], 11),  # it has no orders, and says so
    ],
    ids=lambda value: value[0] if isinstance(value, list) else str(value),
)
def test_commands_that_end_say_what_they_say_to_others(arguments: list[str], code: int, tmp_path: Path) -> None:
    words = [word.format(folder=tmp_path) for word in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "graphcron", *words],
        env={"PATH": os.environ["PATH"], "TZ": "UTC"} | nameless(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        ("kubectl-graphcron", 2, "Usage: kubectl graphcron run [OPTIONS] NAME"),
        ("graphcron", 11, "EnvironmentInvalid"),
    ],
)
def test_run_without_a_name_is_a_run_pods_start_unless_kubectl_asks(program: str, code: int, said: str) -> None:
    command = Path(sys.executable).with_name(program)
    done = subprocess.run([command, "run"], env={}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done


def test_on_a_terminal_run_without_a_name_asks_for_one() -> None:
    ours, theirs = pty.openpty()
    command = Path(sys.executable).with_name("graphcron")
    done = subprocess.run([command, "run"], env={}, stdout=theirs, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(ours)
    os.close(theirs)
    assert (done.returncode, "Missing argument 'NAME'" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(("word", "guess"), [("lst", " Did you mean 'list'?"), ("xyzzy", "")])
def test_a_command_that_is_none_is_one_sentence(word: str, guess: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([word]) == 2
    said = capsys.readouterr().err
    assert f"there is no command '{word}'.{guess} '" in said
    assert said.count("\n") == 1
