"""What one reconciliation observes: the GraphCron, its CronJob, their Jobs and pods."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from graphcron.firing.order import scheduled_time_of
from graphcron.operator.cronjob import is_a_run
from graphcron.operator.history import past_firings
from graphcron.resource.status import GraphCronStatus, HistoryEntry

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Observed:
    """All that a decision may look at."""

    graphcron: dict[str, Any]
    cron_job: Manifest | None
    """The CronJob of its name that it owns; see `Owned` for one that it does not."""
    jobs: tuple[Manifest, ...] = ()
    pods: tuple[Manifest, ...] = ()

    # Each of these is asked for several times in one reconciliation, and costs more than most of it.

    @cached_property
    def old(self) -> GraphCronStatus:
        """The status as it stands."""
        return read_status(self.graphcron)

    @cached_property
    def history(self) -> list[HistoryEntry]:
        """The firings that the status tells."""
        return self.old.history or []

    @cached_property
    def firings(self) -> list[HistoryEntry]:
        """Those, and what the Jobs and pods tell beyond them."""
        return past_firings(self.history, job_runs(self), self.pods)


def controller_of(manifest: Manifest) -> Manifest | None:
    """The owner that controls an object (metav1.OwnerReference), None when nothing does."""
    references = manifest["metadata"].get("ownerReferences", [])
    return next((reference for reference in references if reference.get("controller")), None)


def owns(owner: Manifest, other: Manifest) -> bool:
    """Whether the one object controls the other."""
    reference = controller_of(other)
    return reference is not None and reference["uid"] == owner["metadata"]["uid"]


def job_runs(seen: Observed) -> list[Manifest]:
    """The Jobs without those of days that only the CronJob's spelling adds: no run was due, so there is no history."""
    dated = ((job, scheduled_time_of(job["metadata"]["name"])) for job in seen.jobs)
    live = seen.cron_job
    return [job for job, due in dated if live is None or due is None or is_a_run(live, due)]


def read_status(graphcron: Manifest) -> GraphCronStatus:
    """The status as it stands; an unreadable one (an older operator's, say) counts as none and is written anew."""
    told = graphcron.get("status")
    try:
        return GraphCronStatus.model_validate(told) if told else _NO_STATUS
    except ValidationError:
        return _NO_STATUS


_NO_STATUS = GraphCronStatus()
