"""What waits for a channel: replaced cron by cron, and held back while the channel fails."""

import uuid
from datetime import timedelta

from graphcron.notifier.cron import Rule
from graphcron.notifier.due import Due
from graphcron.notifier.outbox import Outbox
from graphcron.resource.status import Notification
from tests.support.told_cron import START

SECOND = timedelta(seconds=1)


def named(text: str) -> str:
    """An id."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, text))


def due(event: str = "Failed", identity: str = "", attempts: int = 0) -> Due:
    made = {"event": event, "channel": "team", "state": "Pending", "id": named(identity or event), "attempts": attempts}
    record = Notification.model_validate(made)
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
        box.attempted(now, "", failed=True)
        assert box.plan(60, now, "").messages == ()
        assert box.retry_at
        pauses.append((box.retry_at - now).total_seconds())
        now = box.retry_at
        assert len(box.plan(60, now, "").messages) == 1
    assert pauses == [1, 2, 4, 8, 15, 30, 60, 60]
    box.attempted(now, "", failed=False)
    assert len(box.plan(60, now, "").messages) == 3


def test_a_lasting_refusal_is_tried_every_five_minutes() -> None:
    box = Outbox()
    for number in range(5):
        box.attempted(START, f"id-{number}", failed=True, lasting=True)
    assert box.retry_at == START + timedelta(minutes=5)


def test_a_message_that_its_receiver_never_takes_holds_up_no_other() -> None:
    box, now, told = Outbox(), START, list[str]()
    box.put(("team", "poison"), [due("Overdue", "poison")], now)
    for minute in range(60):
        for _ in range(10):
            for planned in box.plan(60, now, "").messages:
                refused = planned.id == named("poison")
                box.attempted(now, planned.id, failed=refused, lasting=refused)
                if refused:
                    break
                told.append(planned.parts[0].cron[1])
                box.put(planned.parts[0].cron, [], now)
            now += 6 * SECOND
        name = f"minute-{minute}"
        box.put(("team", name), [due("Failed", name)], now)
        assert not minute or told[-1] == f"minute-{minute - 1}", "each within its minute"
    assert told == [f"minute-{minute}" for minute in range(59)]


def test_a_lasting_refusal_of_all_is_tried_with_one_after_another() -> None:
    box, now, tried = Outbox(), START, list[str]()
    for number in range(6):
        box.put(("team", f"{number}"), [due("Failed", f"{number}", 1)], now)
    while len(tried) < 10:
        for planned in box.plan(60, now, "").messages:
            tried.append(planned.parts[0].cron[1])
            box.attempted(now, planned.id, failed=True, lasting=True)
        now += SECOND
    assert "".join(tried) == "0123450123"
    assert now - START > timedelta(minutes=19), "it is away for all, and asked every five minutes"
    box.again()
    assert len(box.plan(60, now, "").messages) == 1


def test_messages_of_a_process_before_count() -> None:
    box = Outbox()
    box.put(("team", "a"), [due()], START)
    box.remember(START - SECOND)
    assert box.plan(1, START, "").again_at == START + 59 * SECOND
