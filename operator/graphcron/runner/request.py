"""The request that starts a run: the order's, with the firing's marks in its metadata."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from graphcron.firing.formats import format_time
from graphcron.firing.order import (
    ATTEMPT_METADATA,
    CRON_MARK,
    CRON_METADATA,
    FIRING_METADATA,
    TIME_METADATA,
    TRIGGER_METADATA,
    Firing,
    Order,
)


def cron_marks(order: Order) -> dict[str, str]:
    return {CRON_METADATA: order.cron_id, CRON_MARK: order.cron_id}


def time_marks(firing: Firing, due: datetime, attempt: int | None) -> dict[str, str | int]:
    """What a run says of the firing that started it. `attempt` is None where nothing remembers earlier ones."""
    marks: dict[str, str | int] = {TIME_METADATA: format_time(due), TRIGGER_METADATA: firing.trigger}
    return marks if attempt is None else {**marks, ATTEMPT_METADATA: attempt}


def request_body(
    order: Order, firing: Firing, input_json: bytes | None, marks: Mapping[str, str | int] | None = None
) -> bytes:
    """The body of `POST /threads/{id}/runs`, with `time_marks`. `input_json` goes in byte by byte: no number is read
    and rounded."""
    request = dict(order.request)
    mark = {FIRING_METADATA: firing.job_uid, **(marks or {})}
    request["metadata"] = {**(request.get("metadata") or {}), **cron_marks(order), **mark}
    if order.thread_id is None:
        request["multitask_strategy"] = "reject"
    if order.run_tokens is not None:
        request |= _told_by_stream(request)
    if input_json is not None:
        request.pop("input", None)
    try:
        body = json.dumps(request, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair can only be sent escaped
        body = json.dumps(request).encode()
    return body if input_json is None else b'{"input": ' + input_json + b", " + body[1:]


def _told_by_stream(request: Mapping[str, Any]) -> dict[str, Any]:
    """What makes the run's stream show each message of a model, also to pods that come later. The graph's state, which
    streams by default, would only fill the server's memory."""
    given = request.get("stream_mode") or []
    modes = [given] if isinstance(given, str) else list(given)
    messages = [] if "messages-tuple" in modes else ["messages-tuple"]
    return {"stream_mode": modes + messages, "stream_subgraphs": True, "stream_resumable": True}
