"""What is kept of a GraphCron, and whom it tells."""

from datetime import timedelta
from typing import Any

from graphcron.notifier.cron import Cron, DefaultChannel, kept
from graphcron.resource.channel import Default
from tests.support.told_cron import START, manifest


def test_little_is_kept_and_the_name_for_people() -> None:
    found = manifest(notify=[], input={"messages": ["Write the report"]}, metadata={"a": "x" * 1000})
    found["metadata"]["name"] = "01890000-0000-7000-8000-000000000001"
    small = kept(found)
    assert Cron(small).human == "Write the report"
    assert small["spec"] == {"notify": []}


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
