"""Whether each firing had one run and one recorded outcome, by the Agent Server's ledger and the statuses. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chaos.plan import Cron
from graphcron.firing.formats import parse_time
from graphcron.firing.order import FIRING_METADATA

Json = Mapping[str, Any]

WITHOUT_A_RUN = {
    *(("Missed", reason) for reason in ("StartingDeadlinePassed", "PassedOver", "NotStarting")),
    ("Skipped", "StillRunning"),
}
"""Outcomes with a reason why there is no run, none of which is the fault of an attempt."""


@dataclass
class Verdict:
    """Numbers for the table, and all that is wrong, a sentence each."""

    firings: int = 0
    runs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def verdict(
    crons: Mapping[str, Cron], statuses: Mapping[str, Json], jobs: Iterable[Json], runs: Sequence[Json]
) -> Verdict:
    """`crons` and `statuses` by the name of the GraphCron; `jobs` are manifests; `runs` is the Agent Server's ledger:
    all runs that it ever started."""
    found = Verdict(sum(len(cron.times) for cron in crons.values()), len(runs))
    uids = {job["metadata"]["name"]: job["metadata"]["uid"] for job in jobs}
    of_firing = defaultdict(list)
    for run in runs:
        of_firing[run["metadata"].get(FIRING_METADATA, "")].append(run)
    for firing, several in of_firing.items():
        if len(several) > 1:
            found.wrong.append(f"firing {firing} has {len(several)} runs: {_words(several)}")
        if firing not in uids.values():
            found.wrong.append(f"{_words(several)}: of a firing {firing!r} that has no Job")
    for name, cron in crons.items():
        _judge(found, name, cron, statuses.get(name, {}), uids, of_firing)
    return found


def _judge(
    found: Verdict,
    name: str,
    cron: Cron,
    status: Json,
    uids: Mapping[str, str],
    of_firing: Mapping[str, Sequence[Json]],
) -> None:
    history: Sequence[Json] = status.get("history", [])
    counts: Mapping[str, int] = status.get("firings", {})
    found.outcomes.update(counts)
    if sum(counts.values()) != len(cron.times):
        found.wrong.append(f"{name}: {len(cron.times)} firings were due, and its counts are {dict(counts)}")
    recorded = Counter(time for entry in history for time in _times(entry, cron.times))
    for time in cron.times:
        if recorded[time] != 1:
            found.wrong.append(f"{name}: the firing of {time:%H:%M} is recorded {recorded[time]} times")
    for time in recorded.keys() - set(cron.times):
        found.wrong.append(f"{name}: a firing of {time:%H:%M} is recorded, and none was due")
    for entry in history:
        if complaint := _complaint(entry, uids, of_firing):
            found.wrong.append(f"{name}, {entry['scheduledTime']}, {entry['outcome']} {entry['reason']}: {complaint}")


def _times(entry: Json, due: Sequence[datetime]) -> list[datetime]:
    """The scheduled times of a history entry, which may stand for several in a row."""
    first = parse_time(entry["scheduledTime"])
    last = parse_time(entry["lastScheduledTime"]) if "lastScheduledTime" in entry else first
    return [time for time in due if first <= time <= last] or [first]


def _complaint(entry: Json, uids: Mapping[str, str], of_firing: Mapping[str, Sequence[Json]]) -> str:
    runs = of_firing.get(uids.get(entry.get("jobName", ""), "none"), [])
    if entry["outcome"] != "Succeeded":
        if (entry["outcome"], entry["reason"]) not in WITHOUT_A_RUN:
            return f"{entry.get('message', '')} ({len(runs)} runs)"
        return f"and yet there is {_words(runs)}" if runs else ""
    if not runs:
        return "there is no run"
    if entry.get("runId") not in [run["run_id"] for run in runs]:
        return f"it names run {entry.get('runId')}, and there is {_words(runs)}"
    return ""


def _words(runs: Sequence[Json]) -> str:
    return ", ".join(f"run {run['run_id']} of {run['created_at']} on thread {run['thread_id']}" for run in runs)


def left_behind(threads: Iterable[Json], crons: Iterable[Cron], kept: Iterable[str]) -> list[str]:
    """Threads that nobody needs: not those of thread crons (`kept`), nor records, nor more kept ones than firings."""
    mine = set(kept)
    others = [
        thread for thread in threads if thread["thread_id"] not in mine and "graphcron_record" not in thread["metadata"]
    ]
    wanted = sum(len(cron.times) for cron in crons if cron.kind == "keep")
    if len(others) <= wanted:
        return []
    return [f"{len(others)} threads are left on the Agent Server, and onRunCompleted keep accounts for {wanted}"]
