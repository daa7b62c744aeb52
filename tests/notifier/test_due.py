"""What is due: what is so against what was told, so that nothing is lost, told twice, or told too often."""

from datetime import timedelta

import pytest

from graphcron.notifier.cron import Cron, DefaultChannel
from graphcron.notifier.due import held
from graphcron.resource.channel import Default
from tests.support.told_cron import START, ToldCron


def test_a_failure_is_told_once_and_each_further_one_is_counted() -> None:
    cron = ToldCron("Failed")
    assert cron.tell() == []
    cron.fire()
    assert cron.tell() == ["Failed 1"]
    for _ in range(3):
        cron.wait(minutes=1)
        cron.fire()
        assert cron.tell() == []
    assert cron.assess().wake_at == START + timedelta(minutes=10)
    cron.wait(minutes=10)
    assert cron.tell() == ["Failed 3"]


def test_a_row_of_failures_is_told_more_and_more_rarely_and_every_failure_is_counted() -> None:
    cron, told = ToldCron("Failed"), []
    for _ in range(24 * 60):
        cron.fire()
        told += cron.tell()
        cron.wait(minutes=1)
    assert len(told) < 12
    cron.wait(days=2)
    told += cron.tell()
    assert sum(int(one.split()[1]) for one in told) == 24 * 60


def test_another_cause_is_told_at_once() -> None:
    cron = ToldCron("Failed")
    cron.fire()
    assert cron.tell() == ["Failed 1"]
    cron.wait(minutes=1)
    cron.fire(reason="ServerError")
    assert cron.tell() == ["Failed 1"]


def test_a_recovery_is_told_once_and_only_if_the_failure_was() -> None:
    cron = ToldCron("Failed", "Recovered", after=2)
    cron.fire()
    assert cron.tell() == []
    cron.wait(minutes=1)
    cron.fire("Succeeded")
    assert cron.tell() == []
    for _ in range(2):
        cron.wait(minutes=1)
        cron.fire()
    assert cron.tell() == ["Failed 2"]
    cron.wait(minutes=1)
    cron.fire("Succeeded")
    assert cron.tell() == ["Recovered"]
    cron.wait(minutes=1)
    cron.fire("Succeeded")
    assert cron.tell() == []
    for _ in range(2):
        cron.wait(minutes=1)
        cron.fire()
    assert cron.tell() == ["Failed 2"], "a new row is told at once"


def test_after_counts_failures_in_a_row_also_while_nobody_looked() -> None:
    cron = ToldCron("Failed", after=3)
    for outcome in ("Failed", "Succeeded", "Failed", "Failed"):
        cron.wait(minutes=1)
        cron.fire(outcome)
    assert cron.tell() == []
    cron.wait(minutes=1)
    cron.fire()
    cron.wait(minutes=1)
    cron.fire("Succeeded")
    assert cron.tell() == ["Failed 3"]


def test_a_firing_that_comes_while_a_message_is_sent_is_in_the_next_one() -> None:
    cron = ToldCron("Failed")
    cron.fire()
    (first,) = cron.assess().due
    cron.begin(first)
    cron.wait(minutes=1)
    cron.fire(reason="ServerError")
    (again,) = cron.assess().due
    assert again.is_repeat
    assert (again.record.id, again.record.count) == (first.record.id, 1)
    cron.arrive(again)
    (second,) = cron.assess().due
    assert (second.record.id != first.record.id, second.record.count) == (True, 1)


def test_the_id_is_the_same_whoever_makes_it() -> None:
    one, other = ToldCron("Failed"), ToldCron("Failed")
    for cron in (one, other):
        cron.fire()
    assert one.assess().due[0].record.id == other.assess().due[0].record.id
    other.manifest["metadata"]["uid"] = "another"
    assert one.assess().due[0].record.id != other.assess().due[0].record.id


@pytest.mark.parametrize("kind", ["Overdue", "Late", "Slow", "Stalled", "Suspended", "OverBudget"])
def test_a_condition_is_told_while_it_holds_and_its_end_once(kind: str) -> None:
    cron = ToldCron(kind, "Recovered")
    cron.hold(kind)
    assert cron.tell() == [kind]
    cron.wait(minutes=30)
    assert cron.tell() == []
    cron.end(kind)
    assert cron.tell() == ["Recovered"]
    assert cron.tell() == []
    cron.wait(minutes=1)
    cron.hold(kind)
    assert cron.tell() == [kind]


def test_a_condition_that_comes_and_goes_is_told_at_most_every_ten_minutes() -> None:
    cron, told = ToldCron("Late"), []
    for _ in range(60):
        cron.hold("Late")
        told += cron.tell()
        cron.wait(minutes=1)
        cron.end("Late")
        told += cron.tell()
    assert 5 <= len(told) <= 7


def test_not_starting_is_the_reason_of_ready() -> None:
    cron = ToldCron("NotStarting", "Stalled")
    cron.hold("Ready", "NotStarting", "False")
    assert cron.tell() == ["NotStarting"]


def test_a_pause_that_somebody_wanted_is_no_news() -> None:
    cron = ToldCron("Suspended", "Stalled")
    for reason in ("Paused", "Expired", "Completed"):
        cron.hold("Suspended", reason)
        assert cron.tell() == []
    cron.hold("Suspended", "MaxFailuresReached")
    cron.hold("Stalled", "MaxFailuresReached")
    assert cron.tell() == ["Suspended"], "one message says both"


def test_a_status_that_is_not_written_yet_ends_nothing() -> None:
    cron = ToldCron("Overdue", "Recovered")
    cron.hold("Overdue")
    assert cron.tell() == ["Overdue"]
    notifications = cron.status["notifications"]
    cron.manifest["status"] = {"observedGeneration": -1, "notifications": notifications}
    assert cron.tell() == []


def test_at_first_sight_what_holds_is_told_and_what_ended_within_the_last_hour() -> None:
    cron = ToldCron("Failed", "Overdue")
    cron.manifest["metadata"]["generation"] = 2
    for minutes in (90, 1, 1):
        cron.fire()
        cron.wait(minutes=minutes)
    cron.hold("Overdue")
    assert cron.tell() == ["Failed 2", "Overdue"]


def test_of_a_cron_that_had_its_rules_from_the_start_nothing_is_old() -> None:
    cron = ToldCron("Failed")
    cron.fire()
    cron.wait(hours=5)
    assert cron.tell() == ["Failed 1"]


def test_what_failed_while_the_notifier_was_away_for_hours_is_told() -> None:
    cron = ToldCron("Failed")
    cron.manifest["metadata"]["generation"] = 2
    assert cron.tell() == []
    cron.fire()
    cron.wait(hours=5)
    assert cron.tell() == ["Failed 1"]


def test_while_muted_nothing_is_told_and_then_what_is_and_not_what_was() -> None:
    cron = ToldCron("Failed", "Overdue", "Recovered", mutedUntil="2026-12-01T14:00:00Z")
    cron.fire()
    cron.wait(minutes=1)
    cron.fire("Succeeded")
    cron.hold("Overdue")
    assert cron.tell() == []
    assert cron.assess().wake_at == START + timedelta(hours=2)
    cron.wait(hours=3)
    assert cron.tell() == ["Overdue"]
    cron.fire()
    assert cron.tell() == ["Failed 1"]


def test_what_still_fails_when_the_mute_ends_is_told() -> None:
    cron = ToldCron("Failed", mutedUntil="2026-12-01T14:00:00Z")
    cron.fire("Succeeded")
    for _ in range(3):
        cron.wait(minutes=1)
        cron.fire()
    assert cron.tell() == []
    cron.wait(hours=2)
    assert cron.tell() == ["Failed 3"]


def test_each_success_each_wait_for_input_and_each_missed_firing_is_counted() -> None:
    cron = ToldCron("Succeeded", "WaitingForInput", "Missed")
    for outcome in ("Succeeded", "WaitingForInput"):
        cron.wait(minutes=1)
        cron.fire(outcome)
        assert cron.tell() == [f"{outcome} 1"]
    cron.fire("Missed", "PassedOver", count=7)
    assert cron.tell() == ["Missed 7"]


def test_a_count_that_somebody_else_lowered_costs_no_later_message() -> None:
    cron = ToldCron("Failed")
    cron.status["firings"]["failed"] = 7
    assert cron.tell() == ["Failed 7"]
    cron.status["firings"]["failed"] = 2
    assert cron.tell() == []
    cron.wait(minutes=20)
    cron.fire()
    assert cron.tell() == ["Failed 1"]


def test_what_cannot_be_sent_says_why_and_is_sent_later() -> None:
    cron = ToldCron("Failed", "Overdue")
    cron.fire()
    cron.hold("Overdue")
    for due in cron.assess().due:
        cron._write(held(Cron(cron.manifest).records, due, "Failed", "no such channel", cron.now))
    states = {record["event"]: (record["state"], record["message"]) for record in cron.status["notifications"]}
    assert states == dict.fromkeys(("Failed", "Overdue"), ("Failed", "no such channel"))
    written = cron.status["notifications"]
    assert len(cron.assess().due) == 2
    assert cron.status["notifications"] == written
    cron.end("Overdue")
    assert cron.tell() == ["Failed 1"], "what is over before anybody was told is not told"
    assert [record["event"] for record in cron.status["notifications"]] == ["Failed"]


def test_a_default_channel_tells_of_crons_without_rules_of_their_own() -> None:
    default = DefaultChannel(("ops", "all"), Default(events=["Failed"]), START - timedelta(days=1), 1)
    cron = ToldCron(defaults=[default])
    cron.fire()
    assert cron.tell() == ["Failed 1"]
    assert cron.status["notifications"][0]["channel"] == "ops/all"
    silent = ToldCron(defaults=[default])
    silent.manifest["spec"]["notify"] = []
    silent.fire()
    assert silent.tell() == []


def test_records_of_rules_that_are_gone_go_too() -> None:
    cron = ToldCron("Failed", "Overdue")
    cron.fire()
    cron.tell()
    cron.rule["events"] = ["Overdue"]
    cron.assess()
    assert cron.status["notifications"] == []
