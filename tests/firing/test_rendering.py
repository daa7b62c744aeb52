"""Placeholders in the strings of an input: what is replaced, what is refused, and that it stays the JSON it was."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphcron.firing.rendering import (
    DIRECTIVES,
    FORMAT_LIMIT,
    PLACEHOLDERS_LIMIT,
    BadPlaceholder,
    check,
    formatted,
    render,
)

DUE = datetime(2026, 11, 22, 19, 20, tzinfo=UTC)


def said(name: str, form: str) -> str:
    return f"<{name}|{form}>" if form else f"<{name}>"


def rendered(value: Any) -> Any:
    return json.loads(render(json.dumps(value), "input", said))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{name}}", "<name>"),
        ("{{ scheduledTime }}", "<scheduledTime>"),
        ("from {{previousScheduledTime}} to {{scheduledTime}}.", "from <previousScheduledTime> to <scheduledTime>."),
        ("{{scheduledTime:%H:%M}}", "<scheduledTime|%H:%M>"),
        ('{"a": {{name}}}', '{"a": <name>}'),
        ("{ {name} } }}", "{ {name} } }}"),
        ("", ""),
    ],
)
def test_placeholders_are_replaced_in_strings(text: str, expected: str) -> None:
    assert rendered(text) == expected
    assert rendered({"a": [0, {"b": text}], "c": None}) == {"a": [0, {"b": expected}], "c": None}


def test_keys_stay_as_they_are() -> None:
    assert rendered({"{{name}}": "{{name}}", "{{nobody}}": {"{{": 1}}) == {
        "{{name}}": "<name>",
        "{{nobody}}": {"{{": 1},
    }


def test_all_but_the_strings_with_placeholders_stays_byte_by_byte() -> None:
    text = ' {"n" : 1e400, "pi":3.14159265358979323846264338 , "n": -0, "s":"ä\\u00e4\\/","d" : "{{name}}" }\n'
    assert render(text, "input", said) == text.replace("{{name}}", "<name>")


def test_escapes_are_read_before_placeholders_are_looked_for() -> None:
    assert json.loads(
        render('["\\u007b\\u007Bname}}", "{\\u007bname\\u007d}", "\\\\u007b{name}}"]', "input", said)
    ) == [
        "<name>",
        "<name>",
        "\\u007b{name}}",
    ]


@pytest.mark.parametrize("value", ['", "admin": true, "x": "', "\\", "\n\0", "{{name}}", "\ud83d"])
def test_a_value_is_text_in_its_string_and_no_more(value: str) -> None:
    found = json.loads(render('{"a": "x{{name}}y", "b": 1}', "input", lambda name, form: value))
    assert found == {"a": f"x{value}y", "b": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
PIECES = st.lists(st.sampled_from(["{{name}}", "{", "}", '"', "\\", "{{", "}}", "{{scheduledTime:%d}}", "ä", "x", ":"]))


@given(JSON, st.booleans())
def test_what_has_no_placeholder_is_the_same_text(value: Any, ascii_: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_)
    if "{{" not in text:
        assert render(text, "input", said) == text


@given(st.recursive(PIECES.map("".join), lambda inner: st.lists(inner) | st.dictionaries(PIECES.map("".join), inner)))
def test_rendering_never_breaks_the_json(value: Any) -> None:
    def expected(node: Any) -> Any:
        if isinstance(node, str):
            return node.replace("{{name}}", '"').replace("{{scheduledTime:%d}}", '"')
        return [*map(expected, node)] if isinstance(node, list) else {key: expected(node[key]) for key in node}

    try:
        found = render(json.dumps(value), "input", lambda name, form: '"')
    except BadPlaceholder:
        return
    assert json.loads(found) == expected(value)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"a": [{"b": "{{shceduledTime}}"}]}, "input.a.0.b has a placeholder that renderInput does not know: there are "
         "{{scheduledTime}}, {{previousScheduledTime}} and {{name}}"),
        ("{{}}", "input has a placeholder that renderInput does not know"),
        ("{{{name}}}", "input has a placeholder that renderInput does not know"),
        ({"a": "{{name"}, "input.a has '{{' without '}}'"),
        (["{{name}}", ["x", "{{name:%Y}}"]], "input.1.1 has a format for {{name}}, which is no time"),
        ("{{scheduledTime:}}", "input has a time format that cannot be used: 1 to 64 characters, of %Y %m"),
        ("{{scheduledTime:%Q}}", "time format"),
        ("{{scheduledTime:%-d}}", "time format"),
        ("{{scheduledTime:100%}}", "time format"),
        (f"{{{{scheduledTime:{'x' * (FORMAT_LIMIT + 1)}}}}}", "time format"),
        (["{{name}}" * PLACEHOLDERS_LIMIT, "{{name}}"], "input.1 has one placeholder too many"),
    ],
)  # fmt: skip
def test_what_cannot_be_replaced_is_refused_with_its_place(value: Any, sentence: str) -> None:
    with pytest.raises(BadPlaceholder) as refused:
        check(json.dumps(value), "input")
    assert sentence in str(refused.value)


def test_no_input_is_quoted_and_no_place_is_long() -> None:
    with pytest.raises(BadPlaceholder) as refused:
        check(json.dumps({"k\n" * 500: "{{hunter2}} {{scheduledTime:%Qhunter2}}"}), "input")
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


def test_as_many_placeholders_as_are_allowed_are_replaced() -> None:
    assert rendered("{{name}}" * PLACEHOLDERS_LIMIT) == "<name>" * PLACEHOLDERS_LIMIT


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%Y-%m-%d", "2026-11-22"),
        ("%d.%m.%Y %H:%M Uhr", "22.11.2026 20:20 Uhr"),
        ("%A, %B %d", "Sunday, November 22"),
        ("KW %V/%G, Tag %j", "KW 47/2026, Tag 326"),
        ("%z %Z", "+0100 CET"),
        ("100%%", "100%"),
        ("ä\u0000\ud83d%Y", "ä\u0000\ud83d2026"),
        ("%I %p", "08 PM"),
    ],
)
def test_a_format_is_that_of_strftime_in_the_zone_of_the_moment(form: str, text: str) -> None:
    assert formatted(DUE.astimezone(ZoneInfo("Europe/Berlin")), form) == text


@given(
    st.lists(st.sampled_from([*(f"%{code}" for code in DIRECTIVES), "x", " ", "ä", "\0"]), max_size=FORMAT_LIMIT // 2)
)
def test_each_format_that_is_let_through_can_be_used(parts: list[str]) -> None:
    form = "".join(parts)
    if form.strip():
        check(json.dumps(f"{{{{scheduledTime:{form}}}}}"), "input")
        assert len(formatted(DUE, form)) <= 300
