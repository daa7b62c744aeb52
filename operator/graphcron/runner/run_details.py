"""What an outcome says besides: how long the run took, what it used, and what it answered.

All of it is good to know, and nothing of it may change how the firing ended, or keep it from ending.
"""

import signal
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from graphcron.firing.outcome import WAITING_FOR_INPUT, Outcome
from graphcron.runner.agent_server import ACTIVE, AgentServer, Run
from graphcron.runner.attempt import Attempt, OutOfTime
from graphcron.runner.environment import log
from graphcron.runner.errors import AgentServerError, named
from graphcron.runner.retry import persist

if TYPE_CHECKING:
    from graphcron.runner.run_state import RunState
    from graphcron.runner.run_stream import RunStream

SECONDS = 6.0
"""How long the end of a firing is delayed at most."""
PATIENCE_SECONDS = 3.0
"""How long the pod bears a server that breaks off while it tells the state."""
STATE_SECONDS = 5.0
"""How often the state is read while a stream does not show all."""


class RunDetails:
    """Of one firing's run on the Agent Server. `latest` is the run as the server last described it."""

    def __init__(self, server: AgentServer, attempt: Attempt) -> None:
        self._server, self._attempt, self._order = server, attempt, attempt.order
        self.latest: Run | None = None
        self._stream: RunStream | None = None
        self._state_read = time.monotonic()
        self._state_spent = 0
        self._cancels = False
        self._refusal = ""

    def follow(self, run: Run) -> None:
        """Read the stream of the run from now on, if there is a limit to what it may use."""
        self.latest = run
        if self._order.run_tokens is not None and self._stream is None:
            from graphcron.runner.run_stream import RunStream  # start-up time

            self._stream = RunStream(self._server, self._attempt.thread_id, run.run_id, self._order.run_tokens)
            self._stream.start()

    def wait(self, seconds: float) -> None:
        """Sleep, or until the stream has news."""
        if self._stream is None:
            time.sleep(seconds)
        else:
            self._stream.news.wait(seconds)
            self._stream.news.clear()

    def exceeds(self) -> bool:
        """Whether the run is known to have used more than it may. Where its stream does not show all, the state does
        show some."""
        stream = self._stream
        if stream is None or self._cancels:
            return self._cancels
        runs = self.latest is not None and self.latest.status != "pending"
        if runs and not stream.began and time.monotonic() - self._state_read > STATE_SECONDS:
            self._state_read = time.monotonic()
            self._state_spent = self._spent_by_state()
        spent = max(stream.spent, self._state_spent)
        if self._over_limit(spent):
            self._cancels = True
            log(f"{self._attempt.too_much(spent)}: cancelling it")
        return self._cancels

    def cancel(self, run: Run) -> None:
        """Ask for it at each look. Where the server does not take it, the run goes on, and is followed to its end."""
        try:
            self._server.cancel(self._attempt.thread_id, run.run_id)
        except AgentServerError as error:
            if str(error) != self._refusal:
                self._refusal = str(error)
                log(f"the run cannot be cancelled: {error}")

    def of(self, outcome: Outcome) -> Outcome:
        """The outcome of a run that is over, with its details. One that has them was recorded by another pod."""
        run = self.latest or self._attempt.run
        if run is None or outcome.duration is not None:
            return outcome
        outcome = outcome._replace(duration=_duration(run, self._attempt.run))
        # How the run ended is known, and this takes less time than Kubernetes gives a pod.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, SECONDS)
                for step in (self._streamed, self._kept):
                    outcome = step(outcome)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except OutOfTime:
            log(f"not all of the run's tokens are known: the server did not tell them within {SECONDS:.0f} s")
        except Exception as error:  # a server's answer may have any shape
            log(f"not all of the run's tokens are known: {named(error)}")
        return self._judged(outcome)

    def _streamed(self, outcome: Outcome) -> Outcome:
        return outcome._replace(usage=self._stream.usage(complete=_ended_well(outcome)) if self._stream else None)

    def _kept(self, outcome: Outcome) -> Outcome:
        """With what the run's last state says, where that can add anything."""
        answers = self._order.record_answer and _ended_well(outcome)
        if not answers and outcome.usage and outcome.usage["complete"]:
            return outcome
        from graphcron.runner.tally import answer_in

        state = persist(self._state, PATIENCE_SECONDS)
        outcome = outcome._replace(usage=_larger(outcome.usage, _usage_of(state)))
        return outcome._replace(answer=answer_in(state.values)) if answers else outcome

    def _judged(self, outcome: Outcome) -> Outcome:
        """A run that was cancelled because it used too much, by this pod or by one before it."""
        spent = outcome.usage["totalTokens"] if outcome.usage else 0
        for_that = outcome.reason == "RunCancelled" or (self._cancels and not _ended_well(outcome))
        if not (for_that and self._over_limit(spent)):
            return outcome
        return self._attempt.over_budget(spent)._replace(duration=outcome.duration, usage=outcome.usage)

    def _state(self) -> "RunState":
        from graphcron.runner.run_state import RunState

        run = self.latest or self._attempt.run
        assert run
        own = self._order.thread_id is None
        return RunState(self._server, self._attempt.thread_id, run.run_id, self._attempt.firing.job_uid, own_thread=own)

    def _spent_by_state(self) -> int:
        try:
            usage = _usage_of(self._state())
        except Exception as error:
            log(f"the run's tokens are unknown: {named(error)}")
            return 0
        return int(usage["totalTokens"]) if usage else 0

    def _over_limit(self, tokens: int) -> bool:
        return self._order.run_tokens is not None and tokens > self._order.run_tokens


def _ended_well(outcome: Outcome) -> bool:
    return outcome.outcome in ("Succeeded", WAITING_FOR_INPUT)


def _usage_of(state: "RunState") -> dict[str, Any] | None:
    from graphcron.runner.tally import Tally

    tally = Tally()
    state.count(tally)
    return tally.usage("FinalState", complete=False)


def _larger(one: dict[str, Any] | None, other: dict[str, Any] | None) -> dict[str, Any] | None:
    """Of two ways that may both miss something, the one that saw more."""
    if one is None or other is None or one["complete"]:
        return one or other
    return max(one, other, key=lambda usage: int(usage["totalTokens"]))


def _duration(run: Run, known: Run | None) -> int | None:
    """Seconds from the start of the run to its end, by the server's own times where it gives them."""
    created = run.created or (known.created if known else None)
    if created is None:
        return None
    told = run.status not in ACTIVE and run.updated and run.updated >= created
    ended = run.updated if told and run.updated else datetime.now(UTC)
    return max(0, round((ended - created).total_seconds()))
