"""What is said of one GraphCron."""

from typing import Any

import pytest

from graphcron.views.words import human_name

UUID = "01a204b8-45ea-7478-9566-03787570b0b8"
ASKED = {"input": {"messages": [{"role": "user", "content": "Sum up\n what is new."}]}}


@pytest.mark.parametrize(
    ("name", "annotations", "spec", "said"),
    [
        ("nightly", {}, ASKED, "nightly"),
        ("nightly", {"graphcron.dev/display-name": "The nightly report"}, {}, "The nightly report"),
        (UUID, {}, {"metadata": {"name": "digest"}} | ASKED, "digest"),
        (UUID, {}, ASKED, "Sum up what is new."),
        (UUID, {}, {"input": {"messages": "Sum up"}}, "Sum up"),
        (UUID, {}, {"input": {"messages": [{"content": [{"type": "text", "text": "Sum up"}]}]}}, "Sum up"),
        (UUID, {}, {"input": {"messages": [["user", "Sum up"]]}}, UUID),
        (UUID, {}, {"input": {"messages": []}, "metadata": {"name": 5}}, UUID),
        (UUID, {}, {"input": [1]}, UUID),
        (UUID, {}, {"metadata": {"name": "x" * 1000}}, "x" * 59 + "…"),
    ],
)
def test_a_name_for_people(name: str, annotations: dict[str, str], spec: dict[str, Any], said: str) -> None:
    assert human_name({"metadata": {"name": name, "annotations": annotations}, "spec": spec}) == said
