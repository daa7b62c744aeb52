"""`graphcron lint` says what the operator would say, with the file and the line."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from graphcron.commands.cluster import Failed
from graphcron.commands.linting import Finding, Report, anywhere, lint, texts
from graphcron.resource.durations import DURATION
from graphcron.resource.lifetime import AT_MOST, Lifetime

NOW = datetime(2030, 1, 1, tzinfo=UTC)
GOOD = """\
apiVersion: graphcron.dev/v1
kind: GraphCron
metadata: {name: good}
spec: {schedule: "0 9 * * *", assistantId: agent, startTime: 2030-01-01T00:00:00Z}
"""


def linted(text: str, minimum_interval: int = 0) -> Report:
    return lint([("a.yaml", text)], anywhere(minimum_interval), NOW)


def only(text: str, minimum_interval: int = 0) -> Finding:
    (finding,) = linted(text, minimum_interval).findings
    return finding


def test_a_good_one_has_no_findings() -> None:
    """Its time has no quotes: to kubectl, which sends JSON, it is a string all the same."""
    assert (linted(GOOD).graphcrons, linted(GOOD).findings) == (1, ())


def test_an_end_that_the_installation_asks_for() -> None:
    report = lint([("a.yaml", GOOD)], anywhere(0, Lifetime(days=1)), NOW)
    assert [(one.reason, one.message) for one in report.findings] == [("LifetimeNotAllowed", AT_MOST.format(1))]


@pytest.mark.parametrize("name", ["a", "a.b", "a--b.0", "0.1.2", "team-a.report"])
def test_each_name_that_kubernetes_takes_is_good(name: str) -> None:
    assert linted(GOOD.replace("name: good", f"name: {name!r}")).findings == ()


@pytest.mark.parametrize(
    ("old", "new", "reason", "words"),
    [
        ("0 9 * * *", "61 9 * * *", "InvalidSchedule", "61"),
        ("0 9 * * *", "0 9 * *", "InvalidSchedule", "minute hour day_of_month"),
        ("0 9 * * *", "0 0 30 2 *", "InvalidSchedule", "never"),
        ("assistantId", "assistentId", "InvalidSpec", "assistentId"),
        ("startTime: 2030", "timezone: Mars/Olympus, startTime: 2030", "InvalidTimezone", "Mars/Olympus"),
        ("startTime: 2030", "engine: inPod, startTime: 2030", "InvalidSpec", "needs image"),
        (
            "startTime: 2030",
            "input: '{{scheduledTime:%Q}}', renderInput: true, startTime: 2030",
            "InvalidSpec",
            "spec: input has a time format that cannot be used",
        ),
        ("graphcron.dev/v1\n", "graphcron.dev/v2\n", "InvalidSpec", "graphcron.dev/v1"),
        ("name: good", "name: Good", "InvalidName", "lower-case"),
        ("name: good", "name: a..b", "InvalidName", "lower-case"),
        ("name: good", "name: a.-b", "InvalidName", "lower-case"),
        ("name: good", "name: a-.b", "InvalidName", "lower-case"),
        ("name: good", "name: a.", "InvalidName", "lower-case"),
        ("name: good", f"name: {'g' * 53}", "InvalidName", "52 characters"),
        ("name: good", "labels: {}", "InvalidName", "missing"),
        ("spec:", "sepc: {}\nspec:", "InvalidSpec", "'sepc'"),
    ],
)
def test_a_mistake_is_an_error_with_the_operators_reason(old: str, new: str, reason: str, words: str) -> None:
    found = only(GOOD.replace(old, new))
    assert (found.severity, found.reason, found.where) == ("error", reason, "a.yaml:1")
    assert words in found.message


def test_a_step_larger_than_its_range_is_a_warning() -> None:
    found = only(GOOD.replace("0 9", "*/90 *"))
    assert (found.severity, found.name) == ("warning", "good")
    assert not linted(GOOD.replace("0 9", "*/90 *")).failed


def test_the_installations_guardrail_can_be_given() -> None:
    frequent = GOOD.replace("0 9", "* *")
    assert linted(frequent).findings == ()
    assert only(frequent, 3600).reason == "TooFrequent"


def test_each_document_and_each_item_of_a_list_is_judged_at_its_line_and_other_kinds_are_passed_over() -> None:
    items = "".join(f"- {line}\n" if not index else f"  {line}\n" for index, line in enumerate(GOOD.splitlines()))
    text = f"kind: Secret\n---\n{GOOD.replace('0 9', '61 9')}---\nkind: List\nitems:\n{items}---\n"
    report = linted(text)
    assert report.graphcrons == 2
    assert [found.where for found in report.findings] == ["a.yaml:3"]


@pytest.mark.parametrize("text", ["a: [", "just words", "[1, 2]", "a: b: c", "!!python/object:os.system {}"])
def test_what_is_no_object_is_an_error(text: str) -> None:
    assert only(text).reason == "InvalidYaml"


def test_a_folder_is_read_with_all_below_it_and_a_dash_is_standard_input(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below/a.yml").write_text("a")
    (tmp_path / "b.json").write_text("b")
    (tmp_path / "c.txt").write_text("c")
    found = texts([str(tmp_path), "-"], io.StringIO("d"))
    assert found == [(str(tmp_path / "b.json"), "b"), (str(tmp_path / "below/a.yml"), "a"), ("stdin", "d")]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"nothing\.yaml"):
        texts([str(tmp_path / "nothing.yaml")], io.StringIO())


EXPECTING = """
apiVersion: graphcron.dev/v1
kind: GraphCron
metadata: {name: hello}
spec: {schedule: "0 9 * * *", assistantId: agent, expect: {successWithin: %s, startWithin: 5m, finishWithin: 20m}}
"""


def test_a_duration_is_judged_as_everywhere() -> None:
    assert linted(EXPECTING % "26h").findings == ()
    assert only(EXPECTING % "7d").message == f"spec.expect.successWithin: {DURATION}"


def test_notes_say_how_often_each_fires_and_a_sum_says_all() -> None:
    second = GOOD.replace("name: good", "name: often").replace("0 9", "*/2 *").replace("2030-01-01T00:00:00Z", "null")
    wrong, off = second.replace("*/2 *", "61 *"), GOOD.replace("assistantId", "enabled: false, assistantId")
    report = linted("---\n".join((GOOD, second, wrong, off)))
    assert [(note.where, note.name, note.severity, note.message) for note in report.notes] == [
        ("a.yaml:1", "good", "note", "About 30 firings a month."),
        ("a.yaml:6", "often", "note", "About 21,915 firings a month."),
    ]
    assert (round(report.firings_per_month), len(report.findings)) == (21_945, 1), (
        "the third is wrong, the fourth is off"
    )
