"""What waits for a channel: replaced cron by cron, and held back while the channel fails."""

from datetime import timedelta

from graphcron.notifier.cron import Rule
from graphcron.notifier.due import Due
from graphcron.notifier.outbox import Outbox
from graphcron.resource.status import Notification
from tests.support.told_cron import START

SECOND = timedelta(seconds=1)


def due(event: str = "Failed") -> Due:
    record = Notification.model_validate({"event": event, "channel": "team", "state": "Pending", "id": event})
    return Due(Rule(("team", "team"), "team", record.event), record)


def test_only_what_is_new_is_news_and_the_first_sight_counts() -> None:
    box = Outbox()
    assert box.put(("team", "a"), [due()], START)
    assert not box.put(("team", "a"), [due()], START + SECOND)
    assert (len(box), box.oldest) == (1, START)
    assert box.put(("team", "a"), [due(), due("Overdue")], START + SECOND)
    assert not box.put(("team", "a"), [], START)
    assert (len(box), box.oldest) == (0, None)


def test_while_it_fails_one_message_is_tried_and_more_and_more_rarely() -> None:
    box, now, pauses = Outbox(), START, []
    for name in "abc":
        box.put(("team", name), [due()], START)
    assert len(box.plan(10, now, "").messages) == 3
    for _ in range(8):
        box.attempted(now, failed=True)
        assert box.plan(60, now, "").messages == ()
        assert box.retry_at
        pauses.append((box.retry_at - now).total_seconds())
        now = box.retry_at
        assert len(box.plan(60, now, "").messages) == 1
    assert pauses == [1, 2, 4, 8, 15, 30, 60, 60]
    box.attempted(now, failed=False)
    assert len(box.plan(60, now, "").messages) == 3


def test_a_lasting_refusal_is_tried_every_five_minutes() -> None:
    box = Outbox()
    for _ in range(5):
        box.attempted(START, failed=True, lasting=True)
    assert box.retry_at == START + timedelta(minutes=5)


def test_messages_of_a_process_before_count() -> None:
    box = Outbox()
    box.put(("team", "a"), [due()], START)
    box.remember(START - SECOND)
    assert box.plan(1, START, "").again_at == START + 59 * SECOND
