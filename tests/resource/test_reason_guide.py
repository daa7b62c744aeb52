"""What to do about a reason, as a terminal shows it."""

import re

import pytest

from graphcron.resource.firing_guide import REASONS
from graphcron.resource.reason_guide import STATES, advice

NAMED = [*STATES, *(reason for group in REASONS.values() for reason in group)]
FIRINGS = [(outcome, reason) for outcome, group in REASONS.items() for reason in group]


def test_a_link_names_its_file_from_the_root_of_the_repository() -> None:
    """A terminal shows no Markdown, and the guide is written for docs/."""
    assert advice("SidecarRunning") == (
        "Keep that container out of run pods, or let it end: Service meshes (docs/how-to/sidecars.md)."
    )


@pytest.mark.parametrize("reason", NAMED)
def test_each_reason_has_an_advice_without_markdown_links(reason: str) -> None:
    assert re.search(r"\]\(", advice(reason)) is None
    assert advice(reason)


def test_a_reason_of_a_condition_and_one_of_a_firing_are_found() -> None:
    assert advice("Paused") == "Set `enabled: true` to resume the schedule, or use `graphcron resume NAME`."
    assert advice("ThreadNotFound") == "Create the thread again, or delete the GraphCron."


@pytest.mark.parametrize(("outcome", "reason"), FIRINGS)
def test_a_firing_gets_the_advice_of_its_own_outcome(outcome: str, reason: str) -> None:
    """Some reasons have several: an Agent Server that no setting names, and a URL where there is none."""
    plain = REASONS[outcome][reason].todo.partition("[")[0]
    assert advice(reason, outcome).startswith(plain)


@pytest.mark.parametrize("reason", STATES)
def test_a_condition_gets_the_advice_of_conditions(reason: str) -> None:
    assert advice(reason) == STATES[reason].todo


def test_a_reason_that_its_outcome_does_not_have_is_looked_for_elsewhere() -> None:
    assert advice("ThreadNotFound", "WhatComesNext") == advice("ThreadNotFound")


def test_of_what_only_kubernetes_knows_nothing_is_said() -> None:
    assert advice("ImagePullBackOff") == ""
