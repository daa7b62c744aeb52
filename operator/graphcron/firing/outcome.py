"""The outcome of a firing: the run pod's termination message, and its exit codes."""

import json
from typing import Any, Literal, NamedTuple

from graphcron.firing.formats import parse_time
from graphcron.firing.usage import OTHER_MODELS, fewer, is_count, read_usage

TERMINATION_MESSAGE_LIMIT = 4096
"""Bytes; the kubelet cuts what is longer (Kubernetes, `terminationMessagePath`)."""

MESSAGE_KEPT = 200
"""Characters of a message that an answer makes room for."""
ANSWER_LIMIT = 1000
"""Characters."""
DURATION_LIMIT = 10 * 366 * 24 * 3600
"""Seconds: no run of any server lasts as long."""

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
        """At most `TERMINATION_MESSAGE_LIMIT` bytes: a long message is cut first, then the answer, then models are
        summed up. Ids and totals are never cut."""
        text = self._dump()
        if len(text.encode()) <= TERMINATION_MESSAGE_LIMIT:
            return text
        return self._cut("message", MESSAGE_KEPT)._cut("answer", 0)._with_fewer_models()._cut("message", 0)._dump()

    def _cut(self, field: Literal["message", "answer"], least: int) -> "Outcome":
        """With so much less of a text as it takes, but at least its first characters."""
        found, whole = self, getattr(self, field) or ""
        kept = len(whole)
        while kept > least and (over := len(found._dump().encode()) - TERMINATION_MESSAGE_LIMIT) > 0:
            # Bytes too many are at least a sixth as many characters: JSON writes none longer than "\u0000".
            kept = max(least, kept - max(1, over // 6))
            text = whole[:kept] + "…" if kept else ""
            found = self._replace(message=text) if field == "message" else self._replace(answer=text)
        return found

    def _with_fewer_models(self) -> "Outcome":
        found = self
        while found.usage and found.usage["models"] and len(found._dump().encode()) > TERMINATION_MESSAGE_LIMIT:
            named = [name for name in found.usage["models"] if name != OTHER_MODELS]
            models = fewer(found.usage["models"], len(named) - 1) if named else {}
            found = found._replace(usage={**found.usage, "models": models})
        return found

    def _dump(self) -> str:
        known = {key: value for key, value in self._asdict().items() if value or (key == "duration" and value == 0)}
        return json.dumps(known, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Outcome | None":
        """None when the text is not an outcome: a pod that was killed leaves none, or half of one, and where the image
        is a user's, so may be what is in it. Details that cannot be read are left out."""
        try:
            data = json.loads(text)
            found = cls(**{key: value for key, value in data.items() if key in cls._fields})
            if found.started_at is not None:
                parse_time(found.started_at)
        except (ValueError, TypeError, AttributeError, RecursionError):
            return None
        texts = (found.reason, found.message, found.run_id or "", found.thread_id or "")
        if found.outcome not in OUTCOMES or not all(isinstance(value, str) for value in texts):
            return None
        return found._replace(
            usage=read_usage(found.usage),
            answer=answer_text(found.answer) if isinstance(found.answer, str) else None,
            duration=min(found.duration or 0, DURATION_LIMIT) if is_count(found.duration) else None,
        )


def answer_text(text: str) -> str | None:
    """An answer as it is recorded: without what terminals act on, and of bounded length. None when nothing is left."""
    kept = text[: 2 * ANSWER_LIMIT].replace("\r\n", "\n")
    kept = "".join(" " if char.isspace() and char not in "\n\t" else char for char in kept)
    kept = "".join(char for char in kept if char.isprintable() or char in "\n\t")
    kept = kept.encode("utf-8", "replace").decode().strip()
    return (kept if len(kept) <= ANSWER_LIMIT else kept[: ANSWER_LIMIT - 1] + "…") or None
