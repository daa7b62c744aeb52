"""The same manifest again and again: somebody fights it."""

from datetime import UTC, datetime, timedelta

from graphcron.operator.reapply import Applied, applied_again, may_apply_at

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def test_a_new_one_is_applied_at_once() -> None:
    assert may_apply_at(None, "b") is None
    assert may_apply_at(Applied("a", NOON, 50), "b") is None


def test_the_same_one_is_applied_at_ever_longer_intervals_and_never_given_up() -> None:
    pauses = []
    for times in range(1, 12):
        moment = may_apply_at(Applied("a", NOON, times), "a")
        pauses.append((moment - NOON).total_seconds() if moment else 0)
    assert pauses == sorted(pauses)
    assert pauses[:2] == [0, 0], "a hand edit heals at once"
    assert pauses[-1] == 3600


def test_after_a_while_of_peace_it_begins_anew() -> None:
    fought = Applied("a", NOON, 50)
    assert applied_again(fought, "a", NOON + timedelta(hours=1)).times == 51
    assert applied_again(fought, "a", NOON + timedelta(hours=3)).times == 1
    assert applied_again(fought, "b", NOON).times == 1
