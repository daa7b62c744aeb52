"""Every reason that the operator gives is in one file."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from cluster.paths import HERE
from graphcron.operator import reasons
from graphcron.operator.phase import Phase

PACKAGE = HERE.root / "operator/graphcron"
BEARERS = {"InvalidGraphCron", "Verdict", "stalled", "Outcome", "MissedRun", "Event", "condition"}
"""What is made with a reason."""
OUTCOMES = {"Succeeded", "Failed", "Skipped", "Missed", "Replaced", "Normal", "Warning"}


def literals(file: Path) -> Iterator[str]:
    """CamelCase words that a file writes out where it makes what has a reason, and reasons anywhere."""
    known = {value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)}
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in BEARERS:
            words = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            yield from (word for word in words if re.fullmatch(r"[A-Z][A-Za-z]+", word) and word not in OUTCOMES)
        elif isinstance(node, ast.Compare):
            values = [side.value for side in (node.left, *node.comparators) if isinstance(side, ast.Constant)]
            yield from (value for value in values if isinstance(value, str) and value in known)


def test_no_other_module_writes_one_out() -> None:
    files = [*PACKAGE.glob("operator/*.py"), *PACKAGE.glob("resource/*.py")]
    found = {(file.name, word) for file in files if file.name != "reasons.py" for word in literals(file)}
    assert not found


def test_each_phase_has_the_reason_of_its_own_but_what_is_held_up() -> None:
    found = [phase.reason for phase in Phase if phase.reason]
    assert len(set(found)) == len(found)
    assert set(found) <= set(reasons.OF_GRAPHCRONS)
