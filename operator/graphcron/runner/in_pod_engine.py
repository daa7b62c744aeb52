"""The in-pod engine: runs a graph in the pod, with no Agent Server (`spec.engine: inPod`).

`python3 /graphcron` in the user's image, on the user's Python and LangGraph; an init container of our image copied
it there (`copy_runner`). So the standard library is all that may be imported at its top. Gates, jitter, outcomes
and exit codes are the runner's, whose attempt this one is.

Idempotence is the checkpointer's. Each checkpoint bears the firing's mark in its metadata. An attempt that finds it on
the thread's last checkpoint goes on from there, and starts nothing when the run was over. What was done after the last
checkpoint is done again: with LangGraph's default durability that is the step at which the pod died, with `exit` it is
the whole run. Before the thread of a stateless firing is deleted, its outcome goes into a record, a thread with nothing
but metadata, as in the runner and for the same reason. Without a checkpointer a pod leaves nothing, another attempt
runs the graph from its start, and the operator therefore allows one only to who asks for it (`spec.retryLimit`).

SIGTERM cancels the run, so that LangGraph can write what it has, and ends the process after `GRACE_SECONDS` at most.
"""

import asyncio
import json
import os
import signal
import sys
import threading
import traceback
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from graphcron.firing.formats import moment_of, parse_time
from graphcron.firing.order import ATTEMPT_METADATA, CRON_METADATA, FIRING_METADATA, TIME_METADATA
from graphcron.firing.outcome import EXIT_RUN_FAILED, EXIT_TRY_AGAIN, WAITING_FOR_INPUT, Outcome
from graphcron.runner import graph_loader
from graphcron.runner.agent_server import Run
from graphcron.runner.attempt import PROGRESS_SECONDS, Attempt, Stopped
from graphcron.runner.checkpointer import checkpointer, delete_thread, recorded
from graphcron.runner.environment import PodError, log
from graphcron.runner.given_input import given_input
from graphcron.runner.in_pod_usage import InPodUsage, ids_before
from graphcron.runner.main import main as run_firing
from graphcron.runner.request import time_marks

GRACE_SECONDS = 10.0
"""Kubernetes kills a pod 30 s after SIGTERM."""

_RUN = "graphcron_run"
"""Key in a checkpoint's metadata: the id of the attempt's run, under which LangSmith has its trace."""

_STARTED = "graphcron_started"
"""Key in a checkpoint's metadata: when the first attempt started the run, RFC 3339. The deadline counts from it."""


def main(environ: Mapping[str, str]) -> int:
    """Run one firing; returns the process's exit code."""
    return run_firing(environ, InPodEngine, needs_server=False)


class InPodEngine:
    """Runs the graph in this process. Raises PodError when graph or input cannot be loaded."""

    stopping = over = False
    cut: Outcome | None = None
    """How it ended when it was not let go on: out of time, or out of tokens."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt, self.order, self.firing = attempt, attempt.order, attempt.firing
        self.settings = attempt.settings
        self.thread_id, self.deletes_thread = attempt.thread_id, attempt.deletes_thread
        self.graph: Any = None
        self.input: Any = None
        self.usage = InPodUsage(None, lambda: None)
        attempt.detailed = self.detailed
        self.began: datetime | None = None
        """When an earlier attempt started the run."""

    def start_or_resume(self) -> Outcome | None:
        """Load graph and input. Whether to resume is for the thread's checkpoints to say, which `follow` opens."""
        request = self.order.request
        self.graph = graph_loader.load(request["assistant_id"], os.getcwd())  # noqa: PTH109
        given = given_input(self.order, self.settings, self.attempt.due)
        self.input = json.loads(given) if given is not None else request.get("input")
        return None

    def follow(self) -> Outcome:
        try:
            return asyncio.run(self.run_to_its_end(self.graph, self.input))
        except asyncio.CancelledError:
            raise Stopped from None
        except SystemExit as error:  # of a node: asyncio lets it through
            said = f"the graph called sys.exit({error.code!r})"
            return self.attempt.conclude(self.attempt.outcome("Failed", "RunError", said))

    def cancel(self) -> Outcome:
        return self.attempt.conclude(self.out_of_time())

    def earliest_now(self) -> datetime | None:
        return None  # the run ends with the pod

    def stopped(self) -> str:
        if self.attempt.run is None:
            return "the pod was stopped before the graph had started"
        if self.settings.checkpointer_url:
            return f"the pod was stopped; the next attempt resumes thread {self.thread_id} at its last checkpoint"
        return "the pod was stopped; without checkpointer nothing of the run is kept"

    async def run_to_its_end(self, value: Any, given: Any) -> Outcome:
        self.stop_on_signals()
        self.attempt.limit(0)
        async with checkpointer(self.settings.checkpointer_url) as saver:
            try:
                outcome = (
                    await recorded(saver, self.firing) if self.deletes_thread else None
                ) or await self.run_or_resume(value, given, saver)
            except asyncio.CancelledError:
                if self.cut is None:
                    raise
                outcome = self.cut
            self.over = True
            outcome = self.detailed(self.cut or outcome)
            self.attempt.conclude(outcome)
            if saver and self.deletes_thread:
                try:
                    await delete_thread(saver, self.firing, self.order.cron_id, outcome)
                except (Exception, asyncio.CancelledError) as error:  # the outcome stands
                    log(f"thread {self.thread_id} may be left behind: {type(error).__name__}")
        return outcome

    def stop_on_signals(self) -> None:
        """SIGTERM, and SIGALRM when the firing's time is up: the outcome first, and then the graph is cancelled."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task

        def end(code: int) -> None:
            loop.call_soon_threadsafe(task.cancel)
            # A node that blocks does not hear of it.
            timer = threading.Timer(GRACE_SECONDS, os._exit, [code])
            timer.daemon = True
            timer.start()

        def stop(signal_number: int, frame: object) -> None:
            if not (self.over or self.cut):
                self.stopping = True
                end(self.attempt.report(EXIT_TRY_AGAIN, "Failed", "PodStopped", self.stopped()))

        def cut_off(outcome: Outcome) -> None:
            if not (self.stopping or self.over or self.cut):
                self.cut = outcome
                self.attempt.write(self.detailed(outcome))
                end(EXIT_RUN_FAILED)

        def too_much() -> None:
            cut_off(self.attempt.over_budget(self.usage.total))

        self.usage = InPodUsage(self.order.run_tokens, too_much)
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGALRM, lambda number, frame: cut_off(self.out_of_time()))

    def detailed(self, outcome: Outcome) -> Outcome:
        """With what the run used, how long it took with all attempts, and its answer. A recorded one has them."""
        run, ended_well = self.attempt.run, outcome.outcome in ("Succeeded", WAITING_FOR_INPUT)
        if run is None or run.created is None or outcome.duration is not None:
            return outcome
        ended = run.created if run.status == "" else datetime.now(UTC)
        # Without a trace of an earlier attempt there may yet have been one.
        traced = self.settings.checkpointer_url and self.order.request.get("durability") != "exit"
        return outcome._replace(
            duration=max(0, round((ended - (self.began or run.created)).total_seconds())),
            usage=self.usage.usage(complete=ended_well and bool(self.order.only_attempt or traced)),
            answer=self.usage.answer if self.order.record_answer and ended_well else None,
        )

    def out_of_time(self) -> Outcome:
        said = "and its run was cancelled" if self.attempt.run else "before its run was started"
        return self.attempt.out_of_time(said)

    async def run_or_resume(self, value: Any, given: Any, saver: Any) -> Outcome:
        """Whatever the graph raises is a failed run, as on the Agent Server; so is what its factory raises."""
        config = self.config(uuid.uuid4())
        try:
            async with graph_loader.opened(value, config) as graph:
                if saver:
                    graph = graph.copy(update={"checkpointer": saver})
                    state = await graph.aget_state(config)
                    if (state.metadata or {}).get(FIRING_METADATA) == self.firing.job_uid:
                        known = await ids_before(graph, config, self.firing.job_uid) if self.order.thread_id else set()
                        if over := await self.end_of(graph, state, config):
                            self.usage.found(state.values, known)
                            return over
                        self.resumed(state.metadata, config["metadata"])
                        self.usage.count(state.values, known)
                        log(f"an earlier attempt came to {', '.join(task.name for task in state.tasks)}: resuming")
                        given = None
                return await self.stream(graph, given, config)
        except PodError:
            raise
        except (Exception, SystemExit) as error:
            if self.stopping:
                raise Stopped from None
            if self.cut:
                return self.cut
            traceback.print_exc(file=sys.stdout)
            return self.attempt.outcome("Failed", "RunError", f"{type(error).__name__}: {error}")

    def resumed(self, earlier: Mapping[str, Any], ours: dict[str, Any]) -> None:
        """Take over when the run that is resumed was due, and when it was started: another attempt has no more time."""
        ours[TIME_METADATA] = earlier.get(TIME_METADATA, ours[TIME_METADATA])
        ours[ATTEMPT_METADATA] = earlier.get(ATTEMPT_METADATA, 1) + 1
        if started := earlier.get(_STARTED):
            ours[_STARTED] = started
            self.attempt.limit((datetime.now(UTC) - parse_time(started)).total_seconds())

    def config(self, run_id: uuid.UUID) -> dict[str, Any]:
        """The cron's config with what LangGraph's server adds to it."""
        request = self.order.request
        given = request.get("config") or {}
        mark = {CRON_METADATA: self.order.cron_id, FIRING_METADATA: self.firing.job_uid, _RUN: str(run_id)}
        mark[_STARTED] = datetime.now(UTC).isoformat()
        # A checkpointer has none of an earlier attempt, or `resumed` counts on. Nothing else remembers one.
        first = self.settings.checkpointer_url or self.order.only_attempt
        times = time_marks(self.firing, self.attempt.due, 1 if first else None)
        identity = {"thread_id": self.thread_id, CRON_METADATA: self.order.cron_id}
        # As there, what is given as context can be read as configurable, and the other way round (`stream`).
        settings = request.get("context") or given.get("configurable") or {}
        return {
            **given,
            "run_id": run_id,
            "callbacks": self.usage.callbacks(),
            "configurable": {**settings, **identity},
            "metadata": {**(given.get("metadata") or {}), **(request.get("metadata") or {}), **mark, **times},
        }

    async def stream(self, graph: Any, given: Any, config: dict[str, Any]) -> Outcome:
        """Run the graph to its end; `given` None resumes it."""
        request = self.order.request
        names = ("interrupt_before", "interrupt_after", "durability")
        options = {name: request[name] for name in names if name in request}
        settings = request.get("context") or (request.get("config") or {}).get("configurable")
        if settings and hasattr(graph, "get_context_jsonschema"):  # LangGraph 0.6 and later
            known = _context_keys(graph)
            options["context"] = {key: value for key, value in settings.items() if not known or key in known}
        identity = str(config["run_id"])
        self.attempt.run = Run(identity, "running", datetime.now(UTC), {})
        log(f"run {identity} started on thread {self.thread_id}")
        waits, steps = False, 0
        progress = asyncio.create_task(_log_progress(lambda: f"run {identity} goes on, {steps} updates so far"))
        try:
            modes = ["updates", "values"] if self.order.record_answer else ["updates"]
            async for mode, update in graph.astream(given, config, stream_mode=modes, **options):
                if mode == "values":
                    self.usage.values = update
                else:
                    waits, steps = waits or "__interrupt__" in update, steps + 1
        finally:
            progress.cancel()
        return self.waiting() if waits else self.attempt.outcome("Succeeded", "RunSucceeded")

    async def end_of(self, graph: Any, state: Any, config: dict[str, Any]) -> Outcome | None:
        """How this firing's run ended, from the last checkpoint of its thread; None when it has not."""
        self.began = moment_of(state.metadata.get(_STARTED, ""))
        self.attempt.run = Run(state.metadata.get(_RUN, ""), "", moment_of(state.created_at or ""), {})
        # Not `next`, which is empty also when the last step's writes are kept, and not yet taken up.
        if not state.tasks:
            return self.attempt.outcome("Succeeded", "RunSucceeded")
        if errors := [str(task.error) for task in state.tasks if task.error]:
            return self.attempt.outcome("Failed", "RunError", "; ".join(errors))
        if any(task.interrupts for task in state.tasks):
            return self.waiting()
        # A checkpoint at an interrupt is the same as one that the pod died at. The run stops there in either case, and
        # resuming it would go past.
        came_from = [before.next async for before in graph.aget_state_history(config, limit=2)][1:]
        before, after = (self.order.request.get(name) or () for name in ("interrupt_before", "interrupt_after"))
        stops = _named(before, state.next) or _named(after, came_from[0] if came_from else ())
        return self.waiting() if stops and state.metadata.get("source") == "loop" else None

    def waiting(self) -> Outcome:
        keeps = self.settings.checkpointer_url and not self.deletes_thread
        kept = f"on thread {self.thread_id}" if keeps else "and its thread is not kept"
        return self.attempt.outcome(WAITING_FOR_INPUT, WAITING_FOR_INPUT, f"the graph waits for input, {kept}")


def _context_keys(graph: Any) -> Any:
    """The keys that the graph's context may have; None for any, as the Agent Server takes a schema that it cannot read
    (pydantic refuses typing.TypedDict before Python 3.12)."""
    with suppress(Exception):
        return (graph.get_context_jsonschema() or {}).get("properties")
    return None


def _named(nodes: Any, reached: Any) -> bool:
    return bool(set(reached) - {"__start__"}) if nodes == "*" else bool(set(nodes) & set(reached))


async def _log_progress(progress: Callable[[], str]) -> None:
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        log(progress())
