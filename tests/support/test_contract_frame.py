"""The comparison itself: each way in which it must fail does fail. Neither server takes part."""

from pathlib import Path
from typing import Any

import pytest

from tests.contract import differences, script
from tests.contract.compare import Answer, differing, judge
from tests.contract.script import Misspelt, Step

TABLE = f"""{differences.HEADING}

| key | what |
|---|---|
| `nul` | NUL characters |
| `made` † | times |

† `made` is of chance.

## Not there yet
| `other` | no row |
"""


def step(line: str) -> Step:
    return next(iter(script.read(f"== a case\n{line}"))).steps[0]


def verdict(line: str, reference: Any, here: Any, **here_headers: str) -> list[str]:
    """Of two answers, each with the status that the line gives it."""
    asked = step(line)
    answers = [
        Answer(status, headers, str(body), body)
        for status, body, headers in zip(asked.statuses, (reference, here), ({}, here_headers), strict=True)
    ]
    return judge(asked, answers[0], answers[1], ({"cron": "1-1"}, {"cron": "2-2"}))


MADE = {
    "cron_id": "1-1",
    "created_at": "2026-01-01T00:00:00.000000+00:00",
    "updated_at": "2026-01-01T00:00:01.000000+00:00",
}
ALSO = {
    "cron_id": "2-2",
    "created_at": "2027-01-01T00:00:00.000000+00:00",
    "updated_at": "2027-01-01T00:00:05.000000+00:00",
}


def test_ids_and_times_are_no_difference() -> None:
    assert verdict("200 get <cron>", MADE, ALSO) == []
    assert verdict("404 get <cron>", {"detail": "no 1-1"}, {"detail": "no 2-2"}) == []


def test_an_update_that_leaves_no_trace_is_a_difference() -> None:
    assert "updated_at" in verdict("200 get <cron>", MADE, ALSO | {"updated_at": ALSO["created_at"]})[0]


def test_a_time_of_another_shape_is_a_difference() -> None:
    assert "created_at" in verdict("200 get <cron>", MADE, ALSO | {"created_at": "2027-01-01 00:00"})[0]


def test_an_unlisted_difference_fails() -> None:
    assert verdict("200 get <cron>", MADE, ALSO | {"x": 1}) == [
        "body.x differs: the reference has '(absent)', the facade 1"
    ]
    assert "header.allow differs" in verdict("200 get <cron>", MADE, ALSO, Allow="GET")[0]
    assert verdict("200|422 get <cron>", None, None) == ["status differs: the reference has 200, the facade 422"]


def test_a_listed_difference_covers_no_other() -> None:
    found = verdict("200 get <cron>\n    ~ key at x *.z", {"x": {"y": 1}, "w": 1}, {"x": {"y": 2}, "w": 2})
    assert found == ["body.w differs: the reference has 1, the facade 2"]


def test_a_listed_difference_that_is_gone_fails() -> None:
    assert verdict("200 get <cron>\n    ~ key at x", MADE, ALSO) == ["the difference key no longer shows"]


def test_another_sentence_than_the_listed_one_fails() -> None:
    line = "200|422 create {}\n    ~ key says did you mean"
    assert verdict(line, MADE, {"detail": "did you mean x?"}) == []
    assert verdict(line, MADE, {"detail": "no"}) == ["the facade does not say 'did you mean' but no"]


def test_another_status_fails_whatever_is_listed() -> None:
    asked = step("200|422 create {}\n    ~ key")
    same = Answer(200, {}, "ok", "ok")
    assert judge(asked, same, same, ({}, {})) == ["the facade answered 200, not 422: ok"]
    assert judge(asked, Answer(500, {}, "oh", "oh"), Answer(422, {}, "", ""), ({}, {})) == [
        "the reference answered 500, not 200: oh"
    ]


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, True), (None, 0), ("1", 1), ([1], [1, 2]), ({}, []), ({"a": None}, {})]
)
def test_values_that_python_or_javascript_might_take_for_equal(one: Any, other: Any) -> None:
    assert list(differing(one, one)) == []
    assert len(list(differing(one, other))) == 1


def test_the_table_is_held_to_the_cases_both_ways() -> None:
    keys, marked = differences.read(TABLE)
    assert (keys, marked) == ({"nul", "made"}, {"made"})
    assert differences.unshown(keys, marked, {"nul"}) == []
    assert "no case shows nul any more" in differences.unshown(keys, marked, set())[0]
    assert "a case shows new, and docs/rest.md has no such row" in differences.unshown(keys, marked, {"nul", "new"})[0]
    assert "a case shows made, and its row bears a †" in differences.unshown(keys, marked, {"nul", "made"})[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("`made` is", "it is"), "no reason below the table: made"),
        (("`nul`", "nul"), "no `key` in its first column"),
        (("`nul`", "`made`"), "the same key"),
        ((differences.HEADING, "## Differences"), "no table"),
    ],
)
def test_a_table_that_cannot_be_relied_on(change: tuple[str, str], reason: str) -> None:
    with pytest.raises(differences.BadTable, match=reason):
        differences.read(TABLE.replace(*change))


@pytest.mark.parametrize(
    "text",
    [
        "200 get x",
        "== a\nget x",
        "== a\n200 fetch x",
        "== a\n    ~ key",
        "== a\n200 get x\n    key",
        "== a\n200 create x",
    ],
)
def test_a_misspelt_case(text: str, tmp_path: Path) -> None:
    (tmp_path / "cases.txt").write_text(text)
    with pytest.raises(Misspelt):
        script.read_folder(tmp_path)


def test_two_cases_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "cases.txt").write_text("== a\n200 get x\n== a\n200 get y")
    with pytest.raises(Misspelt, match="two cases have one name: a"):
        script.read_folder(tmp_path)
