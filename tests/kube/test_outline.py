"""What is kept in memory of a GraphCron that no run can come of."""

from typing import Any

from graphcron.kube.jsontext import dumps
from graphcron.kube.outline import OBJECT_LIMIT, OVERSIZE, STATUS_LIMIT, bounded, outline


def sized(length: int) -> dict[str, Any]:
    """A GraphCron of so many bytes as JSON."""
    rest = len(dumps({"spec": {"input": ""}}))
    return {"spec": {"input": "x" * (length - rest)}}


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def test_one_of_the_limit_is_kept_as_it_is_and_one_byte_more_is_not() -> None:
    whole = sized(OBJECT_LIMIT)
    assert len(dumps(whole)) == OBJECT_LIMIT
    assert bounded(whole) is whole
    assert bounded(sized(OBJECT_LIMIT + 1))[OVERSIZE] is True


def test_what_is_too_deep_for_the_parser_is_too_large() -> None:
    assert OVERSIZE not in bounded({"spec": {"input": nested(200)}})
    assert bounded({"spec": {"input": nested(300)}})[OVERSIZE] is True


def test_what_names_it_and_what_lists_show_stays() -> None:
    labels = {"graphcron.dev/owner": "ada", "team": "blue"}
    metadata = {"name": "a", "uid": "u", "labels": labels, "annotations": {"x": "y"}, "managedFields": [{}]}
    spec = {"schedule": "* * * * *", "enabled": False, "input": {"a": 1}, "threadId": ["no text"]}
    whole = {"apiVersion": "v1", "kind": "GraphCron", "metadata": metadata, "spec": spec, "status": {"active": 1}}
    assert outline(whole) == {
        "apiVersion": "v1",
        "kind": "GraphCron",
        "metadata": {"name": "a", "uid": "u", "labels": {"graphcron.dev/owner": "ada"}},
        "spec": {"schedule": "* * * * *", "enabled": False},
        "status": {"active": 1},
        OVERSIZE: True,
    }


def test_a_status_that_the_operator_cannot_have_written_goes_too() -> None:
    assert outline({"status": {"x": "x" * STATUS_LIMIT}})["status"] == {}


def test_one_without_any_part_has_an_outline() -> None:
    assert outline({"metadata": None, "spec": None}) == {"metadata": {}, "spec": {}, "status": {}, OVERSIZE: True}
