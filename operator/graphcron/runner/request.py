"""The request that starts a run: the order's, with the firing's mark in its metadata."""

import json

from graphcron.firing.order import CRON_MARK, CRON_METADATA, FIRING_METADATA, Firing, Order


def cron_marks(order: Order) -> dict[str, str]:
    return {CRON_METADATA: order.cron_id, CRON_MARK: order.cron_id}


def request_body(order: Order, firing: Firing, input_json: bytes | None) -> bytes:
    """The body of `POST /threads/{id}/runs`. `input_json` goes in byte by byte: no number is read and rounded."""
    request = dict(order.request)
    mark = {FIRING_METADATA: firing.job_uid}
    request["metadata"] = {**(request.get("metadata") or {}), **cron_marks(order), **mark}
    if order.thread_id is None:
        request["multitask_strategy"] = "reject"
    if input_json is not None:
        request.pop("input", None)
    try:
        body = json.dumps(request, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair can only be sent escaped
        body = json.dumps(request).encode()
    return body if input_json is None else b'{"input": ' + input_json + b", " + body[1:]
