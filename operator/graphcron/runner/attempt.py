"""One pod's attempt at a firing, as far as it is the same for each engine: gate, jitter, deadline, outcome."""

import signal
import time
from datetime import UTC, datetime, timedelta

from graphcron.firing.formats import format_time, parse_time
from graphcron.firing.order import Firing, Order, gate, starts_at
from graphcron.firing.outcome import EXIT_DONE, Outcome
from graphcron.runner.agent_server import Run
from graphcron.runner.environment import Settings, log, read_order, write_termination_message
from graphcron.runner.errors import plain

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


class Attempt:
    """One pod's attempt at a firing: what it knows of the run, and how it leaves word of it."""

    order: Order
    firing: Firing
    settings: Settings
    needs_server = True

    def __init__(self, termination_log: str) -> None:
        self.termination_log = termination_log
        self.run: Run | None = None

    def perform(self, settings: Settings) -> int:
        self.settings = settings
        self.order = read_order(settings)
        self.firing = Firing.of_job(settings.job_name, settings.job_uid)
        if skip := gate(self.order, self.firing.scheduled_time):
            return self.report(EXIT_DONE, "Skipped", skip.reason, skip.message)
        wait_until(starts_at(self.order, self.firing.scheduled_time))
        return self.carry_out()

    def stopped(self) -> str:
        """What to say of a pod that was told to stop."""
        raise NotImplementedError

    def carry_out(self) -> int:
        """The firing, once it is due: the part that differs from engine to engine."""
        raise NotImplementedError

    def limit(self, age: float) -> None:
        """Set the timer of a firing that has lasted for `age` seconds, unless it is set to an earlier moment."""
        if self.order.deadline_seconds is not None:
            left, _ = signal.getitimer(signal.ITIMER_REAL)
            # 0 would switch it off.
            rest = max(0.001, self.order.deadline_seconds - age)
            signal.setitimer(signal.ITIMER_REAL, min(left, rest) if left else rest)

    def may_be_out_of_time(self) -> bool:
        """Of a pod that was told to stop: whether it was because the Job ran into its deadline."""
        return False

    def exceed(self) -> int:
        """Cancel the run of a firing whose time is up. A run that was over by then ended as it did."""
        raise NotImplementedError

    @property
    def thread_id(self) -> str:
        return self.order.thread_id or self.firing.thread_id

    @property
    def deletes_thread(self) -> bool:
        return self.order.thread_id is None and not self.order.keep_thread

    def outcome(self, outcome: str, reason: str, message: str = "") -> Outcome:
        run = self.run
        started = moment_of(run.created_at) if run else None
        return Outcome(
            outcome,
            reason,
            plain(message),
            run_id=run.run_id if run else None,
            thread_id=self.thread_id if run else None,
            started_at=format_time(started) if started else None,
        )

    def report(self, exit_code: int, outcome: str, reason: str, message: str) -> int:
        """Nothing interrupts it: it is the last that a pod does."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.write(self.outcome(outcome, reason, message))
        return exit_code

    def write(self, outcome: Outcome) -> None:
        write_termination_message(self.termination_log, outcome.to_json())
        log(f"{outcome.outcome}: {outcome.reason}{': ' if outcome.message else ''}{outcome.message}")


def wait_until(start: datetime | None) -> None:
    """Sleep out what is left of the firing's jitter: nothing for an attempt that comes later."""
    if start and (left := (start - datetime.now(UTC)).total_seconds()) > 0:
        log(f"jitterSeconds: the run starts at {format_time(start)}, in {left:.0f} s")
        time.sleep(left)


def moment_of(text: str) -> datetime | None:
    """A time from the server; None when it cannot be read, which no firing should fail for."""
    try:
        return parse_time(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
