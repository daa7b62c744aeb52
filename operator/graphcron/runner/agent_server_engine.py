"""The Agent Server engine: finds the run that carries the firing's mark, or starts it, and follows it to its end."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from graphcron.firing.order import FIRING_METADATA
from graphcron.firing.outcome import WAITING_FOR_INPUT, Outcome
from graphcron.runner.agent_server import ACTIVE, AgentServer, Run
from graphcron.runner.attempt import PROGRESS_SECONDS, Attempt, OutOfTime, ThreadBusy
from graphcron.runner.environment import log, read_headers
from graphcron.runner.errors import AgentServerError, Busy, RequestRefused, ResourceNotFound, TryAgain, named
from graphcron.runner.given_input import given_input
from graphcron.runner.record import Record
from graphcron.runner.request import cron_marks, request_body, time_marks
from graphcron.runner.retry import T, persist
from graphcron.runner.run_details import RunDetails
from graphcron.runner.thread_memory import ThreadMemory
from graphcron.runner.transport import Transport, Trust

if TYPE_CHECKING:
    from graphcron.runner.replace import Replacement

THREAD_LIFE = timedelta(days=7)
"""When the server may delete a thread that no pod came back to delete (a Job that was deleted or ran into its
deadline). Longer than runs last: LangGraph ends them after a day (BG_JOB_TIMEOUT_SECS)."""
CANCEL_SECONDS = 20.0
"""How long a pod tries to cancel its run. Less than the 30 s between SIGTERM and SIGKILL."""

PAGE = 100
PAGES = 100
"""Runs searched for the mark: at most PAGE x PAGES, and none that is older than the firing."""
CLOCK_SKEW = timedelta(minutes=10)
"""How far this node's clock, and with a proxy the Agent Server's, may differ from the cluster's."""

_VANISHED = "most likely the Agent Server keeps runs in memory (langgraph dev, langgraphjs dev) and was restarted"


class AgentServerEngine:
    """Has the Agent Server carry the run out. Raises RequestRefused or PodError for unusable settings or headers."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt, self.order, self.firing = attempt, attempt.order, attempt.firing
        self.settings = settings = attempt.settings
        self.thread_id, self.deletes_thread = attempt.thread_id, attempt.deletes_thread
        headers = read_headers(settings)
        trust = Trust(settings.ca_file, settings.extra_ca_file)
        transport = Transport(settings.server_url, trust, settings.proxy, settings.request_timeout)
        self.server = AgentServer(transport, headers)
        self.started = False
        """Whether this pod started the run."""
        self.replacement: Replacement | None = None
        self.memory = ThreadMemory(self.server, self.thread_id, attempt.due)
        self.record = Record(self.server, self.order, self.firing)
        self.details = RunDetails(self.server, attempt)
        self.given: bytes | None = None
        """The input as JSON, unless it is the order's."""

    @property
    def run(self) -> Run | None:
        """The firing's run, as far as it is known."""
        return self.attempt.run

    def start_or_resume(self) -> Outcome | None:
        self.attempt.limit(0)
        self.given = given_input(self.order, self.settings, self.memory.due)
        found = persist(self.start_or_find, self.settings.start_patience)
        if isinstance(found, Outcome):
            log(f"an earlier attempt followed run {found.run_id} to its end")
            return self.finish(found)
        self.attempt.run = found
        # A run that this pod started is as old as its timer, whatever the server's clock says.
        if found.created and not self.started:
            self.attempt.limit((datetime.now(UTC) - found.created).total_seconds())
        return None

    def follow(self) -> Outcome:
        assert self.run, "start_or_resume came first"
        return self.finish(self.end(self.wait_for(self.run)))

    def stopped(self) -> str:
        goes_on = "the run goes on, and the next attempt follows it"
        return f"the pod was stopped; {goes_on if self.run else 'the next attempt looks for its run'}"

    def earliest_now(self) -> datetime | None:
        return datetime.now(UTC) - max(self.server.behind, timedelta())

    def cancel(self) -> Outcome:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, CANCEL_SECONDS)
        try:
            run = self.attempt.run = self.run or persist(self.find, CANCEL_SECONDS / 2)
            said = "before its run was started"
            if run:
                log(f"activeDeadlineSeconds: cancelling run {run.run_id}")
                persist(lambda: self.server.cancel(self.thread_id, run.run_id), CANCEL_SECONDS / 2)
                if (status := self.wait_for(run)) not in ("interrupted", "cancelled"):
                    return self.finish(self.end(status))
                said = "and its run was cancelled"
        except (RequestRefused, TryAgain, OutOfTime) as error:
            why = str(error) or f"that took longer than {CANCEL_SECONDS:.0f} s"
            known = "its run may go on, cancel it on the Agent Server" if self.run else "it may have a run"
            said = f"and {known}: {why}"
        return self.finish(self.attempt.out_of_time(said))

    def start_or_find(self) -> Run | Outcome:
        """The firing's one run, or its outcome when run and thread are gone already. Safe to repeat."""
        stateless = self.order.thread_id is None
        if stateless and self.create_thread():
            self.memory.attempt = 1
        elif found := self.find():
            log(f"run {found.run_id} on thread {self.thread_id} was started by an earlier attempt: following it")
            return found
        # Only now: the record is written before the thread is deleted, so this order misses neither.
        if self.deletes_thread and (recorded := self.record.read()):
            return recorded
        if stateless and self.memory.attempt is None:
            self.memory.recall()
            self.given = given_input(self.order, self.settings, self.memory.due)
        if self.order.replace:
            self.cancel_earlier()
        try:
            marks = time_marks(self.firing, self.memory.due, self.memory.attempt)
            run = self.start(request_body(self.order, self.firing, self.given, marks))
        except Busy as error:
            if found := self.find():
                return found
            if stateless:  # its run has come and gone since the search
                raise TryAgain("AgentServerError", str(error)) from None
            raise ThreadBusy(f"thread {self.thread_id} was busy and multitaskStrategy is reject: {error}") from None
        except RequestRefused as error:
            if not stateless:
                self.find()  # says so when it is the thread that is gone
            elif self.deletes_thread and (recorded := self.record.read()):
                return recorded  # another pod of the Job was at it meanwhile
            else:
                with suppress(AgentServerError):
                    self.server.delete_thread(self.thread_id)  # empty
            # LangGraph answers an unknown assistant id with 404, an unknown graph name with 422.
            if isinstance(error, ResourceNotFound) or "Invalid assistant" in str(error):
                raise RequestRefused("AssistantNotFound", f"no such assistant, check assistantId: {error}") from None
            raise
        log(f"run {run.run_id} started on thread {self.thread_id}")
        return run

    def cancel_earlier(self) -> None:
        from graphcron.runner.replace import Replacement  # start-up time

        if self.replacement is None:
            self.replacement = Replacement(self.server, self.order, self.firing, deletes_thread=self.deletes_thread)
        self.replacement.cancel_earlier()

    def start(self, request: bytes) -> Run:
        """The timer waits for the answer: without it, no attempt would know of the run."""
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
        try:
            run = self.attempt.run = self.server.start(self.thread_id, request)
            self.started = True
            return run
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])

    def create_thread(self) -> bool:
        """The stateless firing's own thread, with the cron's metadata so that people find it. False: it was there."""
        given = self.order.request.get("metadata") or {}
        metadata = {**given, **cron_marks(self.order), **self.memory.metadata()}
        try:
            return self.server.create_thread(self.thread_id, metadata, THREAD_LIFE if self.deletes_thread else None)
        except ResourceNotFound as error:
            raise RequestRefused("NoAgentServer", f"{error}: is the path of the Agent Server's URL right?") from None

    def find(self) -> Run | None:
        """The run with this firing's mark. Where a server keeps no metadata of runs: the first one of the firing's own
        thread, which nobody else knows before."""
        due = self.firing.scheduled_time
        since = due - CLOCK_SKEW if due else None
        for page in range(PAGES):
            try:
                runs = self.server.runs(self.thread_id, PAGE, page * PAGE)
            except ResourceNotFound as error:
                if self.order.thread_id is None:
                    return None
                gone = f"the cron's thread is gone ({error}): create it again, or delete this cron"
                raise RequestRefused("ThreadNotFound", gone) from None
            for run in runs:
                if run.metadata.get(FIRING_METADATA) == self.firing.job_uid:
                    return run
            first = runs[-1] if runs else None
            if len(runs) < PAGE or (since and first and first.created and first.created < since):
                return first if first and self.order.thread_id is None and not first.metadata else None
        return None

    def wait_for(self, run: Run) -> str:
        """Wait until the run has ended; returns its last status. One that uses too much is cancelled."""
        began = reported = time.monotonic()
        run_id, patience = run.run_id, self.settings.follow_patience
        self.details.follow(run)
        while run.status in ACTIVE:
            now = time.monotonic()
            if now - reported >= PROGRESS_SECONDS:
                reported = now
                log(f"run {run_id} is {run.status}, followed for {round((now - began) / 60)} min")
            self.details.wait(min(5.0, max(0.2, (now - began) / 20)))
            try:
                run = persist(lambda: self.server.run(self.thread_id, run_id), patience)
                self.details.latest = run
                if run.status in ACTIVE and self.details.exceeds():
                    self.details.cancel(run)
            except ResourceNotFound:
                return "vanished"
            except RequestRefused as error:
                # A key that was changed meanwhile, say: the next pod will have the new one.
                raise TryAgain(error.reason, f"the run goes on, but cannot be followed: {error}") from None
        return run.status

    def end(self, status: str) -> Outcome:
        """What a run's last status means to the people on call.

        A graph that stopped to ask a human is WaitingForInput. LangGraph calls such a run "success" and its thread
        "interrupted"; a run is "interrupted" when somebody cancelled it, and gone when it was cancelled with rollback.
        """
        thread = f"thread {self.thread_id}"
        # Aegra, whose runs have no metadata, calls one that asks "interrupted" too; its thread tells the two apart.
        may_ask = status == "success" or (status == "interrupted" and self.run and not self.run.metadata)
        if may_ask and self.ask(lambda: self.server.is_interrupted(self.thread_id), False):
            lost = " (which is deleted now: onRunCompleted keep would let somebody answer)"
            waits = f"the graph waits for input on {thread}{lost if self.deletes_thread else ''}"
            return self.attempt.outcome(WAITING_FOR_INPUT, WAITING_FOR_INPUT, waits)
        if status == "success":
            return self.attempt.outcome(
                "Succeeded", "RunSucceeded", self.replacement.cancelled if self.replacement else ""
            )
        if status == "vanished":
            if self.deletes_thread and (recorded := self.ask(self.record.read, None)):
                return recorded  # another pod of the Job was quicker
            message = f"the run is gone from {thread}: {_VANISHED}, or it was rolled back, or deleted with its thread"
            return self.attempt.outcome("Failed", "RunVanished", message)
        run_id = self.run.run_id if self.run else ""
        error = self.ask(lambda: self.server.error_of(self.thread_id, run_id), "")
        if status == "error":
            return self.attempt.outcome("Failed", "RunError", error or f"the server names no error; see {thread}")
        if status == "timeout":
            limit = "the Agent Server's own limit for runs was hit"
            return self.attempt.outcome("Failed", "RunTimedOut", error or limit)
        if status in ("interrupted", "cancelled"):
            return self.attempt.outcome("Failed", "RunCancelled", error or "somebody cancelled the run")
        return self.attempt.outcome("Failed", "RunEnded", f"the server says {status!r}: {error}")

    def ask(self, call: Callable[[], T], unknown: T) -> T:
        """For what is good to know, but must not change how the run ended."""
        try:
            return persist(call, self.settings.start_patience)
        except Exception as error:  # a server's answer may have any shape
            log(f"no details: {named(error)}")
            return unknown

    def finish(self, outcome: Outcome) -> Outcome:
        """Record the outcome first, then delete the thread: the outcome stands, whether or not that can be done."""
        outcome = self.details.of(outcome)
        self.attempt.conclude(outcome)
        if self.deletes_thread:
            for step in (lambda: self.record.write(outcome), self.delete_thread, self.record.sweep):
                try:
                    persist(step, self.settings.start_patience)
                except TryAgain as error:
                    log(f"thread {self.thread_id} may be left behind: {error}")
                    break
                except Exception as error:  # the outcome is recorded, and nothing may change it now
                    log(f"thread {self.thread_id}: {named(error)}")
        return outcome

    def delete_thread(self) -> None:
        self.server.delete_thread(self.thread_id)
        log(f"thread {self.thread_id} deleted")
