"""A repeated create finds the cron of its key."""

import uuid
from typing import Any

import pytest

from graphcron.facade import idempotency
from graphcron.facade.errors import RestError

FIRST: dict[str, Any] = {"metadata": {"name": "c"}, "spec": {"schedule": "0 9 * * *", "input": {"a": [1, "ü"]}}}


class TestKey:
    def test_is_what_the_header_says(self) -> None:
        assert idempotency.read_key([]) is None
        assert idempotency.read_key(['"a key, quoted"']) == '"a key, quoted"'

    @pytest.mark.parametrize("given", [[""], ["a", "a"], ["x" * 256], ["tab\there"], ["ümlaut"], ["a\n"]])
    def test_that_is_none_is_refused(self, given: list[str]) -> None:
        with pytest.raises(RestError, match="Idempotency-Key must be sent once, with 1 to 255 printable") as refused:
            idempotency.read_key(given)
        assert refused.value.status == 400


class TestCronId:
    def test_is_the_same_for_the_same_owner_and_key(self) -> None:
        identity = idempotency.cron_id("ada", "k")
        assert identity == idempotency.cron_id("ada", "k") == "9cbaa456-44fb-873d-bec5-c722388d6fc5"

    def test_is_a_uuid_of_version_8(self) -> None:
        for number in range(100):
            identity = uuid.UUID(idempotency.cron_id(None, str(number)))
            assert (identity.version, identity.variant) == (8, uuid.RFC_4122)

    def test_is_another_for_another_owner_or_key(self) -> None:
        given = [("ada", "k"), ("ada", "l"), ("bob", "k"), (None, "k"), ("", "k"), ("None", "k"), ('ada","k', "")]
        assert len({idempotency.cron_id(owner, key) for owner, key in given}) == len(given)


class TestSameRequest:
    def test_passes_whatever_the_order_of_its_keys(self) -> None:
        again = FIRST | {"spec": {"input": {"a": [1, "ü"]}, "schedule": "0 9 * * *"}}
        idempotency.check_same(idempotency.marked(FIRST), idempotency.marked(again))

    def test_passes_after_an_update_of_what_it_made(self) -> None:
        updated = idempotency.marked(FIRST)
        updated = updated | {"spec": FIRST["spec"] | {"enabled": False}}
        idempotency.check_same(updated, idempotency.marked(FIRST))

    @pytest.mark.parametrize("spec", [{"schedule": "0 8 * * *"}, FIRST["spec"] | {"enabled": True}])
    def test_that_asks_for_something_else_is_refused(self, spec: dict[str, Any]) -> None:
        with pytest.raises(RestError, match="has already made cron 'c' from another request") as refused:
            idempotency.check_same(idempotency.marked(FIRST), idempotency.marked(FIRST | {"spec": spec}))
        assert refused.value.status == 422

    def test_is_never_that_of_a_cron_made_without_a_key(self) -> None:
        with pytest.raises(RestError, match="another request"):
            idempotency.check_same(FIRST, idempotency.marked(FIRST))

    def test_mark_keeps_other_annotations(self) -> None:
        annotated = FIRST | {"metadata": {"name": "c", "annotations": {"mine": "1"}}}
        assert idempotency.marked(annotated)["metadata"]["annotations"]["mine"] == "1"
        assert annotated["metadata"]["annotations"] == {"mine": "1"}
