"""Quotas: how many crons an owner may have, and how often and how long one may fire. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from graphcron.facade.errors import RestError
from graphcron.facade.translation import Draft
from graphcron.firing.formats import parse_time
from graphcron.resource.lifetime import ANY_LIFETIME, Lifetime
from graphcron.schedule.frequency import too_frequent


@dataclass(frozen=True)
class Quota:
    """Limits for each owner; where there are no owners, everybody counts as one. 0 means no limit.

    `interval` is the least number of seconds between two firings of one cron, and `lifetime` is about its end; the
    operator holds both, too.
    """

    crons: int = 0
    interval: int = 0
    lifetime: Lifetime = ANY_LIFETIME

    def check_count(self, have: int) -> None:
        """Raises RestError 429 when an owner of so many crons may have no more."""
        if self.crons and have >= self.crons:
            raise RestError(
                429,
                f"The limit is {self.crons} crons for each owner, and there are {have}: delete one that is no longer "
                "needed, or ask the administrator of this GraphCron facade for more (facade.quota.cronsPerOwner)",
            )

    def check_schedule(self, draft: Draft, now: datetime) -> None:
        """Raises RestError 422 when a schedule that is set or enabled fires more often than is allowed, or one that is
        enabled has no end or one too far off."""
        self._check_lifetime(draft, now)
        if draft.schedule is None:
            return
        least = timedelta(seconds=self.interval)
        if complaint := too_frequent(draft.manifest["spec"]["schedule"], draft.schedule, least, now):
            raise RestError(422, complaint)

    def _check_lifetime(self, draft: Draft, now: datetime) -> None:
        metadata, spec = draft.manifest.get("metadata", {}), draft.manifest["spec"]
        if draft.schedule is None and spec.get("enabled") is False:
            return  # it is to be paused, or stays so
        start, end = (parse_time(spec[name]) if spec.get(name) else None for name in ("startTime", "endTime"))
        created = metadata.get("creationTimestamp")
        if complaint := self.lifetime.complaint(parse_time(created) if created else now, start, end):
            raise RestError(422, complaint)
