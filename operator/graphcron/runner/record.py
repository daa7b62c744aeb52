"""The record of a firing whose thread is deleted: an empty thread of a second derived id, with the outcome (see
`runner`)."""

from datetime import UTC, datetime

from graphcron.firing.order import Firing, Order
from graphcron.firing.outcome import Outcome
from graphcron.runner.agent_server import AgentServer
from graphcron.runner.attempt import OUTCOME_METADATA, RECORD_LIFE, RECORD_METADATA
from graphcron.runner.errors import ResourceNotFound

RECORDS_SWEPT = 20
"""Old records deleted by one firing. It leaves one, so they never pile up."""


class Record:
    """The record on the Agent Server."""

    def __init__(self, server: AgentServer, order: Order, firing: Firing) -> None:
        self._server, self._cron_id, self._record_id = server, order.cron_id, firing.record_id

    def read(self) -> Outcome | None:
        try:
            metadata = self._server.thread_metadata(self._record_id)
        except ResourceNotFound:
            return None
        return Outcome.from_json(metadata.get(OUTCOME_METADATA, ""))

    def write(self, outcome: Outcome) -> None:
        metadata = {RECORD_METADATA: self._cron_id, OUTCOME_METADATA: outcome.to_json()}
        self._server.create_thread(self._record_id, metadata, RECORD_LIFE)

    def sweep(self) -> None:
        """Delete old records of this cron, for servers that do not do it themselves."""
        oldest = self._server.oldest_threads({RECORD_METADATA: self._cron_id}, RECORDS_SWEPT)
        for record_id, created in oldest:
            if datetime.now(UTC) - created > RECORD_LIFE:
                self._server.delete_thread(record_id)
