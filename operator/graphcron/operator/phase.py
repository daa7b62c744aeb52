"""The phase of a GraphCron: the one value from which reason, readiness and suspension follow."""

from dataclasses import dataclass
from enum import Enum

from graphcron.operator import reasons


class Phase(Enum):
    """Whether a GraphCron fires, and if not, why. Each has a reason, is ready unless its user must act, and has its
    CronJob suspended or not."""

    SCHEDULED = (reasons.SCHEDULED, True, False)
    NOT_STARTED = (reasons.NOT_STARTED, True, True)
    """Suspended until shortly before startTime."""
    NOT_STARTING = (reasons.NOT_STARTING, False, False)
    """It fires, and the last firing has no running pod."""
    PAUSED = (reasons.PAUSED, True, True)
    PAUSED_BY_ADMINISTRATOR = (reasons.PAUSED_BY_ADMINISTRATOR, True, True)
    """With all others of its namespace, or of the installation."""
    EXPIRED = (reasons.EXPIRED, True, True)
    COMPLETED = (reasons.COMPLETED, True, True)
    """maxRuns leaves no run."""
    OVER_BUDGET = (reasons.OVER_BUDGET, True, True)
    """A budget is used up. Ready, since that is what its spec asks for, and it resumes by itself: not even a program
    that waits for Ready has to act. The condition OverBudget makes it noticed."""
    TOO_FREQUENT = (reasons.TOO_FREQUENT, False, True)
    MAX_FAILURES = (reasons.MAX_FAILURES, False, True)
    STALLED = ("", False, False)
    """Nothing can be applied; the reason is that of the error. A CronJob that is there stays as it is."""
    HALTED = ("", False, True)
    """The same for one whose CronJob is suspended, and one that the installation does not let run."""

    def __init__(self, reason: str, ready: bool, suspends: bool) -> None:
        self.reason = reason
        self.ready = ready
        self.suspends = suspends

    @property
    def fires(self) -> bool:
        """Whether firings are due now: only then are they expected."""
        return self in (Phase.SCHEDULED, Phase.NOT_STARTING)

    @property
    def enabled(self) -> bool:
        """Whether it fires now or from its startTime on (`status.enabled`)."""
        return self in (Phase.SCHEDULED, Phase.NOT_STARTED, Phase.NOT_STARTING)


@dataclass(frozen=True)
class Verdict:
    """The phase of a GraphCron, and why in one sentence."""

    phase: Phase
    message: str
    error: str = ""
    """The reason of what stalls it."""
    keeps_message: bool = False
    """Whether the first message stays while phase, reason and generation do, and only words with a digit differ. An
    admission webhook may put a request id or a quota's use into each refusal, and each new text would be a write."""

    refuses_runs: str | None = None
    """Why a run that is requested is refused, whatever the phase: a budget is used up."""

    @property
    def ready(self) -> bool:
        return self.phase.ready

    @property
    def reason(self) -> str:
        return self.error or self.phase.reason


def stalled(reason: str, message: str, *, keeps_message: bool = False) -> Verdict:
    """The verdict on a GraphCron for which nothing can be applied."""
    return Verdict(Phase.STALLED, message, reason, keeps_message)
