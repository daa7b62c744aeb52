"""The reasons of conditions, events and history entries."""

SCHEDULED = "Scheduled"
PAUSED = "Paused"
EXPIRED = "Expired"
NOT_STARTED = "NotStarted"
MAX_FAILURES = "MaxFailuresReached"
TOO_FREQUENT = "TooFrequent"
IN_POD_NOT_ALLOWED = "InPodNotAllowed"
SUSPENDING = (PAUSED, EXPIRED, NOT_STARTED, MAX_FAILURES, TOO_FREQUENT, IN_POD_NOT_ALLOWED)
INTERNAL_ERROR = "InternalError"
NAME_TAKEN = "CronJobNameTaken"
REFUSED_BY_CLUSTER = "CronJobRefused"
INVALID_SCHEDULE = "InvalidSchedule"
INVALID_TIMEZONE = "InvalidTimezone"

STILL_RUNNING = "StillRunning"
"""Skipped: the run of an earlier slot was not over, and concurrencyPolicy is Forbid."""
DEADLINE_PASSED = "StartingDeadlinePassed"
"""Missed: no Job was made within startingDeadlineSeconds."""

# InvalidSpec (resource.spec.read_spec), RequestTooLarge and NoAgentServer (cronjob.cron_job) come with their
# exceptions; the reasons of a run's end come from its run pod.

NO_OUTCOME = "NoOutcome"
"""The Job ended, and no pod of it left word: killed at once, or deleted before it was read."""

CONTAINER_CREATING = "ContainerCreating"
"""What `kubectl get pods` shows of such a pod."""
