"""What a GraphCron did, at a glance: its last firings, how many succeeded, and how long they take. Pure."""

import re
from collections.abc import Sequence
from datetime import timedelta
from statistics import median
from typing import NamedTuple

from graphcron.kube.resources import Manifest
from graphcron.views.words import length, span

RAN = ("Succeeded", "Failed")
"""Outcomes of runs that came to an end of their own."""


def history(graphcron: Manifest) -> list[Manifest]:
    """The recorded firings, the newest first."""
    entries: list[Manifest] = (graphcron.get("status") or {}).get("history") or []
    return entries


def anchor(entry: Manifest) -> str:
    """The name of a firing within its GraphCron's page."""
    return f"firing-{entry.get('jobName') or entry['scheduledTime'].replace(':', '-')}"


def outcome_in_words(outcome: str) -> str:
    """An outcome within a sentence: `waiting for input`."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", outcome).lower()


class Rate(NamedTuple):
    """How many of the firings that should have run succeeded."""

    succeeded: int
    total: int

    @property
    def percent(self) -> int:
        """Rounded down: 100 is only what never failed."""
        return 100 * self.succeeded // self.total


def success_rate(graphcron: Manifest) -> Rate | None:
    """Since the GraphCron was made; None before its first firing. Skipped firings ran as little as they should."""
    counts = (graphcron.get("status") or {}).get("firings") or {}
    good, bad = counts.get("succeeded", 0), counts.get("failed", 0) + counts.get("missed", 0)
    return Rate(good, good + bad) if good + bad else None


def median_duration(graphcron: Manifest) -> str | None:
    """Of the recorded runs; None when there is none."""
    ran = (length(entry) for entry in history(graphcron) if entry["outcome"] in RAN)
    seconds = [one.total_seconds() for one in ran if one is not None]
    return span(timedelta(seconds=median(seconds))) if seconds else None


def strip_of(graphcron: Manifest, size: int = 10) -> Sequence[Manifest]:
    """The last firings, the newest last, as a strip of them is read."""
    return list(reversed(history(graphcron)[:size]))
