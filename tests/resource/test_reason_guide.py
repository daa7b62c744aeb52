"""What to do about a reason, as a terminal shows it."""

import re

import pytest

from graphcron.resource.firing_guide import REASONS
from graphcron.resource.reason_guide import STATES, advice

NAMED = [*STATES, *(reason for group in REASONS.values() for reason in group)]


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
    assert advice("Paused") == "Set `enabled: true` to resume the schedule."
    assert advice("ThreadNotFound") == "Create the thread again, or delete the GraphCron."


def test_of_what_only_kubernetes_knows_nothing_is_said() -> None:
    assert advice("ImagePullBackOff") == ""
