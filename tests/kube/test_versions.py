"""Resource versions compare as numbers."""

from typing import Any

import pytest

from graphcron.kube.versions import version_of


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [({"resourceVersion": "10"}, 10), ({"resourceVersion": "9"}, 9), ({"resourceVersion": "x"}, 0), ({}, 0)],
)
def test_a_version_is_a_number_and_none_is_0(metadata: dict[str, Any], expected: int) -> None:
    assert version_of({"metadata": metadata}) == expected
