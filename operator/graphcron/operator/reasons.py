"""The reasons of conditions, Events and history entries, except those that a run pod reports (`runner`, `firing`)."""

from graphcron.resource.fields import INVALID_SPEC

SCHEDULED = "Scheduled"
PAUSED = "Paused"
EXPIRED = "Expired"
NOT_STARTED = "NotStarted"
MAX_FAILURES = "MaxFailuresReached"
TOO_FREQUENT = "TooFrequent"
IN_POD_NOT_ALLOWED = "InPodNotAllowed"

INVALID_SCHEDULE = "InvalidSchedule"
INVALID_TIMEZONE = "InvalidTimezone"
REQUEST_TOO_LARGE = "RequestTooLarge"
NO_AGENT_SERVER = "NoAgentServer"
NAME_TAKEN = "CronJobNameTaken"
REFUSED_BY_CLUSTER = "CronJobRefused"
INTERNAL_ERROR = "InternalError"

OF_GRAPHCRONS = (
    SCHEDULED, PAUSED, EXPIRED, NOT_STARTED, MAX_FAILURES, TOO_FREQUENT, IN_POD_NOT_ALLOWED, INVALID_SPEC,
    INVALID_SCHEDULE, INVALID_TIMEZONE, REQUEST_TOO_LARGE, NO_AGENT_SERVER, NAME_TAKEN, REFUSED_BY_CLUSTER,
    INTERNAL_ERROR,
)  # fmt: skip
"""Of the conditions Ready, Stalled, Suspended and Expired."""

STILL_RUNNING = "StillRunning"
"""Skipped: the run of an earlier scheduled time was not over, and concurrencyPolicy is Forbid."""
DEADLINE_PASSED = "StartingDeadlinePassed"
"""Missed: no Job was made within startingDeadlineSeconds."""
PASSED_OVER = "PassedOver"
"""Missed: no Job was made before a later time was due, and of several the CronJob controller takes the last."""
DEADLINE_EXCEEDED = "DeadlineExceeded"
"""Failed: Kubernetes ended the Job after its activeDeadlineSeconds. It is the Job's own reason."""
NO_OUTCOME = "NoOutcome"
"""The Job ended, and none of its pods reported an outcome: killed at once, or deleted before it was read."""

OF_FIRINGS = (STILL_RUNNING, DEADLINE_PASSED, PASSED_OVER, DEADLINE_EXCEEDED, NO_OUTCOME)
"""Of history entries and of the condition LastRunSucceeded."""

CONTAINER_CREATING = "ContainerCreating"
"""Of the condition RunsStarting: what `kubectl get pods` shows of a pod whose volumes or network are not ready."""
UNSCHEDULABLE = "Unschedulable"
"""The same for a pod without a node, where the scheduler gives no reason of its own."""
WAITING_FOR_A_USER = (
    "CreateContainerConfigError", "CreateContainerError", "ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff",
    "InvalidImageName", "RunContainerError",
)  # fmt: skip
"""The same for a container: reasons of the kubelet that end only when a user acts."""
