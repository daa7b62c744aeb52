"""What comes of the form of a backfill."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.views.backfill_form import draft

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def graphcron(schedule: str = "0 9 * * *", name: str = "daily", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "team", "uid": "u"},
        "spec": {"schedule": schedule, "assistantId": "agent", "timezone": "Europe/Berlin", **spec},
        "status": {},
    }


def wanted(begin: str = "2026-11-20T00:00", end: str = "2026-11-23T00:00", **more: str) -> dict[str, str]:
    return {"from": begin, "to": end, **more}


def test_times_are_those_of_the_crons_zone() -> None:
    found = draft(wanted(), graphcron(), NOW)
    assert found.plan is not None
    assert found.plan.slots == [datetime(2026, 11, day, 8, tzinfo=UTC) for day in (20, 21, 22)]


@pytest.mark.parametrize("name", ["a", "x" * 52, "x" * 37 + "-y"])
def test_its_name_is_one_that_kubernetes_takes(name: str) -> None:
    made = draft(wanted(), graphcron(name=name), NOW).manifest["metadata"]["name"]
    assert len(made) <= 63
    assert "--" not in made


@pytest.mark.parametrize(
    ("given", "cron", "place", "sentence"),
    [
        (wanted(end=""), graphcron(), "to", "must be a date and a time"),
        (wanted(begin="0001-01-01T00:00"), graphcron(timezone="Asia/Tokyo"), "from", "must be a date"),
        (wanted(parallelism="9" * 5000), graphcron(), "parallelism", "must be a whole number"),
        (wanted(parallelism="1000"), graphcron(), "", "spec.parallelism: input should be less than"),
        (wanted(order="Sideways"), graphcron(), "", "spec.order"),
        (wanted(begin="2020-01-01T00:00"), graphcron("* * * * *"), "", "more than 10000 scheduled times"),
        (wanted(), graphcron("banana"), "", "Invalid cron schedule"),
    ],
)
def test_a_mistake_is_told_beside_its_field(
    given: dict[str, str], cron: dict[str, Any], place: str, sentence: str
) -> None:
    found = draft(given, cron, NOW)
    assert found.plan is None
    assert sentence in found.errors[place]
