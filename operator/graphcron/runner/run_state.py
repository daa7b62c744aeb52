"""What a run left in its thread: from the checkpoints that it wrote, the messages that are its own.

A thread may be older than the firing, and other runs may follow before anybody looks. So neither the thread's state is
read, nor is anything remembered from before the start, which a killed pod would forget: each checkpoint names the run
that wrote it, the run's last one has its messages, and its first one, of the input, those that were there before.

A state does not say which calls of models left no message in it. So it never tells all of a run's tokens for sure.
"""

import json
from collections.abc import Mapping
from typing import Any

from graphcron.firing.order import FIRING_METADATA
from graphcron.runner.agent_server import AgentServer
from graphcron.runner.tally import Tally, id_of, ids_in, messages_in

STATE_LIMIT = 1024 * 1024
"""Bytes of a checkpoint that are read."""
PARTS_LIMIT = 48 * 1024
"""Commas and brackets in them: Python makes an object of each part, a run pod has 32 MiB, and on a shared thread two
checkpoints are read."""
READ_SECONDS = 3.0

NOTHING: frozenset[str] = frozenset()


class RunState:
    """The last checkpoint of a run. `values` is the graph's state in it, None when that cannot be known; `known` are
    the ids of messages that were there before, None when these cannot be known."""

    def __init__(self, server: AgentServer, thread_id: str, run_id: str, firing: str, *, own_thread: bool) -> None:
        self._server, self._thread_id, self._run_id, self._firing = server, thread_id, run_id, firing
        last = self._checkpoint({}) or {}
        if not last and own_thread:  # a server that cannot tell by run: nobody else runs here before anybody knows
            last = self._read("GET", "/state", None) or {}
        self.values = last.get("values")
        self.known: set[str] | frozenset[str] | None = NOTHING
        if not own_thread and self.values is not None:
            self.known = self._ids_before(last)

    def count(self, tally: Tally) -> None:
        """Add what the run's own messages say."""
        if self.values is None or self.known is None:
            tally.unsure = True
            return
        for number, message in enumerate(messages_in(self.values)):
            identity = id_of(message)
            if not identity and self.known is not NOTHING:
                tally.unsure = True
            elif identity not in self.known:
                tally.add(message, key=identity or f"#{number}")

    def _ids_before(self, last: Mapping[str, Any]) -> set[str] | None:
        if first := self._checkpoint({"source": "input"}):
            return ids_in(first.get("values"))
        # Durability "exit" writes one checkpoint a run: its parent is not the run's.
        parent = last.get("parent_checkpoint", "")
        if not isinstance(parent, Mapping) or not (identity := parent.get("checkpoint_id")):
            return set() if parent is None else None
        before = self._read("GET", f"/state/{identity}", None)
        return None if before is None or self._is_ours(before) else ids_in(before.get("values"))

    def _checkpoint(self, wanted: Mapping[str, str]) -> dict[str, Any] | None:
        """The run's newest checkpoint of that kind."""
        query = {"limit": 1, "metadata": {"run_id": self._run_id, **wanted}}
        found = self._read("POST", "/history", query)
        return found if found and self._is_ours(found, wanted) else None

    def _is_ours(self, checkpoint: Mapping[str, Any], wanted: Mapping[str, str] | None = None) -> bool:
        metadata = checkpoint.get("metadata")
        if not isinstance(metadata, Mapping):
            return False
        ours = metadata.get("run_id") == self._run_id or metadata.get(FIRING_METADATA) == self._firing
        return ours and all(metadata.get(name) == value for name, value in (wanted or {}).items())

    def _read(self, method: str, rest: str, query: Any) -> dict[str, Any] | None:
        """One checkpoint. None when there is none, or when it is too large."""
        data = self._server.read(method, self._thread_id, rest, query, STATE_LIMIT, READ_SECONDS)
        if data is None or sum(map(data.count, (b",", b"[", b"{"))) > PARTS_LIMIT:
            return None
        found = json.loads(data)
        found = found[0] if isinstance(found, list) and found else found
        return found if isinstance(found, dict) else None
