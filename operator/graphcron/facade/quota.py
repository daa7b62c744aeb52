"""Quotas: how many crons an owner may have, and how often one may fire."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from graphcron.facade.errors import RestError
from graphcron.facade.translation import Manifest
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule
from graphcron.schedule.frequency import too_frequent


@dataclass(frozen=True)
class Quota:
    """Limits for each owner; where there are no owners, everybody counts as one. 0 means no limit.

    `interval` is the least number of seconds between two firings of one cron; the operator holds it, too.
    """

    crons: int = 0
    interval: int = 0

    def check_room(self, have: int) -> None:
        """Raises RestError 429 when whoever has so many crons may have no more."""
        if self.crons and have >= self.crons:
            raise RestError(
                429,
                f"The limit is {self.crons} crons for each owner, and there are {have}: delete one that is no longer "
                "needed, or ask the administrator of this GraphCron facade for more (facade.quota.cronsPerOwner)",
            )

    def check_schedule(self, manifest: Manifest, now: datetime) -> None:
        """Raises RestError 422 when a checked GraphCron fires more often than is allowed."""
        text, seed = manifest["spec"]["schedule"], manifest.get("metadata", {}).get("uid", "")
        try:
            schedule = read(text, seed)
        except InvalidSchedule as invalid:  # of a GraphCron that kubectl made, and that stalls for it
            raise RestError(422, str(invalid)) from None
        if complaint := too_frequent(text, schedule, timedelta(seconds=self.interval), now):
            raise RestError(422, complaint)


NO_QUOTA = Quota()
