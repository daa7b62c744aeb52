"""How what is due becomes messages: few, the oldest first, and one summary of all that is left."""

from datetime import datetime, timedelta

from graphcron.notifier.cron import Rule
from graphcron.notifier.due import Due
from graphcron.notifier.plan import GATHER, Waiting, plan
from graphcron.resource.status import Notification
from tests.support.told_cron import START

SECOND = timedelta(seconds=1)


def waiting(number: int, *, since: datetime = START - GATHER, attempts: int | None = None, id_: str = "") -> Waiting:
    identity = id_ or f"00000000-0000-5000-8000-{number:012}"
    record = Notification(event="Failed", channel="team", id=identity, state="Pending", attempts=attempts)
    return Waiting(("team", f"cron-{number}"), Due(Rule(("team", "team"), "team", "Failed"), record), since)


def test_few_are_told_one_by_one() -> None:
    found = plan([waiting(2), waiting(1, since=START - 9 * SECOND)], [], 10, START)
    assert [message.parts[0].cron[1] for message in found.messages] == ["cron-1", "cron-2"]
    assert not any(message.summed_up for message in found.messages)


def test_of_many_the_last_message_sums_up_all_others() -> None:
    found = plan(map(waiting, range(1000)), [], 10, START)
    assert [len(message.parts) for message in found.messages] == [1] * 9 + [991]
    assert [message.summed_up for message in found.messages] == [False] * 9 + [True]


def test_a_summary_waits_a_moment_for_more_of_its_storm() -> None:
    found = plan((waiting(number, since=START) for number in range(20)), [], 10, START)
    assert (len(found.messages), found.again_at) == (9, START + GATHER)


def test_what_was_sent_within_a_minute_counts() -> None:
    sent = [START - 50 * SECOND] * 9
    found = plan(map(waiting, range(5)), sent, 10, START)
    assert [len(message.parts) for message in found.messages] == [5]
    found = plan(map(waiting, range(5)), [*sent, START], 10, START)
    assert (found.messages, found.again_at) == ((), START + 10 * SECOND)
    assert len(plan(map(waiting, range(5)), sent, 10, START + 11 * SECOND).messages) == 5


def test_what_was_sent_before_is_the_same_message_again_and_comes_first() -> None:
    again = waiting(7, attempts=1)
    found = plan([waiting(1), again], [], 10, START)
    assert [(message.id, message.repeated) for message in found.messages] == [
        (again.due.record.id, True),
        (waiting(1).due.record.id, False),
    ]


def test_a_summary_is_the_same_summary_again_however_few_parts_are_left() -> None:
    parts = [waiting(number) for number in range(20)]
    (first,) = plan(parts, [], 1, START, "channel").messages
    assert plan(reversed(parts), [], 1, START, "channel").messages[0].id == first.id
    assert plan(parts, [], 1, START, "another").messages[0].id != first.id
    for left in (parts, parts[:1]):
        resent = [waiting(int(part.cron[1][5:]), attempts=1, id_=first.id) for part in left]
        (again,) = plan(resent, [], 1, START, "channel").messages
        assert (again.id, again.summed_up, again.repeated, len(again.parts)) == (first.id, True, True, len(left))
