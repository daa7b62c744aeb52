"""What is kept of a GraphCron, and whom it tells."""

import json
from datetime import timedelta
from typing import Any

from graphcron.notifier.cron import Cron, DefaultChannel, kept
from graphcron.notifier.due import assess
from graphcron.resource.channel import Default
from tests.support.told_cron import START, ToldCron, manifest


def test_little_is_kept_and_the_name_for_people() -> None:
    found = manifest(notify=[], input={"messages": ["Write the report"]}, metadata={"a": "x" * 1000})
    found["metadata"]["name"] = "01890000-0000-7000-8000-000000000001"
    small = kept(found)
    assert Cron(small).human == "Write the report"
    assert small["spec"] == {"notify": []}


def test_of_the_firings_only_the_last_of_each_outcome_is_kept_in_full() -> None:
    """Else ten thousand GraphCrons with long messages and answers would be most of a gigabyte."""
    cron = ToldCron("Failed", "Succeeded")
    for _ in range(5):
        cron.fire("Succeeded", message="x" * 2048, answer="y" * 1000, runId="r")
        cron.fire("Failed", message="x" * 2048, answer="y" * 1000, runId="r")
    small = kept(cron.manifest)
    assert len(json.dumps(small)) < 9000 < 30_000 < len(json.dumps(cron.manifest))
    assert [entry.answer for entry in Cron(small).status.history or []][:3] == ["y" * 1000, "y" * 1000, None]
    assert len(assess(Cron(small), [], cron.now).due) == 2
    assert assess(Cron(small), [], cron.now) == assess(Cron(cron.manifest), [], cron.now)
    odd = {"history": [1, 2, "Failed", {"outcome": ["Failed"]}, {"outcome": ["Failed"]}]}
    assert kept(cron.manifest | {"status": odd})["status"]["history"][:3] == [1, 2, "Failed"]
    assert kept(cron.manifest | {"status": "wrong"})["status"] == "wrong"


def rules(**spec: Any) -> list[tuple[str, str, int]]:
    return [(rule.path, rule.event, rule.after) for rule in Cron(manifest(**spec)).rules([])]


def test_the_first_of_two_rules_for_the_same_counts() -> None:
    first = {"events": ["Failed"], "channel": "a", "after": 3}
    second = {"events": ["Failed", "Missed"], "channel": "a"}
    assert rules(notify=[first, second]) == [("a", "Failed", 3), ("a", "Missed", 1)]


def test_rules_that_cannot_be_read_tell_nothing_by_default_either() -> None:
    channel = DefaultChannel(("team", "all"), Default(events=["Failed"]), START, 1)
    assert Cron(manifest(notify="wrong")).rules([channel]) == []
    assert len(Cron(manifest()).rules([channel])) == 1


def test_a_status_has_room_for_five_default_channels() -> None:
    channels = [DefaultChannel(("team", f"c{number}"), Default(events=["Failed"]), START, 1) for number in range(9)]
    assert {rule.path for rule in Cron(manifest()).rules(channels)} == {f"c{number}" for number in range(5)}


def test_a_rule_is_as_old_as_its_cron_when_neither_changed() -> None:
    rule = [{"events": ["Failed"], "channel": "a"}]
    edited = manifest(notify=rule)
    edited["metadata"]["generation"] = 2
    assert [Cron(found).rules([])[0].from_start for found in (manifest(notify=rule), edited)] == [True, False]
    for created, older in ((START - timedelta(days=9), True), (START, False)):
        channel = DefaultChannel(("team", "all"), Default(events=["Failed"]), created, 1)
        assert Cron(manifest()).rules([channel])[0].from_start is older
