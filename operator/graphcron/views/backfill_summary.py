"""What REST and page say of one backfill, in snake_case. Pure."""

from typing import Any

from graphcron.kube.resources import Manifest
from graphcron.resource.backfill import DEFAULT_PARALLELISM, BackfillCounts, BackfillStatus, read_backfill_status
from graphcron.resource.fields import InvalidGraphCron
from graphcron.views.summary import PENDING, firing


def backfill_summary(manifest: Manifest, cron_id: str) -> dict[str, Any]:
    """All that is said of a backfill of that cron."""
    metadata, spec = manifest["metadata"], manifest["spec"]
    status, message = _status(manifest)
    known = status.to_dict()
    return {
        "name": metadata["name"],
        "cron_id": cron_id,
        "from": spec.get("from"),
        "to": spec.get("to"),
        "parallelism": spec.get("parallelism", DEFAULT_PARALLELISM),
        "order": spec.get("order", "OldestFirst"),
        "dry_run": spec.get("dryRun", False),
        "rerun": spec.get("rerun", False),
        "created_at": metadata["creationTimestamp"],
        "phase": known.get("phase", "Pending"),
        "message": message,
        "progress": known.get("progress"),
        "counts": (status.counts or BackfillCounts()).model_dump(),
        "first_times": known.get("firstSlots", []),
        "last_times": known.get("lastSlots", []),
        "left_out": known.get("leftOut", []),
        "firings": [firing({"trigger": "Backfill"} | entry) for entry in known.get("firings", [])],
        "started_at": known.get("startedAt"),
        "finished_at": known.get("finishedAt"),
    }


def _status(manifest: Manifest) -> tuple[BackfillStatus, str]:
    """The status and what it says, in a sentence."""
    try:
        status = read_backfill_status(manifest.get("status"))
    except InvalidGraphCron as invalid:
        return BackfillStatus(), invalid.message
    conditions = {condition.type: condition for condition in status.conditions or []}
    said = conditions.get("Stalled") or conditions.get("Complete")
    return status, said.message if said else PENDING
