"""What follows from a phase: reason, readiness, suspension."""

import pytest

from graphcron.operator.phase import Phase, Verdict, stalled


@pytest.mark.parametrize(
    ("phase", "ready", "suspends", "enabled"),
    [
        (Phase.SCHEDULED, True, False, True),
        (Phase.NOT_STARTED, True, True, True),
        (Phase.NOT_STARTING, False, False, True),
        (Phase.PAUSED, True, True, False),
        (Phase.EXPIRED, True, True, False),
        (Phase.TOO_FREQUENT, False, True, False),
        (Phase.MAX_FAILURES, False, True, False),
        (Phase.STALLED, False, False, False),
        (Phase.HALTED, False, True, False),
    ],
)
def test_what_follows_from_a_phase(phase: Phase, ready: bool, suspends: bool, enabled: bool) -> None:
    assert (phase.ready, phase.suspends, phase.enabled) == (ready, suspends, enabled)


def test_a_verdict_has_the_reason_of_its_phase_or_of_what_stalls_it() -> None:
    assert Verdict(Phase.PAUSED, "Paused.").reason == "Paused"
    verdict = stalled("InvalidSpec", "spec: no")
    assert (verdict.reason, verdict.ready) == ("InvalidSpec", False)
