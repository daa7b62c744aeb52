"""The input of a firing's run: the order's, or that of the mounted file, with its placeholders replaced on request."""

import json
from datetime import datetime
from typing import Any

from graphcron.firing.formats import format_time
from graphcron.firing.order import Order
from graphcron.runner.environment import PodError, PodSettings, read_input


def given_input(order: Order, settings: PodSettings, due: datetime) -> bytes | None:
    """The input as JSON; None when it is the order's as it stands. Raises PodError for one that cannot be used."""
    given = read_input(settings) if order.input_from_file else None
    if order.render is None or (given is None and "input" not in order.request):
        return given
    from graphcron.firing.rendering import BadPlaceholder, render

    # JSON as ASCII, so that half a surrogate pair can be sent, too.
    text = given.decode() if given is not None else json.dumps(order.request["input"])
    values = _Values(order, order.render, due)
    try:
        rendered = render(text, "inputFrom" if order.input_from_file else "input", values.value_of)
    except BadPlaceholder as bad:
        raise PodError("InputInvalid", f"spec: {bad}") from None
    return rendered.encode()


class _Values:
    """What placeholders of one firing stand for."""

    def __init__(self, order: Order, render: dict[str, Any], due: datetime) -> None:
        self._order, self._render, self._due = order, render, due
        self._previous: datetime | None = None

    def value_of(self, name: str, form: str) -> str:
        from graphcron.firing.rendering import NAME, formatted
        from graphcron.firing.zones import zone_of

        if name == NAME:
            return str(self._render["name"])
        moment = self._due if name == "scheduledTime" else self._previous_time()
        return formatted(moment.astimezone(zone_of(self._zone)), form) if form else format_time(moment)

    @property
    def _zone(self) -> str:
        return self._order.timezone or "Etc/UTC"

    def _previous_time(self) -> datetime:
        from graphcron.firing.slots import Slots, previous_time
        from graphcron.firing.zones import zone_of

        if self._previous is None:
            slots = Slots.from_json(self._render)
            self._previous = previous_time(slots, self._order.days or (), zone_of(self._zone), self._due)
        if self._previous is None:
            raise PodError("InputInvalid", "spec: the schedule has no time before this one for previousScheduledTime")
        return self._previous
