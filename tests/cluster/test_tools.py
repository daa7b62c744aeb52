"""Whose kubectl and helm are used."""

from pathlib import Path

import pytest

from cluster.tools import choose, helm_is_recent

OURS = Path("/ours")


@pytest.mark.parametrize(
    ("version", "recent"),
    [("v3.14.0+g1", True), ("v3.9.4", False), ("v4.3", True), ("Client: v2.17.0", False), ("", False)],
)
def test_helm_must_be_3_14_or_later(version: str, recent: bool) -> None:
    assert helm_is_recent(version) is recent


def test_the_users_own_tool_is_preferred() -> None:
    assert choose("kubectl", "/usr/bin/kubectl", lambda _: "", lambda: OURS) == Path("/usr/bin/kubectl")


def test_an_old_or_missing_one_is_replaced_by_ours() -> None:
    assert choose("helm", "/usr/bin/helm", lambda _: "v3.9.4", lambda: OURS) == OURS
    assert choose("kind", None, lambda _: "", lambda: OURS) == OURS
