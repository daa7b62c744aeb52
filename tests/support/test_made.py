"""Who starts pytest on a fresh clone reads what to run first."""

from pathlib import Path

import pytest

from tests.support.made import made


def test_what_is_missing_is_named_with_the_target_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"helm is missing: run `make chart-tools`"):
        made(tmp_path / "helm", "chart-tools")


def test_what_is_there_is_given_back(tmp_path: Path) -> None:
    assert made(tmp_path, "chart-tools") == tmp_path
