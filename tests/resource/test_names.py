"""Names of GraphCrons."""

import pytest

from graphcron.resource.names import fault_of_name


@pytest.mark.parametrize("name", ["a", "nightly-report", "report.daily", "0", "x" * 52])
def test_good_names(name: str) -> None:
    assert fault_of_name(name) is None


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Nightly", "must be lower-case letters"),
        ("-a", "with a letter or digit at both ends"),
        ("a..b", "on both sides of each '.'"),
        ("a\n", "must be lower-case letters"),
        ("", "must be lower-case letters"),
        ("x" * 53, "no more than 52 characters"),
    ],
)
def test_bad_names_and_what_is_said_of_them(name: str, sentence: str) -> None:
    assert sentence in (fault_of_name(name) or "")
