"""The guard rails that no schedule goes on for ever: whether it must have an end, and how far off that may be. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

REQUIRED = "spec.endTime is required here, by guardrails.requireEndTime of the Helm chart"
AT_MOST = (
    "spec.endTime is required here, and at most {} days after the GraphCron was created or, if that is later, its "
    "startTime, by guardrails.maxLifetimeDays of the Helm chart"
)
"""Why a GraphCron may not run, in the words of the chart's ValidatingAdmissionPolicy."""


class Lifetime(NamedTuple):
    """What the installation asks of an end. `days` is how long a GraphCron may last, 0 for any length."""

    required: bool = False
    days: int = 0

    def complaint(self, created: datetime, start: datetime | None, end: datetime | None) -> str | None:
        """What to say of a GraphCron with these times; None when there is nothing to say."""
        if self.days:
            begins = max(created, start or created)
            return None if end and end - begins <= timedelta(days=self.days) else AT_MOST.format(self.days)
        return REQUIRED if self.required and end is None else None


ANY_LIFETIME = Lifetime()
"""No end is asked for."""
