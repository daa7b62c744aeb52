"""Lists of GraphCrons."""

import pytest

from graphcron.kube.resources import Manifest
from graphcron.views.overview import Filter, Listed, choices, entry_of, ordered, part
from tests.support.console_source import condition, cron


def listed(*crons: Manifest) -> list[Listed]:
    return [(entry_of(one), one) for one in crons]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(), ["broken", "night", "report"]),
        (Filter(text="NIG"), ["night"]),
        (Filter(text="report sales"), ["report"]),
        (Filter(text="30 *"), ["broken", "night", "report"]),
        (Filter(namespace="b"), ["night"]),
        (Filter(assistant="sales"), ["report"]),
        (Filter(owner="ada"), ["report"]),
        (Filter(label="team"), ["report"]),
        (Filter(label="team=data"), ["report"]),
        (Filter(label="team=web"), []),
        (Filter(phase="Scheduled"), ["night", "report"]),
        (Filter(phase="attention"), ["broken"]),
    ],
)
def test_a_filter_takes_what_has_all_of_it(chosen: Filter, expected: list[str]) -> None:
    labels = {"team": "data", "graphcron.dev/owner": "ada"}
    crons = listed(
        cron("report", metadata={"labels": labels}, assistantId="sales"),
        cron("night", namespace="b"),
        cron("broken", condition("Ready", "False", "InvalidSpec")),
    )
    assert sorted(entry.name for entry, _ in crons if chosen.takes(entry)) == expected


def test_the_next_run_comes_first_and_what_never_runs_last() -> None:
    crons = listed(
        cron("never", status={"nextRunTimes": []}),
        cron("later", status={"nextRunTimes": ["2026-11-28T00:00:00Z"]}),
        cron("soon", status={"nextRunTimes": ["2026-11-27T13:00:00Z"]}),
    )
    assert [entry.name for entry, _ in ordered(crons, "next")] == ["soon", "later", "never"]
    assert [entry.name for entry, _ in ordered(crons, "name")] == ["later", "never", "soon"]


def test_choices_are_what_there_is_with_numbers() -> None:
    found = choices(listed(cron("a"), cron("b"), cron("c", condition("Ready", "False", "InvalidSpec"), namespace="x")))
    assert found.phases == [("Scheduled", 2), ("InvalidSpec", 1)]
    assert found.namespaces == [("team", 2), ("x", 1)]
    assert (found.owners, found.assistants, found.attention) == ([], [("agent", 3)], 1)


@pytest.mark.parametrize(
    ("number", "names", "got", "pages"),
    [(1, ["0", "1"], 1, 3), (3, ["4"], 3, 3), (0, ["0", "1"], 1, 3), (99, ["4"], 3, 3)],
)
def test_a_page_that_is_not_there_is_the_nearest_one(number: int, names: list[str], got: int, pages: int) -> None:
    found = part(listed(*(cron(str(name)) for name in range(5))), number, size=2)
    assert ([entry.name for entry, _ in found.listed], found.number, found.pages, found.total) == (names, got, pages, 5)


def test_an_empty_list_has_one_page() -> None:
    assert part([], 1) == ([], 1, 1, 0)
