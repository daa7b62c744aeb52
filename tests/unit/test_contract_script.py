"""The language of the contract cases: it must see every difference, and believe no claim of one."""

from typing import Any

from tests.contract.script import Answer, Case, compare, filled, rows, told, unexpected


def answer(status: int = 200, body: Any = None, **headers: str) -> dict[str, Any]:
    return {"status": status, "headers": headers, "body": body}


def test_equal_answers_differ_in_nothing() -> None:
    assert compare([answer(body={"a": [1, {"b": None}]})], [answer(body={"a": [1, {"b": None}]})]) == []


def test_each_place_that_differs_is_named() -> None:
    theirs = answer(body={"same": 1, "a": {"b": 1}, "gone": 1, "list": [1, 2], "longer": [1]}, Allow="GET")
    ours = answer(body={"same": 1, "a": {"b": 2}, "new": 1, "list": [1, 3], "longer": [1, 2]}, Allow="PUT")
    found = [f"1.body.{name}" for name in ("a.b", "gone", "list.1", "longer", "new")]
    assert compare([theirs], [ours]) == [*found, "1.headers.Allow"]


def test_numbers_of_another_kind_and_truths_differ() -> None:
    for one, other in ((1, 1.0), (1, True), (0, False), (None, False), ("1", 1)):
        assert compare([answer(body=one)], [answer(body=other)]) == ["1.body"]


def test_with_another_status_nothing_else_is_worth_telling() -> None:
    assert compare([answer(), answer(200, 1)], [answer(), answer(404, 2)]) == ["2.status"]


def test_what_no_row_lists_and_what_a_row_lists_in_vain_are_both_told() -> None:
    case = Case("c", (), {"row": ["*.body.a"], "other": ["1.status", "2.status"]})
    assert unexpected(case, ["1.body.a", "1.status", "1.body.b"]) == (["1.body.b"], ["other"])


def test_ids_and_times_of_writing_are_told_by_name_and_shape() -> None:
    text = '{"cron_id": "c-1", "payload": {"x": "id c-1"}, "created_at": "2026-11-23T11:48:25.684128+00:00"}'
    assert told(Answer(200, {"content-type": "application/json", "date": "x"}, text), {"cron": "c-1"}) == {
        "status": 200,
        "headers": {"Content-Type": "application/json"},
        "body": {"cron_id": "<cron>", "payload": {"x": "id <cron>"}, "created_at": "<time>"},
    }
    odd = Answer(200, {}, '{"created_at": "2026-11-23 11:48"}')
    assert told(odd, {})["body"] == {"created_at": "2026-11-23 11:48"}


def test_names_are_filled_in_at_any_depth() -> None:
    assert filled({"a": ["{cron}", {"{cron}": 1}], "b": b"{cron}"}, {"cron": "c"}) == {
        "a": ["c", {"c": 1}],
        "b": b"{cron}",
    }


def test_the_rows_are_those_of_the_one_table() -> None:
    text = """
| what | not this |
## Differences from LangGraph's server

| what | reference |
|---|---|
| `a` or b | x |
| c | y |

## After
| d | z |
"""
    assert rows(text) == ["`a` or b", "c"]
