"""The JSON of request bodies: what is read unchanged, what is refused, and what a refusal costs."""

import json
import time
import tracemalloc

import pytest

from graphcron.facade.errors import RestError
from graphcron.facade.json_body import VALUES_LIMIT, read_json
from graphcron.facade.schemas import BODY_LIMIT


class TestJson:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (b'{"a": 9007199254740993}', {"a": 9007199254740993}),
            (b'{"a": -9223372036854775808}', {"a": -(2**63)}),
            (b'{"a": 1e300, "b": 0.1}', {"a": 1e300, "b": 0.1}),
            ('{"ü": "\\ud83d\\ude00"}'.encode(), {"ü": "😀"}),
            (b"[" * 250 + b"]" * 250, None),
        ],
    )
    def test_is_kept_as_it_came(self, text: bytes, value: object) -> None:
        read = read_json(text)
        assert value is None or read == value

    @pytest.mark.parametrize(
        ("case", "text", "detail"),
        [
            ("nothing", b"", "Invalid JSON in request body: line 1, column 1: expecting value"),
            ("no JSON", b"banana", "Invalid JSON in request body: line 1, column 1: expecting value"),
            ("cut off", b'{"a": ', "Invalid JSON in request body: line 1, column 7: expecting value"),
            (
                "no comma",
                b'{\n  "a": 1\n  "b": "s3cret"\n}',
                "Invalid JSON in request body: line 3, column 3: expecting ',' delimiter",
            ),
            ("no end", b'{"a": [1}\n', "Invalid JSON in request body: line 1, column 9: expecting ',' delimiter"),
            ("two values", b'{"a": 1}\n{}', "Invalid JSON in request body: line 2, column 1: extra data"),
            ("not UTF-8", b'{"a":\n"\xc3\xbc\xff"}', "Invalid JSON in request body: line 2, column 3: not UTF-8"),
            (
                "NaN",
                b'{"NaN": "\\"NaN", "a":\n NaN}',
                "Invalid JSON in request body: line 2, column 2: NaN is no number of JSON",
            ),
            (
                "Infinity",
                b'{"a": [-Infinity]}',
                "Invalid JSON in request body: line 1, column 8: -Infinity is no number of JSON",
            ),
            (
                "a number beyond floats",
                b'{"a": [11e400, 1e400]}',
                "Invalid JSON in request body: line 1, column 8: a number beyond any float",
            ),
            (
                "half a surrogate pair",
                b'{"a": {"b": ["\\ud800"]}}',
                "Invalid JSON in request body: a.b[0]: half of a surrogate pair",
            ),
            (
                "half a surrogate pair as key",
                b'{"\\ud800": 1}',
                "Invalid JSON in request body: a key: half of a surrogate pair",
            ),
            ("digits without end", b"1" * 5000, "Invalid JSON in request body"),
            ("depth without end", b"[" * 500_000, "The request body has more than 50000 keys and values"),
            ("depth without any end", b"[" * 5000, "The request body is nested deeper than 250 levels"),
            ("too deep", b"[" * 260 + b"]" * 260, "The request body is nested deeper than 250 levels"),
            ("an integer of 65 bits", b'{"input": {"a": [9223372036854775808]}}', "input.a[0]: Kubernetes would round"),
            ("a NUL", b'{"input": {"a": "x\\u0000"}}', "input.a: a NUL character"),
            ("a NUL as key", b'{"x\\u0000": 1}', "A key: a NUL character"),
        ],
    )
    def test_is_refused(self, case: str, text: bytes, detail: str) -> None:
        """What could not be stored, or not without a change."""
        with pytest.raises(RestError) as refused:
            read_json(text)
        assert refused.value.status == 422
        assert refused.value.detail.startswith(detail)


def test_a_body_takes_memory_by_its_size_and_not_by_its_squared() -> None:
    text = json.dumps({"metadata": {"k" * 10_000: [0] * 10_000}}).encode()
    tracemalloc.start()
    try:
        read_json(text)
        assert tracemalloc.get_traced_memory()[1] < 100 * len(text), "or each value would bear its own path"
    finally:
        tracemalloc.stop()


def filled(head: bytes, item: bytes, tail: bytes) -> bytes:
    """A body of as many bytes as are taken."""
    return head + item * ((BODY_LIMIT - len(head) - len(tail)) // len(item)) + tail


@pytest.mark.parametrize(
    "text",
    [
        filled(b'{"stream_mode":[', b"1,", b"1]}"),
        filled(b'{"input":[', b"[],", b"[]]}"),
        filled(b'{"input":[', b"{},", b"{}]}"),
        filled(b'{"input":[', b'{"":{}},', b"{}]}"),
        filled(b'{"input":[', b'"",', b'""]}'),
        filled(b'{"input":["\\"', b'"",', b'""]}'),
        filled(b'{"input":{"":0', b',"a":0', b"}}"),
    ],
)
def test_half_a_million_values_are_refused_before_any_is_made(text: bytes) -> None:
    tracemalloc.start()
    try:
        began = time.process_time()
        with pytest.raises(RestError, match=r"^The request body has more than 50000 keys and values"):
            read_json(text)
        assert time.process_time() - began < 0.5, "a hundredth of that, when this machine has nothing else to do"
        assert tracemalloc.get_traced_memory()[1] < 4 * BODY_LIMIT
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'{"a": "[[[{{{,,,:::"}', {"a": "[[[{{{,,,:::"}),
        (rb'{"a\\": "\"[,", "\\\"": [",", "\\"]}', {"a\\": '"[,', '\\"': [",", "\\"]}),
        (b'"' + b"[,{:" * 100_000 + b'"', "[,{:" * 100_000),
        (b'["' + b'\\",' * 100_000 + b'"]', ['",' * 100_000]),
        (b'["' + b"\\\\" * 100_000 + b'"]', ["\\" * 100_000]),
    ],
)
def test_what_stands_in_a_text_is_no_value(text: bytes, value: object) -> None:
    assert read_json(text) == value


def test_as_many_values_as_are_allowed_are_read() -> None:
    many = [1] * (VALUES_LIMIT - 1)
    assert read_json(json.dumps(many).encode()) == many
    for too_many in ([*many, 1, 1], {str(number): 1 for number in range(VALUES_LIMIT // 2 + 1)}):
        with pytest.raises(RestError, match="more than 50000 keys and values"):
            read_json(json.dumps(too_many).encode())
    with pytest.raises(RestError, match="more than 2 keys and values"):
        read_json(b"[1,1,1]", 2)
