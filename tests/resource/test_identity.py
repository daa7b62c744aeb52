"""The id and the owner of a cron, by its metadata."""

from typing import Any

import pytest

from graphcron.resource.identity import OWNER_LABEL, cron_id, owner_of

ID, UID = "01a204b0-17b1-7162-b9ff-1680d8100709", "7d9f0f6e-91a8-4b0e-8a4c-0d8b8b6cf3a2"


@pytest.mark.parametrize(("name", "expected"), [(ID, ID), ("hello", UID), (ID.upper(), UID), (f"x-{ID}", UID)])
def test_a_cron_is_known_by_its_name_when_that_is_a_uuid_and_by_its_uid_otherwise(name: str, expected: str) -> None:
    assert cron_id({"name": name, "uid": UID}) == expected


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [({}, None), ({"labels": {OWNER_LABEL: ""}}, None), ({"labels": {OWNER_LABEL: "ada"}}, "ada")],
)
def test_a_cron_belongs_to_the_owner_in_its_label(metadata: dict[str, Any], owner: str | None) -> None:
    assert owner_of({"metadata": metadata}) == owner
