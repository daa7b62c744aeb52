"""Commands that a text tells people to run."""

from pathlib import Path

import pytest

from cluster.paths import HERE
from tests.docs import links

ROOT = HERE.root.resolve()
TEXTS = [*links.documents(ROOT), ROOT / "charts/graphcron/templates/NOTES.txt"]


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_helm_keeps_values_and_takes_new_defaults(text: Path) -> None:
    """`--reuse-values` leaves out the values that are new in a chart, and templates that need them fail."""
    told = [
        line for line in text.read_text().splitlines() if line.lstrip().startswith(("helm upgrade", "$ helm upgrade"))
    ]
    assert not [line for line in told if "--reuse-values" in line]
