"""`concurrencyPolicy: Replace` on an Agent Server: a firing first cancels the runs of earlier ones."""

from contextlib import suppress

from graphcron.firing.order import CRON_MARK, FIRING_METADATA, Firing, Order
from graphcron.runner.agent_server import ACTIVE, AgentServer, Run
from graphcron.runner.environment import log
from graphcron.runner.errors import ResourceNotFound, TryAgain

BUSY_THREADS = RUNS = 100
"""How many threads of the cron, and runs of each, are looked at."""


class Replacement:
    """What a firing with that order replaces. `deletes_thread` says whether the thread of an earlier one goes too."""

    def __init__(self, server: AgentServer, order: Order, firing: Firing, *, deletes_thread: bool) -> None:
        self.server, self.order, self.firing, self.deletes_thread = server, order, firing, deletes_thread
        self.cancelled = ""
        """Which run was cancelled, for the outcome's message."""

    def cancel_earlier(self) -> None:
        """Cancel what earlier firings of the cron still have running. Raises TryAgain until that has stopped."""
        thread_id = self.order.thread_id
        busy = [thread_id] if thread_id else self.server.busy_threads({CRON_MARK: self.order.cron_id}, BUSY_THREADS)
        for where in busy:
            with suppress(ResourceNotFound):  # the earlier pod was quicker
                runs = self.server.runs(where, RUNS)
                for run in runs:
                    # Without metadata, the first run of a stateless firing's thread is the firing's.
                    unmarked = thread_id is None and run is runs[-1] and not run.metadata
                    if run.status not in ACTIVE or not (unmarked or self.is_earlier(run)):
                        continue
                    if self.server.cancel(where, run.run_id):
                        why = "of an earlier firing was cancelled (concurrencyPolicy Replace)"
                        self.cancelled = f"run {run.run_id} {why}"
                        log(self.cancelled)
                        if self.server.run(where, run.run_id).status in ACTIVE:
                            raise TryAgain("ThreadBusy", f"{self.cancelled}, and has not stopped yet")
            if self.deletes_thread:
                self.server.delete_thread(where)

    def is_earlier(self, run: Run) -> bool:
        mark = run.metadata.get(FIRING_METADATA, self.firing.job_uid)
        return run.metadata.get(CRON_MARK) == self.order.cron_id and mark != self.firing.job_uid
