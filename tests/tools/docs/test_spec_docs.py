"""docs/spec.md has every field, and docs/reasons.md every condition, outcome and reason, each with what to do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from graphcron.firing.order import NOT_ON_THIS_DAY
from graphcron.notifier.channel import CHANNEL_READY, DELIVERED, DELIVERY_FAILED, INVALID_TIMEZONE
from graphcron.operator import reasons
from graphcron.operator.conditions import (
    EXPIRED,
    LAST_RUN_SUCCEEDED,
    READY,
    STALLED,
    SUSPENDED,
    TROUBLES,
    WAITING_FOR_INPUT,
)
from graphcron.resource import firing_guide, reason_guide
from graphcron.resource.backfill_guide import BACKFILLS
from graphcron.resource.channel_guide import CHANNELS
from graphcron.resource.crd import structural
from graphcron.resource.fields import INVALID_SPEC
from graphcron.resource.spec import GraphCronSpec
from graphcron.resource.status import GraphCronStatus, HistoryEntry
from tools.docs import ROOT, reason_docs, spec_docs

PACKAGE = ROOT / "operator/graphcron"
BEARERS = {"TryAgain", "RequestRefused", "Busy", "ResourceNotFound", "PodError", "InvalidGraphCron", "Skip", "NotReady"}
"""What is made with a reason as its first argument; `Outcome`, `outcome` and `report` have it after the outcome."""


@pytest.mark.parametrize("docs", [spec_docs, reason_docs])
def test_the_page_is_the_one_that_the_generator_writes(docs: ModuleType) -> None:
    assert docs.PAGE.read_text() == docs.page(), "run make generate"


@pytest.mark.parametrize("model", [GraphCronSpec, GraphCronStatus])
def test_every_field_has_a_meaning(model: type[GraphCronSpec] | type[GraphCronStatus]) -> None:
    found = list(spec_docs.fields(structural(model.model_json_schema(by_alias=True))))
    assert len(found) >= len(model.model_fields)
    assert not [path for path, field, _ in found if not field.get("description")]


def test_every_outcome_is_there() -> None:
    outcomes = set(get_args(HistoryEntry.model_fields["outcome"].annotation))
    assert set(firing_guide.OUTCOMES) == set(firing_guide.REASONS) == outcomes


def test_every_condition_is_there() -> None:
    types = {READY, STALLED, SUSPENDED, EXPIRED, LAST_RUN_SUCCEEDED, WAITING_FOR_INPUT, *TROUBLES}
    assert set(reason_guide.CONDITIONS) == types


def test_every_reason_of_a_firing_is_there_and_no_other() -> None:
    told = {reason for names in firing_guide.REASONS.values() for reason in names}
    assert told == {*reasons.OF_FIRINGS, NOT_ON_THIS_DAY, WAITING_FOR_INPUT} | _reasons("runner/*.py", "firing/*.py")


def test_the_page_says_for_each_reason_what_it_means_and_what_to_do() -> None:
    """Each has a row of three cells, none of them empty; a reason of two outcomes has two rows."""
    rows = re.findall(r"^\| `(\w+)` \| [^|]*\w[^|]* \| [^|]*\w[^|]* \|$", reason_docs.PAGE.read_text(), re.M)
    groups = [*firing_guide.REASONS.values(), reason_guide.STATES, reason_guide.EXPECTATIONS, reason_guide.REQUESTS]
    groups += [reason_guide.BUDGETS, BACKFILLS, CHANNELS]
    assert sorted(rows) == sorted(reason for group in groups for reason in group)


def test_every_reason_of_a_state_is_there_and_no_other() -> None:
    assert set(reason_guide.STATES) == set(reasons.OF_GRAPHCRONS)


def test_every_reason_of_a_refused_request_is_there_and_no_other() -> None:
    assert set(reason_guide.REQUESTS) == set(reasons.OF_REQUESTS)
    assert set(BACKFILLS) == set(reasons.OF_BACKFILLS)


def test_every_reason_of_a_channel_is_there_and_no_other() -> None:
    of_conditions = {INVALID_SPEC, INVALID_TIMEZONE, CHANNEL_READY, DELIVERED, DELIVERY_FAILED}
    assert set(CHANNELS) == of_conditions | _reasons("notifier/*.py")


def _reasons(*patterns: str) -> set[str]:
    """The reasons in the files of the package that these patterns name."""
    files = [file for pattern in patterns for file in PACKAGE.glob(pattern)]
    assert len(files) >= len(patterns)
    return {reason for file in files for reason in _reasons_of(file)}


def _reasons_of(file: Path) -> Iterator[str]:
    """The reasons that a file writes out where it makes what bears them."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if name in BEARERS:
            yield from texts[:1]
        elif name in ("Outcome", "outcome", "report") and texts and texts[0] in firing_guide.OUTCOMES:
            # A reason that is a name of the code is told by that name, and what stands here is the message.
            yield from (text for text in texts[1:2] if text.isalpha())
