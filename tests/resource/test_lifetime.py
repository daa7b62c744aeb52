"""Whether the installation lets a GraphCron go on for so long."""

from datetime import datetime

import pytest

from graphcron.resource.lifetime import ANY_LIFETIME, AT_MOST, REQUIRED, Lifetime
from tests.support.world import at

LATE = datetime.fromisoformat("2030-01-01T00:00:00Z")
DAY = Lifetime(days=1)


@pytest.mark.parametrize("end", [None, LATE])
def test_by_default_any_end_and_none_will_do(end: datetime | None) -> None:
    assert ANY_LIFETIME.complaint(at("10:00"), None, end) is None


def test_an_end_may_be_required() -> None:
    assert Lifetime(required=True).complaint(at("10:00"), None, None) == REQUIRED
    assert Lifetime(required=True).complaint(at("10:00"), None, LATE) is None


@pytest.mark.parametrize(
    ("start", "end", "allowed"),
    [
        (None, "2026-12-02T10:00:00Z", True),
        (None, "2026-12-02T10:00:01Z", False),
        (None, None, False),
        ("2026-12-05T00:00:00Z", "2026-12-06T00:00:00Z", True),
        ("2026-12-05T00:00:00Z", "2026-12-06T00:00:01Z", False),
        ("2026-12-05T00:00:00Z", None, False),
        ("2020-01-01T00:00:00Z", "2026-12-02T10:00:00Z", True),
        ("2026-12-01T08:00:00Z", "2026-12-02T09:00:00Z", True),
    ],
)
def test_it_counts_from_the_creation_or_a_later_start(start: str | None, end: str | None, allowed: bool) -> None:
    times = [datetime.fromisoformat(text) if text else None for text in (start, end)]
    assert DAY.complaint(at("10:00"), *times) == (None if allowed else AT_MOST.format(1))
