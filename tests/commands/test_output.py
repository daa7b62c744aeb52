"""What commands print is for people on a terminal, and for programs in a pipe."""

import json

import pytest
import yaml

from graphcron.commands import output
from graphcron.commands.tables import Table
from graphcron.views.explaining import Step

LONG = "x" * 300


def test_a_table_in_a_pipe_is_aligned_uncoloured_and_uncut(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(Table(("NAME", "MESSAGE"), [("a", LONG), ("longer", "[bold]Failed[/bold]")]))
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "NAME     MESSAGE",
        f"a        {LONG}",
        "longer   [bold]Failed[/bold]",
    ]


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
