"""What made a Job is marked on its pod template, and read back from there."""

import pytest

from graphcron.operator.triggers import only_trigger, recorded_trigger, trigger_mark, with_trigger
from tests.support.cronjobs import job_of

MARK = "graphcron.dev/trigger"
DUE = 29_900_000


def test_a_marked_copy_leaves_the_template_as_it_is_and_keeps_all_else() -> None:
    spec = job_of()
    marked = with_trigger(spec, "Backfill")
    annotations = spec["template"]["metadata"]["annotations"]
    assert marked["template"]["metadata"]["annotations"] == annotations | {MARK: "Backfill"}
    assert MARK not in annotations
    del marked["template"]["metadata"]["annotations"][MARK]
    assert marked == spec


@pytest.mark.parametrize(
    ("name", "mark", "recorded"),
    [
        (f"daily-{DUE}", "", None),
        (f"daily-{DUE}", "Backfill", "Backfill"),
        (f"daily-{DUE}", "Manual", "Manual"),
        (f"daily-{DUE}", "Whatever", None),
        ("daily-r0123abcd4", "Manual", "Manual"),
        ("daily-by-hand", "", "Manual"),
        ("daily-by-hand", "Backfill", "Manual"),
    ],
)
def test_the_history_names_what_the_schedule_did_not_make(name: str, mark: str, recorded: str | None) -> None:
    job = {"metadata": {"name": name}, "spec": with_trigger({"template": {}}, mark) if mark else {"template": {}}}
    assert recorded_trigger(job) == recorded


def test_nothing_but_the_mark_is_kept_of_a_jobs_spec() -> None:
    job = {"metadata": {"name": "a"}, "spec": with_trigger(job_of(), "Manual")}
    kept = only_trigger(job)
    assert kept == {"spec": {"template": {"metadata": {"annotations": {MARK: "Manual"}}}}}
    assert trigger_mark(kept) == "Manual"
    assert only_trigger({"metadata": {"name": "a"}, "spec": job_of()}) == {}
    assert only_trigger({"metadata": {"name": "a"}}) == {}
