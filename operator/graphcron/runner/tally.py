"""What the messages of a run say about it: the tokens that it used, and its answer. Pure.

Messages are JSON as Agent Servers send them, or LangChain's own objects in a pod of engine inPod. Whatever they hold is
the graph's: nothing here fails because of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphcron.firing.outcome import answer_text
from graphcron.firing.usage import COUNTS, added, is_count, model_name, usage_of

ENTRIES = 4096
"""Messages that are told apart at one time, which is 2 MiB at most; those before them are summed up."""

_AI = ("ai", "assistant", "AIMessageChunk")


class Tally:
    """Tokens by message, so that none counts twice. `unsure` says that there may be more than is counted."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[str, dict[str, int] | None]] = {}
        """Model and tokens by id of the message; no tokens when it has not told them."""
        self._sums: dict[str, dict[str, int]] = {}
        self.total = 0
        self.unsure = False

    def add(self, message: object, *, grows: bool = False, key: str = "") -> None:
        """Count a message of a model. `grows` says that a message of the same id before it was another part of it;
        otherwise it takes that one's place."""
        if not _is(message, _AI):
            return
        key = key or id_of(message)
        if not key:
            self.unsure = True
            return
        model, counts = _model(message), counts_of(field(message, "usage_metadata"))
        if (known := self._entries.get(key)) and grows:
            model = known[0] if model == model_name("") else model
            counts = added(filter(None, (known[1], counts))) if known[1] or counts else None
        elif known and counts is None:
            return
        self._entries[key] = model, counts
        self.total += _total(counts) - _total(known[1] if known else None)
        if len(self._entries) > ENTRIES:
            self._sum_up(next(iter(self._entries)))

    def usage(self, source: str, *, complete: bool) -> dict[str, Any] | None:
        """As in an outcome; None when no message told its tokens, since unknown is not zero."""
        for key in list(self._entries):
            self._sum_up(key)
        return usage_of(self._sums, source, complete and not self.unsure) if self._sums else None

    def _sum_up(self, key: str) -> None:
        model, counts = self._entries.pop(key)
        if counts is None:
            self.unsure = True
        else:
            self._sums[model] = added(filter(None, (self._sums.get(model), counts)))


def _total(counts: dict[str, int] | None) -> int:
    return counts["totalTokens"] if counts else 0


def field(message: object, name: str) -> Any:
    """A field of a message, of either kind; None also when it cannot be read. It may be of any type, also of one that
    nothing can be compared with."""
    try:
        return message.get(name) if isinstance(message, Mapping) else getattr(message, name, None)
    except Exception:
        return None


def id_of(message: object) -> str:
    """ "" when it has none."""
    identity = field(message, "id")
    return str(identity) if isinstance(identity, str | int) else ""


def _is(message: object, kinds: tuple[str, ...]) -> bool:
    return any(kind in kinds for kind in _kinds(message))


def _kinds(message: object) -> list[str]:
    return [said for name in ("type", "role") if isinstance(said := field(message, name), str)]


def counts_of(data: object) -> dict[str, int] | None:
    """LangChain's `usage_metadata` as tokens; None when they are none."""
    if not isinstance(data, Mapping):
        return None
    details = data.get("input_token_details")
    cached = _count(details.get("cache_read")) if isinstance(details, Mapping) else 0
    read, written = _count(data.get("input_tokens")), _count(data.get("output_tokens"))
    total = max(_count(data.get("total_tokens")), read + written)
    return added([dict(zip(COUNTS, (read, written, total, cached), strict=True))]) if total else None


def _count(value: object) -> int:
    return value if isinstance(value, int) and is_count(value) else 0


def _model(message: object) -> str:
    said = field(message, "response_metadata")
    return model_name((said.get("model_name") or said.get("model")) if isinstance(said, Mapping) else "")


def messages_in(values: object) -> Iterator[object]:
    """The messages that a graph's state holds at its top, alone or in lists."""
    for value in values.values() if isinstance(values, Mapping) else ():
        for item in value if isinstance(value, list | tuple) else (value,):
            if _kinds(item):
                yield item


def ids_in(values: object) -> set[str] | None:
    """Of the messages of a state; None for what is none."""
    return {id_of(message) for message in messages_in(values)} if isinstance(values, Mapping) else None


def answer_in(values: object) -> str | None:
    """The text of the last message of a state, unless a person wrote it; None when there is none."""
    kept = values.get("messages") if isinstance(values, Mapping) else None
    last = kept[-1] if isinstance(kept, list | tuple) and kept else None
    if _is(last, ("human", "user", "system")):
        return None
    content = field(last, "content")
    return answer_text(content if isinstance(content, str) else "\n".join(_texts(content)))


def _texts(content: object) -> Iterable[str]:
    """Of content that comes in blocks."""
    for block in content if isinstance(content, list | tuple) else ():
        text = block.get("text") if isinstance(block, Mapping) else block
        if isinstance(text, str):
            yield text
