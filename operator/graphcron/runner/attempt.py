"""The attempt driver: gate, jitter, deadline and outcome of one pod's attempt at a firing, with either engine."""

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from graphcron.firing.formats import format_time, plain
from graphcron.firing.order import Firing, Order, gate, is_out_of_time, starts_at
from graphcron.firing.outcome import EXIT_DONE, EXIT_RUN_FAILED, Outcome
from graphcron.runner.agent_server import Run
from graphcron.runner.environment import PodSettings, log, read_order, write_termination_message

RECORD_METADATA = "graphcron_record"
"""Key in a record's metadata: the cron whose firing it remembers."""
OUTCOME_METADATA = "graphcron_outcome"
"""Key in a record's metadata: the outcome, as in the termination message."""
RECORD_LIFE = timedelta(hours=1)
"""How long a record is kept. Kubernetes replaces a pod of a lost node after some 6 minutes; the rest is for the new
pod to find room."""
PROGRESS_SECONDS = 60.0


class Stopped(BaseException):
    """SIGTERM. A BaseException, so that no handler of errors takes it for one."""


class OutOfTime(BaseException):
    """`activeDeadlineSeconds` have passed. A BaseException for the same reason."""


class ThreadBusy(Exception):
    """A thread cron with multitask_strategy reject met a busy thread."""


class Engine(Protocol):
    """What carries the run out. Each Outcome that a method returns has been concluded (`Attempt.conclude`).

    Raises TryAgain, RequestRefused or PodError, and ThreadBusy; Stopped and OutOfTime pass through.
    """

    def start_or_resume(self) -> Outcome | None:
        """Start the firing's run, or take up the one that an earlier attempt started; its Outcome if it is over."""

    def follow(self) -> Outcome:
        """Wait for the end of the run."""

    def cancel(self) -> Outcome:
        """Cancel the run of a firing whose `activeDeadlineSeconds` have passed. One that is over ended as it did."""

    def stopped(self) -> str:
        """What a SIGTERM means for the run: the message of the outcome `PodStopped`."""

    def earliest_now(self) -> datetime | None:
        """The time, by the clock that is behind of this pod's and the server's; None when the run ends with the pod."""


class Attempt:
    """One pod's attempt at a firing: it opens its engine when the firing is due, and records how it ended.

    `termination_log` is the path of the termination message; `open_engine` makes the engine of an attempt.
    """

    order: Order
    firing: Firing
    settings: PodSettings

    def __init__(self, termination_log: str, open_engine: "Callable[[Attempt], Engine]") -> None:
        self.termination_log = termination_log
        self.open_engine = open_engine
        self.engine: Engine | None = None
        self.detailed: Callable[[Outcome], Outcome] = lambda outcome: outcome
        """What the engine adds to an outcome that it did not make."""
        self.began = datetime.now(UTC)
        self.run: Run | None = None

    def perform(self, settings: PodSettings) -> int:
        """The firing, from its order to the process's exit code. Raises what its engine raises."""
        self.settings = settings
        self.order = read_order(settings)
        self.firing = firing = Firing.of_job(settings.job_name, settings.job_uid, settings.trigger)
        if skip := gate(self.order, firing.scheduled_time, firing.trigger):
            return self.report(EXIT_DONE, "Skipped", skip.reason, skip.message)
        wait_until(starts_at(self.order, firing.scheduled_time, firing.trigger), self.order.jitter_seconds)
        self.engine = self.open_engine(self)
        return exit_code(self.engine.start_or_resume() or self.engine.follow())

    def exceed(self) -> int:
        """Cancel the run of a firing whose time is up."""
        assert self.engine, "the engine sets the timer"
        return exit_code(self.engine.cancel())

    def may_be_out_of_time(self) -> bool:
        """Whether SIGTERM can mean that the Job ran into its deadline, and that the run has to be cancelled. On a node
        whose clock is fast, a drain must not be taken for it."""
        now = self.engine.earliest_now() if self.engine else None
        if now is None:
            return False
        return is_out_of_time(self.order, self.firing.scheduled_time, now, self.firing.trigger)

    def stopped(self) -> str:
        """The message of a pod that got SIGTERM."""
        if self.engine is None:
            return "the pod was stopped before it looked for its run; the next attempt does"
        return self.engine.stopped()

    def limit(self, age: float) -> None:
        """Set the timer of a firing that has lasted for `age` seconds, unless it is set to an earlier moment."""
        if self.order.deadline_seconds is not None:
            left, _ = signal.getitimer(signal.ITIMER_REAL)
            # 0 would switch it off.
            rest = max(0.001, self.order.deadline_seconds - age)
            signal.setitimer(signal.ITIMER_REAL, min(left, rest) if left else rest)

    @property
    def due(self) -> datetime:
        """The minute that the firing was due; for a Job made by hand, which has none, when this attempt began."""
        return self.firing.scheduled_time or self.began

    @property
    def thread_id(self) -> str:
        return self.order.thread_id or self.firing.thread_id

    @property
    def deletes_thread(self) -> bool:
        return self.order.thread_id is None and not self.order.keep_thread

    def out_of_time(self, said: str) -> Outcome:
        """The outcome of a firing whose time is up; `said` is what became of its run."""
        message = f"activeDeadlineSeconds ({self.order.deadline_seconds}) passed, {said}"
        return self.outcome("Failed", "DeadlineExceeded", message)

    def too_much(self, tokens: int) -> str:
        """What a run did that used so many."""
        return f"the run used {tokens} tokens, and budget.perRun allows {self.order.run_tokens}"

    def over_budget(self, tokens: int) -> Outcome:
        """The outcome of a firing whose run used so many and was cancelled for it."""
        return self.outcome("Failed", "RunBudgetExceeded", f"{self.too_much(tokens)}: it was cancelled")

    def outcome(self, outcome: str, reason: str, message: str = "") -> Outcome:
        """An outcome with what is known of the run. `reason` is CamelCase, `message` for people."""
        run = self.run
        return Outcome(
            outcome,
            reason,
            plain(message),
            run_id=run.run_id if run else None,
            thread_id=self.thread_id if run else None,
            started_at=format_time(run.created) if run and run.created else None,
        )

    def report(self, code: int, outcome: str, reason: str, message: str) -> int:
        """Conclude with an outcome that comes with an exit code of its own; returns the code."""
        self.conclude(self.detailed(self.outcome(outcome, reason, message)))
        return code

    def conclude(self, outcome: Outcome) -> Outcome:
        """Record the outcome. From now on neither the deadline nor SIGTERM interrupts the pod: what is left to do takes
        a moment, and no other attempt has to do it."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.write(outcome)
        return outcome

    def write(self, outcome: Outcome) -> None:
        write_termination_message(self.termination_log, outcome.to_json())
        log(f"{outcome.outcome}: {outcome.reason}{': ' if outcome.message else ''}{outcome.message}")


def exit_code(outcome: Outcome) -> int:
    """The exit code of a firing whose run was started, or skipped on purpose."""
    return EXIT_RUN_FAILED if outcome.outcome == "Failed" else EXIT_DONE


def wait_until(start: datetime | None, jitter: float | None) -> None:
    """Sleep out what is left of the firing's jitter: nothing for an attempt that comes later, and no more than all of
    it where this node's clock is behind the one that made the Job."""
    if start and jitter and (left := min(jitter, (start - datetime.now(UTC)).total_seconds())) > 0:
        log(f"jitterSeconds: the run starts at {format_time(start)}, in {left:.0f} s")
        time.sleep(left)
