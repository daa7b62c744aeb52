"""The list of crons: filters, counts, order and pages."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.facade.store.snapshot import kept
from graphcron.facade.translation import assistant_uuid
from graphcron.facade.v1.listing import page
from graphcron.facade.v1.schemas import CronQuery

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def cron(name: str, reason: str = "Scheduled", outcome: str | None = None, **spec: Any) -> dict[str, Any]:
    number = ord(name[0])
    metadata = {"name": name, "uid": f"00000000-0000-4000-8000-{number:012d}", "generation": 1}
    metadata |= {"creationTimestamp": f"2026-11-22T10:00:{number % 60:02d}Z", "labels": spec.pop("labels", {})}
    good = reason in ("Scheduled", "Paused")
    ready = {"type": "Ready", "status": "True" if good else "False", "reason": reason, "message": ""}
    suspended = [ready | {"type": "Suspended"}] if reason == "Paused" else []
    conditions = [one | {"lastTransitionTime": "2026-11-22T00:00:00Z"} for one in (ready, *suspended)]
    entry = {"scheduledTime": "2026-11-22T00:00:00Z", "outcome": outcome, "reason": "RunError"}
    times = [f"2026-11-23T0{number % 10}:00:00Z"] if reason == "Scheduled" else []
    return {
        "metadata": metadata,
        "spec": {"schedule": "0 9 * * *", "assistantId": "agent"} | spec,
        "status": {"observedGeneration": 1, "conditions": conditions, "nextRunTimes": times}
        | ({"history": [entry]} if outcome else {}),
    }


CRONS = [
    cron("alpha", outcome="Succeeded", labels={"team": "blue", "graphcron.dev/owner": "ada"}),
    cron("bravo", "InvalidSpec", assistantId="writer"),
    cron("charlie", "Paused", "Failed", enabled=False, labels={"team": "red"}),
    cron("delta", outcome="Failed", schedule="5 5 * * *", labels={"graphcron.dev/owner": "bob"}),
]


def names(**query: Any) -> list[str]:
    return [found["graphcron"] for found in page(CRONS, CronQuery(**query), NOW)["crons"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["bravo", "alpha", "delta", "charlie"]),
        ({"sort_by": "name"}, ["alpha", "bravo", "charlie", "delta"]),
        ({"sort_by": "next_run"}, ["delta", "alpha", "bravo", "charlie"]),
        ({"sort_by": "created_at"}, ["delta", "charlie", "bravo", "alpha"]),
        ({"phase": ["Paused", "InvalidSpec"]}, ["bravo", "charlie"]),
        ({"outcome": ["Failed"]}, ["delta", "charlie"]),
        ({"outcome": ["None"]}, ["bravo"]),
        ({"enabled": False}, ["charlie"]),
        ({"assistant_id": "writer"}, ["bravo"]),
        ({"assistant_id": "3e1ae6b6-1c5c-5b2e-9b3f-0e4a5e8b1a11"}, []),
        ({"owner": "bob"}, ["delta"]),
        ({"owner": ""}, ["bravo", "charlie"]),
        ({"label": ["team"]}, ["alpha", "charlie"]),
        ({"label": ["team=blue"]}, ["alpha"]),
        ({"label": ["team", "graphcron.dev/owner=ada"]}, ["alpha"]),
        ({"q": "DEL"}, ["delta"]),
        ({"q": "agent ada"}, ["alpha"]),
        ({"q": "5 5"}, ["delta"]),
        ({"limit": 2, "sort_by": "name"}, ["alpha", "bravo"]),
        ({"limit": 2, "offset": 3, "sort_by": "name"}, ["delta"]),
        ({"offset": 9}, []),
    ],
    ids=str,
)
def test_filters_order_and_pages(query: dict[str, Any], expected: list[str]) -> None:
    assert names(**query) == expected
    shown = page([kept(one) for one in CRONS], CronQuery(**query), NOW)
    assert [found["graphcron"] for found in shown["crons"]] == expected, "of those that are kept, too"


def test_the_id_of_the_assistant_that_langgraph_derives_is_as_good_as_its_name() -> None:
    assert names(assistant_id=assistant_uuid("writer")) == ["bravo"]


def test_the_counts_say_what_there_is_to_choose() -> None:
    found = page(CRONS, CronQuery(phase=["Paused"], outcome=["Succeeded"]), NOW)
    assert (found["crons"], found["total"]) == ([], 0)
    assert found["phases"] == {"Scheduled": 2, "InvalidSpec": 1, "Paused": 1}
    assert found["outcomes"] == {"Failed": 2, "Succeeded": 1, "None": 1}
    narrowed = page(CRONS, CronQuery(label=["team"]), NOW)
    assert (narrowed["phases"], narrowed["total"]) == ({"Scheduled": 1, "Paused": 1}, 2)


def test_the_pages_hold_each_cron_once() -> None:
    seen: list[str] = []
    offset: int | None = 0
    while offset is not None:
        found = page(CRONS, CronQuery(limit=1, offset=offset), NOW)
        seen += [one["graphcron"] for one in found["crons"]]
        offset = found["next_offset"]
    assert sorted(seen) == ["alpha", "bravo", "charlie", "delta"]
