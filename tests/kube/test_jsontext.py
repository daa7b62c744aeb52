"""JSON that Python's parser gives up on."""

import json

import pytest

from graphcron.kube import jsontext
from graphcron.resource.fields import DEPTH_LIMIT, InvalidGraphCron
from graphcron.resource.spec_reader import read_spec


def nested(levels: int, opening: str = '{"a":', closing: str = "}") -> str:
    return opening * levels + "1" + closing * levels


@pytest.mark.parametrize("opening", ['{"a":', "["])
def test_however_deep_it_is_read_and_refused_with_its_place(opening: str) -> None:
    text = f'{{"before":[1],"deep":{nested(20_000, opening, "}" if "{" in opening else "]")},"after":{{"x":"y"}}}}'
    value = jsontext.loads(text)
    assert (value["before"], value["after"]) == ([1], {"x": "y"})
    levels, found = 0, value["deep"]
    while found is not None:
        levels, found = levels + 1, found["a"] if isinstance(found, dict) else found[0]
    assert levels == jsontext.LEVELS - 1  # below the outermost
    json.dumps(value)
    with pytest.raises(InvalidGraphCron, match=r"^spec\.deep: nested deeper than 250 levels$"):
        read_spec(value)


def test_brackets_within_strings_are_no_nesting() -> None:
    text = json.dumps({"text": '[{"\\' * 1000, "escaped": '\\"[' * 1000, "list": [[]] * 600}).encode()
    assert jsontext.shallow(text) == text


def test_what_is_no_json_is_no_json() -> None:
    for text in (b"", b"[" * 20_000, nested(20_000).encode() + b"}"):
        with pytest.raises(ValueError, match=r"."):
            jsontext.loads(text)


def test_a_spec_may_have_as_many_levels_as_a_request() -> None:
    given = {"schedule": "0 0 1 1 *", "assistantId": "agent"}
    levels = DEPTH_LIMIT - 1  # the spec is one, too
    assert read_spec(given | {"input": json.loads(nested(levels))}).input
    with pytest.raises(InvalidGraphCron, match=r"^spec\.input: nested deeper than 250 levels$"):
        read_spec(given | {"input": json.loads(nested(levels + 1))})


def test_what_was_read_is_written_however_deep_and_however_large_its_numbers() -> None:
    deep = jsontext.loads(nested(20_000))
    for value in (deep, {"n": 2**70, "text": "é😀\u2028"}, [1, 1.5, None, True]):
        assert json.loads(jsontext.dumps(value)) == value
    assert jsontext.dumps({"é": [1, 2]}) == '{"é":[1,2]}'.encode()


def test_equal_values_have_one_canonical_text() -> None:
    assert jsontext.canonical({"b": {"d": 1, "c": 2}, "a": 3}) == jsontext.canonical({"a": 3, "b": {"c": 2, "d": 1}})
