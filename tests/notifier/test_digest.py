"""The digest: due at its time of day, about what ended since the one before, and what is of no use."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.notifier.channel import Channel
from graphcron.notifier.cron import Cron
from graphcron.notifier.digest import digest, digest_due, due_at
from graphcron.notifier.message import Links
from graphcron.resource.channel import Digest
from tests.support.told_cron import START, ToldCron


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "time", "zone", "now", "due"),
    [
        ("Day", "08:00", None, "2026-12-01T12:00", "2026-12-01T08:00"),
        ("Day", "08:00", None, "2026-12-01T07:59", "2026-11-30T08:00"),
        ("Day", "08:00", "Europe/Berlin", "2026-12-01T07:00", "2026-12-01T07:00"),
        ("Day", "08:00", "Europe/Berlin", "2026-07-01T06:00", "2026-07-01T06:00"),
        ("Week", "08:00", None, "2026-12-01T12:00", "2026-11-30T08:00"),
        ("Week", "08:00", None, "2026-11-30T07:00", "2026-11-23T08:00"),
    ],
)
def test_it_is_due_by_its_own_clock(every: Any, time: str, zone: str | None, now: str, due: str) -> None:
    assert due_at(Digest(every=every, at=time, timezone=zone), at(now)) == at(due)


def channel(last: str | None) -> Channel:
    spec = {
        "kind": "Slack",
        "urlSecretRef": {"name": "x", "key": "url"},
        "digest": {"every": "Day", "at": "12:00"},
    }
    metadata = {"namespace": "team", "name": "team", "uid": "00000000-0000-7000-8000-000000000001", "generation": 1}
    return Channel.read({"metadata": metadata, "spec": spec, "status": {"lastDigest": last} if last else {}})


def test_the_first_sight_is_what_the_first_digest_counts_from() -> None:
    assert digest_due(channel(None), START)
    assert digest(channel(None), [], Links(), START) == (START, None)
    assert not digest_due(channel("2026-12-01T12:00:00Z"), START)
    assert digest_due(channel("2026-11-30T12:00:00Z"), START)


def test_it_says_what_ran_what_failed_what_it_cost_and_what_is_of_no_use() -> None:
    good, bad, theirs = ToldCron(), ToldCron(), ToldCron()
    theirs.manifest["metadata"]["namespace"] = "other"
    bad.manifest["metadata"]["name"] = "bad"
    for cron in (good, bad, theirs):
        cron.wait(hours=-2)
        cron.fire("Succeeded" if cron is good else "Failed")
    good.fire("Missed", count=3)
    bad.status["firings"] = {"failed": 40}
    window = {"since": "2026-12-01T00:00:00Z", "tokens": 1200, "firings": 3, "cost": "0.50", "incomplete": 1}
    good.status["spending"] = {"today": window, "week": window, "month": window, "currency": "USD"}
    crons = [Cron(cron.manifest) for cron in (good, bad, theirs)]
    until, text = digest(channel("2026-11-30T12:00:00Z"), crons, Links("https://c.example"), START)
    assert until == START
    assert text
    assert text.lines == [
        "2026-11-30 12:00 to 2026-12-01 12:00 UTC, 2 crons.",
        "Ran: 2, of which 1 failed. Missed: 3.",
        "This month: 1200 tokens, 0.5 USD; of 1 firings it is not known.",
        "Failed:",
        "- bad (team): 1 of 1",
        "Failing now, and never succeeded:",
        "- bad (team): 40 failures. No longer useful? Delete it.",
        "Console: https://c.example",
    ]


@pytest.mark.parametrize(
    ("zone", "since", "said"),
    [
        ("Pacific/Auckland", "2026-11-30T11:00:00Z", "This month: 1200 tokens."),
        ("America/New_York", "2026-12-01T05:00:00Z", "This month: 1200 tokens."),
        ("America/New_York", "2026-11-01T04:00:00Z", None),
    ],
)
def test_a_month_is_that_of_the_zone_of_each(zone: str, since: str, said: str | None) -> None:
    cron = ToldCron()
    window = {"since": since, "tokens": 1200, "firings": 3}
    cron.status.update(timezone=zone, spending={"today": window, "week": window, "month": window})
    _, text = digest(channel("2026-11-30T12:00:00Z"), [Cron(cron.manifest)], Links(), START)
    assert text
    assert [line for line in text.lines if line.startswith("This month")] == ([said] if said else [])
