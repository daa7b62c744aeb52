"""IANA time zones: accepted and refused as Kubernetes does it."""

import pytest

from graphcron.schedule.time_zone import InvalidTimezone, read_timezone


@pytest.mark.parametrize(
    "name", ["Mars/Phobos", "europe/berlin", "UTC+2", "", "Local", "../../etc/passwd", "posix/UTC"]
)
def test_a_zone_that_kubernetes_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(InvalidTimezone, match="Use IANA timezone format"):
        read_timezone(name)


def test_no_zone_is_utc() -> None:
    assert read_timezone(None).key == "Etc/UTC"
