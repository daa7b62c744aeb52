"""`graphcron run`: one firing, one run on the Agent Server, followed to its end.

The firing is the Job, and each of its pods, first or retried, does the same: look for the run that carries the
firing's mark, start one only when there is none, follow it. The run is marked in its metadata; a stateless firing
also has a thread whose id is derived from the Job. So nothing has to survive in the pod, and a pod may be killed
anywhere. The request that starts the run is the only one that must not be repeated blindly: whatever happened to
it, the mark is looked for again before it is sent again. Three more things keep that sound:

- A stateless firing's run asks to be rejected when its thread is busy (`multitask_strategy: reject`) or gone. So the
  server itself refuses a second one, even when the first request is carried out late or two pods of one Job live at
  once.
- A thread that is to be deleted (`onRunCompleted: delete`) is the only proof that its run existed. A pod can die,
  with its node even, between the deletion and Kubernetes' learning of its exit, and the next one would find nothing
  and start again. So first the outcome goes into a record: an empty thread of a second derived id, looked for
  whenever no run is found. It is deleted by the server (`ttl`), and by later firings of the cron for servers that
  sweep nothing (the in-memory one). Records are threads and not store items because the usual authorization
  handlers confine the store to the user's own namespace. Giving the firing's own thread a short ttl instead of
  deleting it would be simpler, but leave people's data on servers that do not sweep; a long one is its safety net.
- The mark is on the run alone: on LangGraph later runs inherit their thread's metadata.

What is left: a request for a thread cron that the server carries out only after it timed out here and was looked for
in vain, or one for a kept thread whose run was over by then. Only an id given by the client could end that, and the
server takes none.

Following is polling, from 0.2 s, growing with the run's age to 5 s: it delays no run's end by more than a twentieth,
and survives whatever cuts connections. `join` would know sooner, but holds a connection for hours, answers with the
thread's whole state, and needs the polling anyway to tell its own loss from the run's end.

`concurrencyPolicy: Replace`: Kubernetes deletes the Job of the earlier firing, which stops its pod as a drain does. So
the pod that takes its place cancels the run, before it starts its own. An earlier pod that has sent its request but has
no answer yet when the new one looks is missed: its Job is deleted before the new one is made, so it is a matter of
seconds. Nobody takes the place of a cron that is deleted: its runs go on, as on LangGraph's platform.

SIGTERM (a drain, an eviction): the pod leaves at once and the run goes on; the next pod follows it.

The deadline (`activeDeadlineSeconds`) cancels the run, or it would go on costing money: a timer of the process, since
a Job that runs into a deadline of its own only stops its pods, as a drain does. It counts from the earliest start that
is known, the run's or this pod's. The Job's deadline comes a margin later, for pods that never start. One that started
late may still meet it: told to stop when the Job can be out of time, the pod cancels too.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from graphcron.agent_server import AgentServer, AgentServerError, Busy, NotFound, Refused, Run, TryAgain, plain
from graphcron.firing.formats import format_time, parse_time
from graphcron.firing.order import (
    CRON_MARK,
    CRON_METADATA,
    FIRING_METADATA,
    Firing,
    Order,
    gate,
    is_out_of_time,
    starts_at,
)
from graphcron.firing.outcome import EXIT_DONE, EXIT_REFUSED, EXIT_RUN_FAILED, EXIT_TRY_AGAIN, Outcome
from graphcron.pod import (
    TERMINATION_LOG,
    PodError,
    Settings,
    log,
    read_headers,
    read_input,
    read_order,
    write_termination_message,
)

EXIT_INTERNAL = 1
"""A defect of ours; Kubernetes may retry it like any other failure."""

RECORD_METADATA = "graphcron_record"
"""Key in a record's metadata: the cron whose firing it remembers."""
OUTCOME_METADATA = "graphcron_outcome"
"""Key in a record's metadata: the outcome, as in the termination message."""
RECORD_LIFE = timedelta(hours=1)
"""How long a record is kept. Kubernetes replaces a pod of a lost node after some 6 minutes; the rest is for the new
pod to find room."""
THREAD_LIFE = timedelta(days=7)
"""When the server may delete a thread that no pod came back to delete (a Job that was deleted or ran into its
deadline). Longer than runs last: LangGraph ends them after a day (BG_JOB_TIMEOUT_SECS)."""
RECORDS_SWEPT = 20
"""Old records deleted by one firing. It leaves one, so they never pile up."""

CANCEL_SECONDS = 20.0
"""How long a pod tries to cancel its run. Less than the 30 s that Kubernetes leaves to a pod that is told to stop."""

PAGE = 100
PAGES = 100
"""Runs looked at for the mark: at most PAGE x PAGES, and none that is older than the firing."""
CLOCK_SKEW = timedelta(minutes=10)
"""How far the clocks of the Agent Server and of the cluster may differ."""

ACTIVE = ("pending", "running")
PROGRESS_SECONDS = 60.0

T = TypeVar("T")


class Stopped(BaseException):
    """SIGTERM. A BaseException, so that no handler of errors takes it for one."""


class OutOfTime(BaseException):
    """`activeDeadlineSeconds` have passed. A BaseException for the same reason."""


class ThreadBusy(Exception):
    """A thread cron with multitask_strategy reject met a busy thread."""


def main(environ: Mapping[str, str], engine: "type[Attempt] | None" = None) -> int:
    """Run one firing; returns the process's exit code. Whatever happens, an outcome is left behind."""
    attempt = (engine or Attempt)(environ.get("GRAPHCRON_TERMINATION_LOG") or TERMINATION_LOG)
    before = signal.signal(signal.SIGTERM, _stop), signal.signal(signal.SIGALRM, _out_of_time)
    try:
        try:
            return attempt.perform(Settings.from_environ(environ, server=attempt.needs_server))
        except OutOfTime:
            return attempt.exceed()
        except Stopped:
            if attempt.may_be_out_of_time():
                return attempt.exceed()
            raise
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Stopped:
        return attempt.report(EXIT_TRY_AGAIN, "Failed", "PodStopped", attempt.stopped())
    except TryAgain as error:
        return attempt.report(EXIT_TRY_AGAIN, "Failed", error.reason, str(error))
    except ThreadBusy as error:
        return attempt.report(EXIT_RUN_FAILED, "Failed", "ThreadBusy", str(error))
    except (Refused, PodError) as error:
        return attempt.report(EXIT_REFUSED, "Failed", error.reason, str(error))
    except Exception as error:
        import traceback  # costs start-up time, and only a defect needs it

        traceback.print_exc(file=sys.stdout)
        return attempt.report(EXIT_INTERNAL, "Failed", "InternalError", f"{type(error).__name__}; see the log")
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGALRM, before[1])


def _stop(signal_number: int, frame: object) -> None:
    raise Stopped


def _out_of_time(signal_number: int, frame: object) -> None:
    raise OutOfTime


class Attempt:
    """One pod's attempt at a firing: what it knows of the run, and how it leaves word of it."""

    order: Order
    firing: Firing
    server: AgentServer
    settings: Settings
    needs_server = True

    def __init__(self, termination_log: str) -> None:
        self.termination_log = termination_log
        self.run: Run | None = None
        self.replaced = ""

    def perform(self, settings: Settings) -> int:
        self.settings = settings
        self.order = read_order(settings)
        self.firing = Firing.of_job(settings.job_name, settings.job_uid)
        if skip := gate(self.order, self.firing.scheduled_time):
            return self.report(EXIT_DONE, "Skipped", skip.reason, skip.message)
        wait_until(starts_at(self.order, self.firing.scheduled_time))
        return self.carry_out()

    def stopped(self) -> str:
        goes_on = "the run goes on, and the next attempt follows it"
        return f"the pod was told to stop; {goes_on if self.run else 'the next attempt looks for its run'}"

    def carry_out(self) -> int:
        """The firing, once it is due: the part that differs from engine to engine."""
        settings = self.settings
        headers = read_headers(settings)
        self.server = AgentServer(settings.server_url, headers, settings.ca_file, settings.request_timeout)
        self.limit(0)
        request = request_body(self.order, self.firing, read_input(settings) if self.order.input_from_file else None)
        found = persist(lambda: self.start_or_find(request), settings.start_patience)
        if isinstance(found, Outcome):
            log(f"an earlier attempt saw run {found.run_id} to its end")
            return self.finish(found)
        self.run = found
        started = _moment(found.created_at)
        self.limit((datetime.now(UTC) - started).total_seconds() if started else 0)
        return self.finish(self.end(self.follow(found)))

    def limit(self, age: float) -> None:
        """Set the timer of a firing that has lasted for `age` seconds, unless it is set to an earlier moment."""
        if self.order.deadline_seconds is not None:
            left, _ = signal.getitimer(signal.ITIMER_REAL)
            # 0 would switch it off.
            rest = max(0.001, self.order.deadline_seconds - age)
            signal.setitimer(signal.ITIMER_REAL, min(left, rest) if left else rest)

    def may_be_out_of_time(self) -> bool:
        """Of a pod that was told to stop and has come as far as to know its server."""
        return hasattr(self, "server") and is_out_of_time(self.order, self.firing.scheduled_time, datetime.now(UTC))

    def exceed(self) -> int:
        """Cancel the run of a firing whose time is up. A run that was over by then ended as it did."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, CANCEL_SECONDS)
        try:
            self.run = self.run or persist(self.find, CANCEL_SECONDS / 2)
            if not (run := self.run):
                said = "before its run was started"
            else:
                log(f"activeDeadlineSeconds: cancelling run {run.run_id}")
                persist(lambda: self.server.cancel(self.thread_id, run.run_id), CANCEL_SECONDS / 2)
                if (status := self.follow(run)) not in ("interrupted", "cancelled"):
                    return self.finish(self.end(status))
                said = "and its run was cancelled"
        except (Refused, TryAgain, OutOfTime) as error:
            why = str(error) or f"that took longer than {CANCEL_SECONDS:.0f} s"
            known = "its run may go on, cancel it on the Agent Server" if self.run else "nobody knows if it has a run"
            said = f"and {known}: {why}"
        message = f"activeDeadlineSeconds ({self.order.deadline_seconds}) passed, {said}"
        return self.finish(self.outcome("Failed", "DeadlineExceeded", message))

    @property
    def thread_id(self) -> str:
        return self.order.thread_id or self.firing.thread_id

    @property
    def deletes_thread(self) -> bool:
        return self.order.thread_id is None and not self.order.keep_thread

    def start_or_find(self, request: bytes) -> Run | Outcome:
        """The firing's one run, or its outcome when run and thread are gone already. Safe to repeat."""
        stateless = self.order.thread_id is None
        if not (stateless and self.create_thread()) and (found := self.find()):
            log(f"run {found.run_id} on thread {self.thread_id} was started by an earlier attempt: following it")
            return found
        # Only now: the record is written before the thread is deleted, so this order misses neither.
        if self.deletes_thread and (recorded := self.recorded()):
            return recorded
        if self.order.replace:
            self.cancel_earlier()
        try:
            run = self.start(request)
        except Busy as error:
            if found := self.find():
                return found
            if stateless:  # its run has come and gone since we looked
                raise TryAgain("AgentServerError", str(error)) from None
            raise ThreadBusy(f"thread {self.thread_id} was busy and multitaskStrategy is reject: {error}") from None
        except Refused as error:
            if not stateless:
                self.find()  # says so when it is the thread that is gone
            elif self.deletes_thread and (recorded := self.recorded()):
                return recorded  # another pod of the Job was at it meanwhile
            else:
                with suppress(AgentServerError):
                    self.server.delete_thread(self.thread_id)  # empty
            # LangGraph answers an unknown assistant id with 404, an unknown graph name with 422.
            if isinstance(error, NotFound) or "Invalid assistant" in str(error):
                raise Refused("AssistantNotFound", f"no such assistant, check assistantId: {error}") from None
            raise
        log(f"run {run.run_id} started on thread {self.thread_id}")
        return run

    def cancel_earlier(self) -> None:
        """Cancel what earlier firings of the cron still have running. Raises TryAgain until that has stopped."""
        thread_id = self.order.thread_id
        for where in [thread_id] if thread_id else self.server.busy_threads({CRON_MARK: self.order.cron_id}, PAGE):
            with suppress(NotFound):  # the earlier pod was quicker
                for run in self.server.runs(where, PAGE):
                    if run.status not in ACTIVE or not self.is_earlier(run):
                        continue
                    if self.server.cancel(where, run.run_id):
                        self.replaced = (
                            f"run {run.run_id} of an earlier firing was cancelled (concurrencyPolicy Replace)"
                        )
                        log(self.replaced)
                        if self.server.status(where, run.run_id) in ACTIVE:
                            raise TryAgain("ThreadBusy", f"{self.replaced}, and has not stopped yet")
            if self.deletes_thread:
                self.server.delete_thread(where)

    def is_earlier(self, run: Run) -> bool:
        mark = run.metadata.get(FIRING_METADATA, self.firing.job_uid)
        return run.metadata.get(CRON_MARK) == self.order.cron_id and mark != self.firing.job_uid

    def start(self, request: bytes) -> Run:
        """The timer waits for the answer: one that nobody hears would leave a run that nobody knows."""
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
        try:
            self.run = self.server.start(self.thread_id, request)
            return self.run
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])

    def create_thread(self) -> bool:
        """The stateless firing's own thread, with the cron's metadata so that people find it. False: it was there."""
        metadata = {**(self.order.request.get("metadata") or {}), **_cron_marks(self.order)}
        try:
            return self.server.create_thread(self.thread_id, metadata, THREAD_LIFE if self.deletes_thread else None)
        except NotFound as error:
            raise Refused("NoAgentServer", f"{error}: is the path of the Agent Server's URL right?") from None

    def find(self) -> Run | None:
        """The run with this firing's mark."""
        due = self.firing.scheduled_time
        since = due - CLOCK_SKEW if due else None
        for page in range(PAGES):
            try:
                runs = self.server.runs(self.thread_id, PAGE, page * PAGE)
            except NotFound as error:
                if self.order.thread_id is None:
                    return None
                gone = f"the cron's thread is gone ({error}): create it again, or delete this cron"
                raise Refused("ThreadNotFound", gone) from None
            for run in runs:
                if run.metadata.get(FIRING_METADATA) == self.firing.job_uid:
                    return run
            oldest = _moment(runs[-1].created_at) if runs else None
            if len(runs) < PAGE or (since and oldest and oldest < since):
                break
        return None

    def follow(self, run: Run) -> str:
        """Wait until the run has ended; returns its last status."""
        began = reported = time.monotonic()
        status = run.status
        while status in ACTIVE:
            now = time.monotonic()
            if now - reported >= PROGRESS_SECONDS:
                reported = now
                log(f"run {run.run_id} is {status}, followed for {round((now - began) / 60)} min")
            time.sleep(min(5.0, max(0.2, (now - began) / 20)))
            try:
                status = persist(lambda: self.server.status(self.thread_id, run.run_id), self.settings.follow_patience)
            except NotFound:
                return "vanished"
            except Refused as error:
                # A key that was changed meanwhile, say: the next pod will have the new one.
                raise TryAgain(error.reason, f"the run goes on, but cannot be followed: {error}") from None
        return status

    def end(self, status: str) -> Outcome:
        """What a run's last status means to the people on call.

        A graph that stopped to ask a human did what it was built for: Succeeded, and the reason says that it waits.
        LangGraph calls such a run "success" and its thread "interrupted"; a run is "interrupted" when somebody
        cancelled it, and is deleted when it was cancelled with rollback.
        """
        thread = f"thread {self.thread_id}"
        if status == "success":
            if not self.ask(lambda: self.server.is_interrupted(self.thread_id), False):
                return self.outcome("Succeeded", "RunSucceeded", self.replaced)
            lost = " (which is deleted now: onRunCompleted keep would let somebody answer)"
            waits = f"the graph waits for input on {thread}{lost if self.deletes_thread else ''}"
            return self.outcome("Succeeded", "WaitingForInput", waits)
        if status == "vanished":
            if self.deletes_thread and (recorded := self.ask(self.recorded, None)):
                return recorded  # another pod of the Job was quicker
            message = f"the run is gone from {thread}: rolled back, or deleted with its thread"
            return self.outcome("Failed", "RunVanished", message)
        error = self.ask(lambda: self.server.error_of(self.thread_id), "")
        if status == "error":
            return self.outcome("Failed", "RunError", error or f"the server names no error; see {thread}")
        if status == "timeout":
            return self.outcome("Failed", "RunTimedOut", error or "the Agent Server's own limit for runs was hit")
        if status in ("interrupted", "cancelled"):
            return self.outcome("Failed", "RunCancelled", error or "somebody cancelled the run")
        return self.outcome("Failed", "RunEnded", f"the server says {status!r}: {error}")

    def ask(self, call: Callable[[], T], unknown: T) -> T:
        """For what is good to know, but must not change how the run ended."""
        try:
            return persist(call, self.settings.start_patience)
        except Exception as error:  # a server's answer may have any shape
            log(f"no details: {_named(error)}")
            return unknown

    def finish(self, outcome: Outcome) -> int:
        """Leave word first, then tidy up: the outcome stands, whether or not the thread can be deleted."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a moment more, and nobody has to come back
        self.write(outcome)
        if self.deletes_thread:
            for step in (lambda: self.record(outcome), self.delete_thread, self.sweep):
                try:
                    persist(step, self.settings.start_patience)
                except TryAgain as error:
                    log(f"thread {self.thread_id} may be left behind: {error}")
                    break
                except Exception as error:  # word was left, so that nothing which comes now may change it
                    log(f"thread {self.thread_id}: {_named(error)}")
        return EXIT_RUN_FAILED if outcome.outcome == "Failed" else EXIT_DONE

    def recorded(self) -> Outcome | None:
        try:
            metadata = self.server.thread_metadata(self.firing.record_id)
        except NotFound:
            return None
        return Outcome.from_json(metadata.get(OUTCOME_METADATA, ""))

    def record(self, outcome: Outcome) -> None:
        metadata = {RECORD_METADATA: self.order.cron_id, OUTCOME_METADATA: outcome.to_json()}
        self.server.create_thread(self.firing.record_id, metadata, RECORD_LIFE)

    def delete_thread(self) -> None:
        self.server.delete_thread(self.thread_id)
        log(f"thread {self.thread_id} deleted")

    def sweep(self) -> None:
        """Delete old records of this cron, for servers that do not do it themselves."""
        oldest = self.server.oldest_threads({RECORD_METADATA: self.order.cron_id}, RECORDS_SWEPT)
        for record_id, created_at in oldest:
            created = _moment(created_at)
            if created and datetime.now(UTC) - created > RECORD_LIFE:
                self.server.delete_thread(record_id)

    def outcome(self, outcome: str, reason: str, message: str = "") -> Outcome:
        run = self.run
        started = _moment(run.created_at) if run else None
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


def _cron_marks(order: Order) -> dict[str, str]:
    return {CRON_METADATA: order.cron_id, CRON_MARK: order.cron_id}


def _moment(text: str) -> datetime | None:
    """A time from the server; None when it cannot be read, which no firing should fail for."""
    try:
        return parse_time(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _named(error: Exception) -> str:
    return str(error) if isinstance(error, AgentServerError) else f"{type(error).__name__}: {error}"


def persist(call: Callable[[], T], patience: float) -> T:
    """Repeat a call while repeating can help, for `patience` seconds from its first failure on.

    Pauses double from 0.2 s to 5 s and are jittered, so that the pods of one minute do not come back as one.
    """
    pause, give_up = 0.2, None
    while True:
        try:
            return call()
        except TryAgain as error:
            now = time.monotonic()
            give_up = now + patience if give_up is None else give_up
            wait = max(error.wait, pause * (1 + os.urandom(1)[0] / 256) / 2)
            if now + wait > give_up:
                raise
            log(f"{error}; again in {wait:.1f} s")
        time.sleep(wait)
        pause = min(5.0, pause * 2)


def request_body(order: Order, firing: Firing, input_json: bytes | None) -> bytes:
    """The body of `POST /threads/{id}/runs`. `input_json` goes in byte by byte: no number is read and rounded."""
    request = dict(order.request)
    mark = {FIRING_METADATA: firing.job_uid}
    request["metadata"] = {**(request.get("metadata") or {}), **_cron_marks(order), **mark}
    if order.thread_id is None:
        request["multitask_strategy"] = "reject"
    if input_json is not None:
        request.pop("input", None)
    try:
        body = json.dumps(request, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair can only be sent escaped
        body = json.dumps(request).encode()
    return body if input_json is None else b'{"input": ' + input_json + b", " + body[1:]
