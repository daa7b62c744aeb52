"""What the Agent Server has shown counts for a moment, from when it was asked."""

from graphcron.facade.proxy.recent import Recent


def test_what_was_found_counts_from_when_it_was_asked_and_not_for_long() -> None:
    now = 100.0
    recent = Recent(1.0, lambda: now)
    recent.found("a", 99.5)
    assert recent.holds("a")
    assert not recent.holds("b")
    now = 100.5
    assert not recent.holds("a")
    recent.found("b", 100.5)
    assert recent.holds("b")


def test_an_answer_to_what_was_asked_before_all_was_forgotten_does_not_count() -> None:
    now = 100.0
    recent = Recent(1.0, lambda: now)
    recent.found("a", recent.now())
    now = 100.2
    asked = recent.now()
    now = 100.3
    recent.forget()
    assert not recent.holds("a")
    recent.found("a", asked)
    assert not recent.holds("a")
    now = 100.4
    recent.found("a", recent.now())
    assert recent.holds("a")


def test_what_does_not_count_any_more_is_not_kept() -> None:
    now = 0.0
    recent = Recent(1.0, lambda: now)
    for number in range(100):
        now = float(number)
        recent.found(number, now)
    assert len(recent) <= 2
