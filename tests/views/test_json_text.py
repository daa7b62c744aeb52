"""JSON as people write it."""

import pytest

from graphcron.views.json_text import read_json


def test_a_value_comes_as_it_is_written() -> None:
    assert read_json('{"a": [1, 2.5, null, true]}') == {"a": [1, 2.5, None, True]}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{\n  "a": 1\n  "b": 2\n}', "line 3, column 3: expecting ',' delimiter"),
        ("{a: 1}", "line 1, column 2: expecting property name enclosed in double quotes"),
        ("", "line 1, column 1: expecting value"),
        ("NaN", "NaN is no JSON"),
        ("1e400", "1e400 is beyond any float"),
        (str(2**70), "cannot be stored: it has an integer beyond 64 bits"),
        ('"\\ud800"', "cannot be stored: .* half of a surrogate pair"),
        ("[" * 100_000, "nested deeper than 250 levels"),
        ("[" * 300 + "]" * 300, "more than 250 levels"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_json(text)
