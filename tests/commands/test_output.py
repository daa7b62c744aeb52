"""What commands print is for people on a terminal, and for programs in a pipe."""

import json
import os
import pty

import pytest
import yaml

from graphcron.commands import output
from graphcron.commands.linting import Finding, Report
from graphcron.commands.requesting import Answer
from graphcron.commands.tables import Table
from graphcron.views.explaining import Step

LONG = "x" * 300


def test_a_table_in_a_pipe_is_aligned_uncoloured_and_uncut(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(Table(("NAME", "MESSAGE"), [("a", LONG), ("longer", "[bold]Failed[/bold]")]))
    assert capsys.readouterr().out.splitlines() == [
        "NAME    MESSAGE",
        f"a       {LONG}",
        "longer  [bold]Failed[/bold]",
    ]


def test_a_terminal_cuts_long_texts_and_no_name() -> None:
    name, title = "01a20527-c6d8-78ac-9a30-8df9de5583bc", "毎朝の報告書を書いてください、そして要約してください"
    table = Table(("NAME", "TITLE", "PHASE", "MESSAGE"), [(name, title, "Scheduled", LONG), ("b", "-", "Paused", "-")])
    wide, narrow = output.fitted(table, 500), output.fitted(table, 80)
    assert wide == Table(table.columns, [list(row) for row in table.rows])
    (row, other) = narrow.rows
    assert (row[0], row[2]) == (name, "Scheduled")
    assert row[1] == "毎朝の報告書を…", "eight signs take sixteen columns"
    assert row[3] == "x" * 39 + "…"
    assert other == ["b", "-", "Paused", "-"]


def test_a_line_of_a_terminal_is_used_up() -> None:
    table = Table(("NAME", "MESSAGE"), [("a", "x" * 100)])
    assert [len(row[1]) for row in output.fitted(table, 66).rows] == [60]


def test_on_a_terminal_what_needs_attention_is_red_and_names_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = on_a_terminal(monkeypatch, NO_COLOR=None)
    assert "\x1b[31mInvalidSchedule\x1b[0m" in shown
    assert "\x1b[31mx\x1b[0m\x1b[32m+" in shown
    assert "a-name-of-many-letters" in shown
    assert "\x1b" not in on_a_terminal(monkeypatch, NO_COLOR="1")


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, **environment: str | None) -> str:
    """What is printed on one of 20 columns."""
    ours, theirs = pty.openpty()
    for name, value in ({"TERM": "xterm", "COLUMNS": "20"} | environment).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        row = ("a-name-of-many-letters", "InvalidSchedule", "x+")
        output.table(Table(("NAME", "PHASE", "RESULTS"), [row]))
        terminal.flush()
        shown = os.read(ours, 10_000).decode()
    os.close(ours)
    return shown


def test_a_terminal_obeys_no_name_and_no_message(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b]0;owned\x07\x9b31m"
    output.table(Table(("NAME", "TITLE"), [("a", evil)]))
    output.pairs([("Phase", evil)])
    output.steps([Step("spec", False, evil, evil)])
    output.request(Answer("Failed", "a-1", "RunError", evil))
    output.findings(Report(1, (Finding("file:1", "error", evil, "Reason", evil),)))
    printed = "".join(capsys.readouterr())
    assert printed.count("owned") == 7
    assert not set(printed) & set("\x1b\x07\x9b")


def test_further_lines_of_a_value_stand_below_its_first(capsys: pytest.CaptureFixture[str]) -> None:
    output.pairs([("Next", "one\ntwo")])
    assert capsys.readouterr().out == "Next:        one\n             two\n"


def test_documents_are_what_kubectl_applies(capsys: pytest.CaptureFixture[str]) -> None:
    values = [{"b": "ü", "a": None}, {"c": [1]}]
    output.documents(values)
    printed = capsys.readouterr().out
    assert list(yaml.safe_load_all(printed)) == values
    assert printed.startswith("b: ü\n")


def test_json_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    output.document([{"a": 1}], "json")
    assert json.loads(capsys.readouterr().out) == [{"a": 1}]


def test_steps_end_with_what_to_do_or_with_nothing_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    output.steps([Step("spec", True, "is right"), Step("schedule", False, "Paused", "Resume it.")])
    assert capsys.readouterr().out == "ok  spec: is right\nNO  schedule: Paused\n    What to do: Resume it.\n"
    output.steps([Step("spec", True, "is right")])
    assert capsys.readouterr().out.endswith("Nothing is wrong.\n")
