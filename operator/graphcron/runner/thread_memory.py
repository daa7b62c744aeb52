"""What the thread of a stateless firing remembers: which attempts came to it, and when the firing was due.

Kubernetes does not tell a pod how many of its Job came before it, so the number of an attempt is counted where each of
them leaves a mark: a pod that never reached the Agent Server is not counted. A thread of the user's own remembers none.
"""

import os
from contextlib import suppress
from datetime import datetime
from typing import Any

from graphcron.firing.formats import format_time, moment_of
from graphcron.firing.order import TIME_METADATA
from graphcron.runner.agent_server import AgentServer
from graphcron.runner.errors import AgentServerError

ATTEMPTS_METADATA = "graphcron_attempts"
"""Key in the thread's metadata: a mark of each attempt, in order. A text, since Aegra takes no lists."""


class ThreadMemory:
    """`attempt` is the number of this one, as far as it is known; `due` when the firing was, which for one that nothing
    scheduled is when its first attempt began."""

    def __init__(self, server: AgentServer, thread_id: str, due: datetime) -> None:
        self.server, self.thread_id, self.due = server, thread_id, due
        self.attempt: int | None = None
        self._mark = os.urandom(4).hex()

    def metadata(self) -> dict[str, Any]:
        """Of a thread that this attempt makes."""
        return {TIME_METADATA: format_time(self.due), ATTEMPTS_METADATA: self._mark}

    def recall(self) -> None:
        """Read what a thread has that was there, and add this attempt. It is good to know, and must not keep a run from
        being started."""
        with suppress(AgentServerError):
            found = self.server.thread_metadata(self.thread_id)
            marks = str(found.get(ATTEMPTS_METADATA) or "").split()
            if not marks:
                return
            self.due = moment_of(str(found.get(TIME_METADATA))) or self.due
            if self._mark not in marks:  # it is there when the answer to its creation was lost
                marks.append(self._mark)
                self.server.add_thread_metadata(self.thread_id, {ATTEMPTS_METADATA: " ".join(marks)})
            self.attempt = marks.index(self._mark) + 1
