"""The same requests get the same answers from LangGraph's own server and from the facade, apart from ids, times and
the differences that docs/rest.md lists."""

from pathlib import Path

import pytest

from cluster.paths import HERE
from tests.contract import differences
from tests.contract.compare import judge
from tests.contract.conftest import Side
from tests.contract.script import Case, fill, read_folder

CASES = read_folder(Path(__file__).parent / "cases")
IDS = ("cron_id", "thread_id", "assistant_id")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(case: Case, sides: tuple[Side, Side]) -> None:
    report: list[str] = []
    for step in case.steps:
        answers = []
        for side in sides:
            body = None if step.body is None else fill(step.body, side.names)
            answer = side.send(step.method, fill(step.path, side.names), body, step.headers)
            if step.binds and isinstance(answer.body, dict):
                # A cron has all three, and its own is what is meant.
                found = [answer.body[name] for name in IDS if name in answer.body]
                side.names[step.binds] = found[0] if found else "(none)"
            answers.append(answer)
        wrong = judge(step, answers[0], answers[1], (sides[0].names, sides[1].names))
        if wrong:
            report += [step.line[:200], *(f"  {sentence}" for sentence in wrong)]
    if report:
        pytest.fail("\n".join(report), pytrace=False)


def test_the_table_of_differences_is_what_the_cases_show() -> None:
    keys, marked = differences.read((HERE.root / "docs/rest.md").read_text())
    shown = {difference.key for case in CASES for step in case.steps for difference in step.differences}
    assert differences.unshown(keys, marked, shown) == []
