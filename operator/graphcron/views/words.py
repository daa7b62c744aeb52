"""What is said of one GraphCron: its phase, its last firings, times relative to now, and amounts. Pure."""

import re
from datetime import datetime, timedelta
from decimal import Decimal

from graphcron.firing.formats import is_uuid, parse_time
from graphcron.kube.resources import Manifest
from graphcron.resource.identity import DISPLAY_NAME
from graphcron.resource.usage import AMOUNT

NAME_CHARACTERS = 60
"""Of a name for people."""


def human_name(graphcron: Manifest) -> str:
    """What people call it: the annotation graphcron.dev/display-name; else the object's name, unless REST made it a
    UUID; else `name` of spec.metadata; else the first words of its input; else the UUID."""
    metadata, spec = graphcron["metadata"], graphcron.get("spec") or {}
    given = (metadata.get("annotations") or {}).get(DISPLAY_NAME)
    if not given and not is_uuid(metadata["name"]):
        return str(metadata["name"])
    free = spec.get("metadata")
    named = free.get("name") if isinstance(free, dict) else None
    for text in (given, named, first_text(spec.get("input"))):
        if isinstance(text, str) and (words := " ".join(text[: NAME_CHARACTERS * 4].split())):
            return words if len(words) <= NAME_CHARACTERS else f"{words[: NAME_CHARACTERS - 1]}…"
    return str(metadata["name"])


def first_text(value: object) -> str | None:
    """What the first message of an input says; None when it has none."""
    messages = value.get("messages") if isinstance(value, dict) else None
    first = messages[0] if isinstance(messages, list) and messages else messages
    content = first.get("content") if isinstance(first, dict) else first
    if isinstance(content, list):
        content = next((part["text"] for part in content if isinstance(part, dict) and "text" in part), None)
    return content if isinstance(content, str) else None


def phase(graphcron: Manifest) -> str:
    """The reason of its Ready condition; Pending until the operator has read the spec as it is."""
    status = graphcron.get("status") or {}
    ready = condition(graphcron, "Ready")
    if ready is None or status.get("observedGeneration") != graphcron["metadata"].get("generation"):
        return "Pending"
    return str(ready["reason"])


_SIGNS = {"Succeeded": "+", "Failed": "x", "Skipped": "s", "Missed": "m", "Replaced": "r", "WaitingForInput": "w"}


def strip(graphcron: Manifest) -> str:
    """A sign for each of the last firings, the newest last: + succeeded, x failed, s skipped,
    m missed, r replaced, w waiting for input."""
    history = (graphcron.get("status") or {}).get("history", [])
    return "".join(_SIGNS.get(entry["outcome"], "?") for entry in reversed(history))


def length(entry: Manifest) -> timedelta | None:
    """How long a firing's run took: as its pod reports it, else from its start to its end; None when that is
    unknown."""
    start, end, reported = entry.get("startedAt"), entry.get("finishedAt"), entry.get("durationSeconds")
    if isinstance(reported, int):
        return timedelta(seconds=reported)
    return parse_time(end) - parse_time(start) if start and end else None


def duration(entry: Manifest) -> str | None:
    """The same for people."""
    return None if (found := length(entry)) is None else span(found)


def first_line(text: str) -> str:
    """The first line of a message, with an ellipsis for the rest."""
    line, _, rest = text.strip().partition("\n")
    return f"{line} …" if rest.strip() else line


def condition(graphcron: Manifest, kind: str) -> Manifest | None:
    """The condition of that type, None when it is not there."""
    conditions = (graphcron.get("status") or {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == kind), None)


def stuck_pods(graphcron: Manifest) -> Manifest | None:
    """The condition that says what keeps run pods from starting, or else from ending; None when nothing does."""
    return condition(graphcron, "RunsStarting") or condition(graphcron, "RunsEnding")


def unmet(graphcron: Manifest) -> list[Manifest]:
    """The conditions about what is expected of it and not so (`spec.expect`, `spec.budget`)."""
    kinds = ("Overdue", "Late", "Slow", "OverBudget", "BudgetNotHeld")
    return [found for kind in kinds if (found := condition(graphcron, kind))]


def told(reason: str, message: str) -> str:
    """Reason and message as one sentence; many messages begin with their reason."""
    return message if not reason or message.startswith(reason) else ": ".join(filter(None, [reason, message]))


def relative(time: str, now: datetime) -> str:
    """A time as the distance from now: `in 5m`, `3h ago`."""
    distance = parse_time(time) - now
    return f"in {span(distance)}" if distance >= timedelta(0) else f"{span(-distance)} ago"


def span(length: timedelta) -> str:
    """A length of time by its two largest units at most, as kubectl writes ages: `45s`, `5m30s`, `3h`, `2d4h`."""
    seconds = int(max(length, timedelta(0)).total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        parts.append((number, unit))
    first = next((index for index, (number, _) in enumerate(parts) if number), len(parts) - 1)
    # From ten of the largest unit on, the next one says nothing more.
    shown = parts[first : first + (2 if parts[first][0] < 10 else 1)]
    return "".join(f"{number}{unit}" for index, (number, unit) in enumerate(shown) if number or index == 0)


def amount(value: Decimal, currency: str = "") -> str:
    """Money with two digits that say something: `3.60 USD`, `0.0042 USD`."""
    digits = 2 if value >= 1 or not value else min(max(2, 1 - value.adjusted()), 9)
    return f"{value:,.{digits}f} {currency}".strip()


def read_amount(text: object) -> Decimal | None:
    """Money as a status has it; None for what is none."""
    return Decimal(text) if isinstance(text, str) and re.fullmatch(AMOUNT, text) else None


def exact(value: Decimal) -> str:
    """Money for programs, as the status has it: to a billionth, without zeros at the end."""
    return f"{value:.9f}".rstrip("0").rstrip(".")


def rounded(number: float) -> str:
    """A number of which three digits say enough: `1,230,000`."""
    return f"{int(float(f'{number:.3g}')):,}"
