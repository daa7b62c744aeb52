"""The outcome of a firing: the run pod's termination message, and its exit codes."""

import json
from typing import Any, NamedTuple

from graphcron.firing.formats import parse_time

TERMINATION_MESSAGE_LIMIT = 4096
"""Bytes; the kubelet cuts what is longer (Kubernetes, `terminationMessagePath`)."""

EXIT_DONE = 0
"""The run succeeded, or this firing was skipped on purpose."""
EXIT_RUN_FAILED = 10
"""The run was started and ended badly: starting it again would cost a second run."""
EXIT_REFUSED = 11
"""The Agent Server will not take this request however often it is sent (401, 403, 404, 422, …)."""
EXIT_TRY_AGAIN = 75
"""Another attempt can help (connection refused, 429, 5xx). sysexits.h calls it EX_TEMPFAIL."""

FINAL_EXIT_CODES = (EXIT_RUN_FAILED, EXIT_REFUSED)
"""For the Job's podFailurePolicy: fail at once, do not retry."""


WAITING_FOR_INPUT = "WaitingForInput"
"""Outcome, and its reason, of a run that stopped to ask somebody: neither success nor failure, and final."""

OUTCOMES = ("Succeeded", "Failed", "Skipped", WAITING_FOR_INPUT)


class Outcome(NamedTuple):
    """How a firing ended, as the run pod's termination message reports it.

    `outcome` is one of `OUTCOMES`; `reason` is CamelCase for programs, `message` a sentence for people. `usage` is what
    `resource.usage.Usage` describes, as JSON; `answer` the text of the last message, and `duration` the seconds that
    the run took.
    """

    outcome: str
    reason: str
    message: str = ""
    run_id: str | None = None
    thread_id: str | None = None
    started_at: str | None = None
    usage: dict[str, Any] | None = None
    answer: str | None = None
    duration: int | None = None

    def to_json(self) -> str:
        """At most `TERMINATION_MESSAGE_LIMIT` bytes: a long message is cut, the ids never are."""
        text = self._dump()
        kept = len(self.message)
        while kept and len(text.encode()) > TERMINATION_MESSAGE_LIMIT:
            # Bytes too many are at least a sixth as many characters: JSON writes none longer than "\u0000".
            over = len(text.encode()) - TERMINATION_MESSAGE_LIMIT
            kept = max(0, kept - max(1, over // 6))
            text = self._replace(message=self.message[:kept] + "…" if kept else "")._dump()
        return text

    def _dump(self) -> str:
        return json.dumps({key: value for key, value in self._asdict().items() if value}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Outcome | None":
        """None when the text is not an outcome: a pod that was killed leaves none, or half of one, and where the image
        is a user's, so may be what is in it."""
        try:
            data = json.loads(text)
            found = cls(**{key: value for key, value in data.items() if key in cls._fields})
            if found.started_at is not None:
                parse_time(found.started_at)
        except (ValueError, TypeError, AttributeError, RecursionError):
            return None
        texts = (found.reason, found.message, found.run_id or "", found.thread_id or "")
        return found if found.outcome in OUTCOMES and all(isinstance(value, str) for value in texts) else None
