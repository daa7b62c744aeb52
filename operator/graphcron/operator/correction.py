"""What becomes of the CronJob: applied, or left as others have changed it. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

from graphcron.kube.resources import Manifest
from graphcron.operator.cronjob import digest_of
from graphcron.operator.drift import explain, in_sync
from graphcron.operator.history import added
from graphcron.operator.inputs import Inputs
from graphcron.operator.reapply import may_apply_at
from graphcron.operator.reasons import CHANGED_BY_ADMISSION


class Change(NamedTuple):
    """What becomes of the CronJob: what to apply, what others have changed and is left, and until when."""

    apply: Manifest | None = None
    modified: tuple[str, str] | None = None
    at: datetime | None = None


def change_of(inputs: Inputs, wanted: Manifest) -> Change:
    """A webhook would change it back in the same request: that is left, and tried again after a firing once a day: the
    webhook may be gone. Anybody else is corrected, the more rarely the more often they do it."""
    live, digest = inputs.live, digest_of(wanted)
    if live is None:
        return Change(wanted)
    if in_sync(wanted, live):
        return Change()
    modified = explain(wanted, live) if digest_of(live) == digest else None
    if modified and modified[0] == CHANGED_BY_ADMISSION:
        return Change(wanted) if _tries_again(inputs) else Change(modified=modified)
    at = may_apply_at(inputs.observed.applied, digest)
    return Change(modified=modified, at=at) if at and inputs.now < at else Change(wanted)


A_DAY = timedelta(days=1)


def _tries_again(inputs: Inputs) -> bool:
    """After a restart nobody knows when it was tried last, and to try all at once would be many writes."""
    observed = inputs.observed
    fired = bool(added(observed.history, observed.firings))
    return fired and (observed.applied is None or inputs.now - observed.applied.moment >= A_DAY)


def is_settled(modified: tuple[str, str] | None) -> bool:
    """Whether what others have changed in the CronJob, if anything, is left for good."""
    return modified is None or modified[0] == CHANGED_BY_ADMISSION
