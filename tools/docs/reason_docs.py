"""The page docs/reasons.md, from `graphcron.resource.reason_guide`. `tools.docs.spec_docs` writes it."""

from collections.abc import Iterator, Mapping

from graphcron.resource.backfill_guide import BACKFILLS
from graphcron.resource.channel_guide import CHANNELS
from graphcron.resource.firing_guide import OUTCOMES, REASONS, Reason
from graphcron.resource.reason_guide import BUDGETS, CONDITIONS, EXPECTATIONS, REQUESTS, STATES
from tools.docs import ROOT

PAGE = ROOT / "docs/reasons.md"

HEAD = """\
# Conditions, outcomes, reasons and events

<!-- Generated from operator/graphcron/resource/*_guide.py by `make generate`: edit those files. -->

`kubectl describe graphcron NAME` shows the conditions, the last ten firings and the events. Look up a reason here to
find out what it means and what to do. [What happens in a firing](runs.md) explains the background.
"""

EVENTS = """\
## Events

Events use the reasons above. Each is sent once.

| type | when |
|---|---|
| `Warning` | `Ready` becomes False, or is False with another message than before, except for `NotStarting` |
| `Warning` | `RunsStarting` or `RunsEnding` becomes False, or is False for another reason than before |
| `Warning` | `CronJobModified` becomes True, or is True for another reason than before |
| `Warning` | `ThreadKept` becomes False: input that a run waits for could never be given |
| `Warning` | `Overdue`, `Late`, `Slow`, `OverBudget` or `BudgetNotHeld` becomes True |
| `Warning` | a firing failed, was missed, or was replaced before it started, or its run waits for input |
| `Normal` | `Ready` is True for another reason than before, except for `OverBudget` |
| `Normal` | a firing was skipped or replaced |
| `Normal` | a Job was created because somebody requested a run (`RunRequested`) |
| `Warning` | such a request was refused |
| both | `Complete` of a GraphCronBackfill has another reason than before |
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield HEAD
    yield "## Conditions\n"
    yield "`kubectl wait --for=condition=Ready graphcron/NAME` waits for a condition.\n"
    yield from _meanings("type", CONDITIONS)
    yield "\n## Reasons of conditions\n"
    yield "`Ready`, `Stalled`, `Suspended` and `Expired` have one of these reasons:\n"
    yield from _reasons(STATES)
    yield "\n`Overdue`, `Late` and `Slow` have one of these:\n"
    yield from _reasons(EXPECTATIONS)
    yield "\n`OverBudget` and `BudgetNotHeld` have one of these, or `OverBudget`:\n"
    yield from _reasons(BUDGETS)
    yield "\n## Outcomes of firings\n"
    yield "Outcomes are in `status.history`, in the counts of `status.firings` and in the operator's metrics.\n"
    yield from _meanings("outcome", OUTCOMES)
    for outcome, reasons in REASONS.items():
        yield f"\n### Reasons of {outcome}\n"
        yield from _reasons(reasons)
    yield "\n## Reasons of refused requests\n"
    yield "`status.lastRequest` has one of these while its outcome is `Refused`:\n"
    yield from _reasons(REQUESTS)
    yield "\n## Reasons of backfills\n"
    yield "The condition `Complete` of a GraphCronBackfill, and `Stalled` while it is there, have one of these:\n"
    yield from _reasons(BACKFILLS)
    yield "\n## Reasons of channels\n"
    yield "The conditions `Ready` and `Delivering` of a GraphCronChannel have one of these:\n"
    yield from _reasons(CHANNELS)
    yield ""
    yield EVENTS


def _meanings(first: str, rows: Mapping[str, str]) -> Iterator[str]:
    yield f"| {first} | meaning |"
    yield "|---|---|"
    for name, meaning in rows.items():
        yield f"| `{name}` | {meaning} |"


def _reasons(rows: Mapping[str, Reason]) -> Iterator[str]:
    yield "| reason | meaning | what to do |"
    yield "|---|---|---|"
    for name, reason in rows.items():
        yield f"| `{name}` | {reason.meaning} | {reason.todo} |"
