"""Filters by `cron_id`: which are found, and that nothing else of a request is touched."""

import json
import time
from urllib.parse import quote

import pytest

from graphcron.facade.cron_filter import BODY_LIMIT, Filter, in_body, in_query, is_search

ID = "7d9f0f6e-91a8-4b0e-8a4c-0d8b8b6cf3a2"
LISTED = "/threads/t/runs"


class TestSearches:
    @pytest.mark.parametrize(
        "path",
        [
            "/threads/search", "/threads/count", "/runs/search", "/runs/count", "/threads/x/runs/search",
            "/threads/search?a=1",
        ],
    )  # fmt: skip
    def test_have_a_body_with_filters(self, path: str) -> None:
        assert is_search("POST", path)
        assert not is_search("GET", path)

    @pytest.mark.parametrize("path", ["/threads", "/assistants/search", "/store/items/search", "/threads/x/runs", "/"])
    def test_are_no_others(self, path: str) -> None:
        assert not is_search("POST", path)


class TestBody:
    @pytest.mark.parametrize(
        "given",
        [
            '{"metadata": {"KEY": "ID"}}',
            ' {\n\t"limit" : 1.50, "metadata"\n:{ "a":[1e3,{"cron_id":"ID"}], "KEY"  :\n"ID","\\u00fc":"\\""}\r\n} ',
            '{"metadata":{"KEY":"ID","KEY":"ID"}}',
            '{"metadata":{"cron_id":"x"},"metadata":{"KEY":"ID"}}',
            '{"values":{"cron_id":"ID"},"metadata":{"KEY":"ID"}}',
        ],
    )
    def test_that_names_a_cron_names_its_mark_and_is_else_as_it_was(self, given: str) -> None:
        given = given.replace("ID", ID)
        expected = given.replace("KEY", "graphcron_cron")
        assert in_body(given.replace("KEY", "cron_id").encode()) == Filter(ID, expected)
        json.loads(expected)

    def test_an_id_in_another_spelling_is_that_of_the_mark(self) -> None:
        for spelt in (ID.upper(), ID.replace("-", ""), "".join(f"\\u{ord(one):04x}" for one in ID)):
            assert in_body(f'{{"metadata": {{"cron_id": "{spelt}"}}}}'.encode()) == Filter(
                ID, f'{{"metadata": {{"graphcron_cron": "{ID}"}}}}'
            )

    @pytest.mark.parametrize(
        "given",
        [
            b"", b"cron_id", b"null", b'"cron_id"', b'["cron_id"]', b'{"cron_id": "ID"}', b'{"metadata": "cron_id"}',
            b'{"metadata": {"cron_id": "mine"}}', b'{"metadata": {"cron_id": 1}}', b'{"metadata": {"cron_id": ["ID"]}}',
            b'{"metadata": {"a": {"cron_id": "ID"}}}', b'{"metadata": {"cron_id": "ID"}',
            b'{"metadata": {"cron_id" "ID"}}', b'{"metadata": {"cron_id": "ID",,}}',
            b'{"metadata": {"cron_id": "ID\xff"}}', b'{"metadata": {"cron_id": "ID" 1}}',
            b'{"cron_id": ' + b"[" * 60_000, b'{"metadata": {"cron_id": ' + b"9" * 60_000,
        ],
    )  # fmt: skip
    def test_that_names_none_stays(self, given: bytes) -> None:
        assert in_body(given.replace(b"ID", ID.encode())) is None

    def test_of_any_shape_costs_little(self) -> None:
        bodies = [
            b'{"cron_id":' + item * ((BODY_LIMIT - 20) // len(item)) for item in (b"[", b"[],", b'{"":', b'"",', b" ")
        ]
        bodies.append(b'{"metadata":{' + b'"cron_id":"7d9f0f6e91a84b0e8a4c0d8b8b6cf3a2",' * 2900 + b'"":1}}')
        began = time.process_time()
        for body in bodies:
            in_body(body)
        assert time.process_time() - began < 2.0, "a tenth of that, when this machine has nothing else to do"


class TestQuery:
    def test_that_names_a_cron_names_its_mark_and_is_else_as_it_was(self) -> None:
        given = quote(f'{{"a": "b c", "cron_id": "{ID}"}}')
        found = in_query("GET", f"{LISTED}?limit=5&x=%2F+%zz&metadata={given}&y")
        marked = quote(f'{{"a": "b c", "graphcron_cron": "{ID}"}}', safe="")
        assert found == Filter(ID, f"limit=5&x=%2F+%zz&metadata={marked}&y")

    @pytest.mark.parametrize(
        "path",
        [
            LISTED, f"{LISTED}?metadata=cron_id", f"{LISTED}?metadata=%7B%22cron_id%22:1%7D", f"{LISTED}?cron_id={ID}",
            f"/threads/t?metadata=%7B%22cron_id%22:%22{ID}%22%7D",
        ],
    )  # fmt: skip
    def test_that_names_none_stays(self, path: str) -> None:
        assert in_query("GET", path) is None

    def test_of_another_method_stays(self) -> None:
        assert in_query("POST", f"{LISTED}?metadata=%7B%22cron_id%22:%22{ID}%22%7D") is None
