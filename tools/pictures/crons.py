"""The GraphCrons that the pictures show: a company's, with all that can be wrong with one. The same at each call."""

import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from graphcron.firing.formats import parse_time
from graphcron.kube.resources import Manifest
from graphcron.schedule.expression import read
from graphcron.schedule.next_runs import next_times
from graphcron.schedule.time_zone import read_timezone
from tests.support.console_source import NOW, condition, cron, utc

BERLIN = "Europe/Berlin"


def crons() -> list[Manifest]:
    """All of them."""
    return [*_remarkable(), *_crowd()]


def _remarkable() -> Iterator[Manifest]:
    asked = {"messages": [{"role": "user", "content": "Summarize what is new on arXiv about agents."}]}
    yield _made(
        "daily-digest", "30 8 * * mon-fri", "researcher", "research", name="Daily digest of papers", input=asked
    )
    yield _made("triage-tickets", "*/15 * * * *", "support-agent", "support", name="Triage of new tickets", seconds=38)
    yield _made(
        "crm-sync",
        "0 * * * *",
        "crm-agent",
        "sales",
        "Failed Succeeded Failed Succeeded Succeeded Failed Succeeded Succeeded Succeeded Succeeded",
        name="CRM sync",
        message="RateLimitError: the model answered 429 to three requests in a row",
        reason="RunError",
        conditions=[
            condition(
                "LastRunSucceeded", "False", "RunError", "RateLimitError: the model answered 429 to three requests"
            )
        ],
    )
    yield _made(
        "invoice-reminders",
        "0 9 * * mon",
        "billing-agent",
        "finance",
        name="Invoice reminders",
        ready=condition("Ready", reason="Paused", message="Paused: quarter-end close, ask Finance before resuming"),
        conditions=[condition("Suspended", reason="Paused", message="quarter-end close, ask Finance before resuming")],
        enabled=False,
        pauseReason="quarter-end close, ask Finance before resuming",
    )
    yield _made(
        "market-brief",
        "0 7 31 2 *",
        "researcher",
        "research",
        "",
        name="Market brief",
        ready=condition(
            "Ready",
            "False",
            "InvalidSchedule",
            "Invalid cron schedule: '0 7 31 2 *'. Reason: It never fires: no month that it names has such a day.",
        ),
        conditions=[condition("Stalled", reason="InvalidSchedule", message="It never fires.")],
    )
    yield _made(
        "contract-review",
        "*/30 * * * *",
        "legal-agent",
        "legal",
        "Missed Succeeded Succeeded Succeeded Succeeded Succeeded Succeeded Succeeded Succeeded Succeeded",
        name="Contract review",
        ready=condition("Ready", "False", "NotStarting", 'No run pod starts: secret "legal-keys" not found'),
        conditions=[condition("RunsStarting", "False", "CreateContainerConfigError", 'secret "legal-keys" not found')],
    )
    yield _made(
        "release-notes",
        "0 17 * * thu",
        "writer",
        "platform",
        "WaitingForInput Succeeded Succeeded Succeeded",
        name="Release notes",
        conditions=[
            condition(
                "WaitingForInput",
                message="the run due at 2026-11-26T16:00:00Z, on thread 4c581ebb",
                reason="RunInterrupted",
            )
        ],
    )
    yield _made(
        "price-watch",
        "*/10 * * * *",
        "scraper",
        "sales",
        "Failed Failed Failed Failed Failed Succeeded Succeeded Succeeded Succeeded Succeeded",
        name="Price watch",
        message="HTTPError: 403 from the shop's page",
        reason="RunError",
        maxFailures=5,
        ready=condition("Ready", "False", "MaxFailuresReached", "The last 5 firings failed, and maxFailures is 5."),
        conditions=[
            condition("Suspended", reason="MaxFailuresReached"),
            condition("LastRunSucceeded", "False", "RunError", "HTTPError"),
        ],
    )
    yield _made("standup-summary", "H 9 * * mon-fri", "writer", "platform", name="Standup summary", seconds=21)
    yield _made("memory-cleanup", "H H(1-4) * * *", "memory-agent", "platform", name="Memory cleanup", seconds=95)
    yield _made("lead-scoring", "H/20 * * * *", "crm-agent", "sales", name="Lead scoring", seconds=64)
    yield _made("weekly-okr", "0 16 * * fri", "writer", "platform", name="Weekly OKR check", seconds=130)


def _crowd() -> Iterator[Manifest]:
    """What others have: many that were all made to run at nine, and some of each hour."""
    chance = random.Random(7)
    for number in range(96):
        name = f"account-summary-{number + 1:03}"
        yield _made(name, "0 9 * * *", "account-agent", "accounts", seconds=chance.randint(20, 70), chance=chance)
    for number in range(60):
        schedule = chance.choice(("H * * * *", "H H * * *", "H H * * *", "30 * * * *", "0 */2 * * *"))
        yield _made(
            f"inbox-{number + 1:02}", schedule, "mail-agent", "mail", seconds=chance.randint(5, 40), chance=chance
        )


def _made(
    object_name: str,
    schedule: str,
    assistant: str,
    team: str,
    outcomes: str = " ".join(["Succeeded"] * 10),
    *,
    name: str = "",
    seconds: int = 42,
    message: str = "",
    reason: str = "",
    ready: Manifest | None = None,
    conditions: Sequence[Manifest] = (),
    chance: random.Random | None = None,
    **spec: Any,
) -> Manifest:
    """One cron of a team, with such outcomes, the newest first. `message` and `reason` are of those that failed."""
    whole = cron(object_name, ready or condition("Ready", message=f"fires by its schedule '{schedule}'"), *conditions)
    zone = read_timezone(BERLIN)
    uid = whole["metadata"]["uid"]
    broken = ready is not None and ready["reason"] == "InvalidSchedule"
    idle = ready is not None and ready["reason"] in ("Paused", "InvalidSchedule", "MaxFailuresReached")
    past = [] if broken else _past(schedule, uid, len(outcomes.split()))
    given = outcomes.split()
    if chance is not None:
        given = [chance.choices(("Succeeded", "Failed", "Skipped"), (40, 1, 1))[0] for _ in given]
    pace = random.Random(object_name)
    history = [
        _entry(object_name, due, outcome, int(seconds * pace.uniform(0.7, 1.6)), message, reason)
        for due, outcome in zip(past, given, strict=False)
    ]
    coming = [] if idle else next_times(read(schedule, uid), zone, NOW + timedelta(minutes=7), 5)
    counts = {
        name: 12 * sum(one.lower() == name for one in given) for name in ("succeeded", "failed", "skipped", "missed")
    }
    whole["metadata"] |= {
        "labels": {"team": team},
        "annotations": {"graphcron.dev/display-name": name} if name else {},
    }
    whole["spec"] = {"schedule": schedule, "timezone": BERLIN, "assistantId": assistant, **spec}
    whole["status"] |= {
        "timezone": BERLIN,
        "nextRunTimes": [utc(one) for one in coming],
        "history": history,
        "firings": counts,
        "enabled": not idle,
    }
    return whole


def _past(schedule: str, uid: str, number: int) -> list[datetime]:
    """The last times of a schedule, the newest first."""
    after = NOW - timedelta(days=90 if number else 0)
    times = next_times(read(schedule, uid), read_timezone(BERLIN), after, 20_000, until=NOW)
    return list(reversed(times[-number:])) if number else []


def _entry(name: str, due: datetime, outcome: str, seconds: int, message: str, reason: str) -> Manifest:
    told = {
        "Succeeded": ("RunSucceeded", ""),
        "Failed": (reason or "RunError", message or "ValueError: the tool gave no answer"),
        "Missed": ("NotStarted", 'secret "legal-keys" not found'),
        "Skipped": ("NotBefore", "resumed after this time"),
        "WaitingForInput": ("RunInterrupted", "waits for the approval of the draft"),
    }[outcome]
    job = f"{name}-{int(due.timestamp()) // 60}"
    run = random.Random(job)
    ids = {key: str(uuid.UUID(int=run.getrandbits(128), version=4)) for key in ("runId", "threadId")}
    ran = {"startedAt": utc(due + timedelta(seconds=2)), "finishedAt": utc(due + timedelta(seconds=2 + seconds))}
    return {
        "scheduledTime": utc(due),
        "outcome": outcome,
        "reason": told[0],
        "jobName": job,
        **(ids | ran if outcome in ("Succeeded", "Failed", "WaitingForInput") else {}),
        **({"message": told[1]} if told[1] else {}),
    }


def events() -> list[Manifest]:
    """Of the cron whose page is shown."""
    return [
        {
            "type": "Warning",
            "reason": "RunFailed",
            "message": "RateLimitError: the model answered 429 to three requests in a row",
            "involvedObject": {"kind": "GraphCron", "name": "crm-sync"},
            "lastTimestamp": utc(parse_time("2026-11-27T12:00:00Z") - timedelta(minutes=58)),
            "count": 1,
        }
    ]
