"""Quotas: how many crons an owner may have, and how often one may fire. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from graphcron.facade.errors import RestError
from graphcron.facade.translation import Draft
from graphcron.schedule.frequency import too_frequent


@dataclass(frozen=True)
class Quota:
    """Limits for each owner; where there are no owners, everybody counts as one. 0 means no limit.

    `interval` is the least number of seconds between two firings of one cron; the operator holds it, too.
    """

    crons: int = 0
    interval: int = 0

    def check_count(self, have: int) -> None:
        """Raises RestError 429 when an owner of so many crons may have no more."""
        if self.crons and have >= self.crons:
            raise RestError(
                429,
                f"The limit is {self.crons} crons for each owner, and there are {have}: delete one that is no longer "
                "needed, or ask the administrator of this GraphCron facade for more (facade.quota.cronsPerOwner)",
            )

    def check_schedule(self, draft: Draft, now: datetime) -> None:
        """Raises RestError 422 when a schedule that is set or enabled fires more often than is allowed."""
        if draft.schedule is None:
            return
        least = timedelta(seconds=self.interval)
        if complaint := too_frequent(draft.manifest["spec"]["schedule"], draft.schedule, least, now):
            raise RestError(422, complaint)
