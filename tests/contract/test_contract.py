"""The facade answers as LangGraph's own server does, but for what docs/rest.md lists."""

from collections import Counter

import pytest

from cluster.paths import HERE
from tests.contract.cases import CASES, NOT_COMPARED
from tests.contract.script import Case, compare, rows, unexpected
from tests.contract.sides import Side

ROWS = rows((HERE.root / "docs/rest.md").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_both_sides_answer_alike(theirs: Side, ours: Side, case: Case) -> None:
    their, our = theirs.tell(case), ours.tell(case)
    unlisted, unseen = unexpected(case, compare(their, our))
    assert not unlisted, f"differs, and no row of docs/rest.md says so: {unlisted}\n{their}\n{our}"
    assert not unseen, f"does not differ as docs/rest.md says: {unseen}\n{their}\n{our}"


def test_each_listed_difference_is_shown_by_a_case_or_says_why_not() -> None:
    shown = {row for case in CASES for row in case.differs} | NOT_COMPARED.keys()
    assert sorted(shown - set(ROWS)) == [], "no row of docs/rest.md is called so"
    assert sorted(set(ROWS) - shown) == [], "rows of docs/rest.md that no case shows"


def test_each_case_has_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(case.name for case in CASES).items() if times > 1] == []
