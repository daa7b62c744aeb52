"""The order of a GraphCron: what its spec asks each run pod to do."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from graphcron.firing.formats import format_time
from graphcron.firing.order import CRON_MARK, Order
from graphcron.resource.identity import cron_id
from graphcron.resource.run_options import REQUEST_FIELDS
from graphcron.resource.spec import DEFAULT_TIMEZONE, GraphCronSpec
from graphcron.schedule.fields import Schedule

ORDER_LIMIT = 240 * 1024
"""Bytes of an order. It travels in an annotation, and Kubernetes limits all annotations of an object together to
256 KiB; the rest is room for the user's own."""


def order(
    metadata: Mapping[str, Any],
    spec: GraphCronSpec,
    not_before: datetime | None,
    schedule: Schedule | None = None,
    skip_until: datetime | None = None,
) -> Order:
    """The order that each run pod of this GraphCron reads. `schedule` is that of the spec: without it, the order lacks
    some hundred bytes. `skip_until` is when the window of a budget ends that is used up."""
    identity, days = cron_id(metadata), schedule.days if schedule else ()
    config = dict(spec.config or {})
    # The Agent Server refuses a run with both configurable and context. A server after 0.16 drops a cron_id that its
    # own scheduler did not set, and keeps the mark.
    if not spec.context:
        config["configurable"] = {**config.get("configurable", {}), "cron_id": identity, CRON_MARK: identity}
    return Order(
        cron_id=identity,
        request=_request(spec) | ({"config": config} if config else {}),
        thread_id=spec.thread_id,
        keep_thread=spec.on_run_completed == "keep",
        not_before=format_time(not_before) if not_before else None,
        skip_until=format_time(skip_until) if skip_until else None,
        start_time=format_time(spec.start_time) if spec.start_time else None,
        end_time=format_time(spec.end_time) if spec.end_time else None,
        jitter_seconds=spec.jitter_seconds or None,
        deadline_seconds=spec.active_deadline_seconds,
        replace=spec.concurrency_policy == "Replace",
        only_attempt=spec.runs_once,
        input_from_file=spec.input_from is not None,
        days=days or None,
        timezone=(spec.timezone or DEFAULT_TIMEZONE) if days or spec.render_input else None,
        record_answer=bool(spec.record_answer),
        run_tokens=spec.budget.per_run.tokens if spec.budget and spec.budget.per_run else None,
        render={"name": metadata["name"], **(schedule.slots if schedule else {})} if spec.render_input else None,
    )


def _request(spec: GraphCronSpec) -> dict[str, Any]:
    given = ((name, getattr(spec, name)) for name in REQUEST_FIELDS)
    options = (spec.run_options or {}).items()
    return {name: value for name, value in (*options, *given) if value is not None}
