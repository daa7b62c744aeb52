"""The reasons of conditions, Events and history entries, except those that a run pod reports (`runner`, `firing`)."""

from graphcron.resource.backfill import STATUS_UNREADABLE
from graphcron.resource.backfill_plan import TOO_MANY_SLOTS
from graphcron.resource.fields import INVALID_SPEC

SCHEDULED = "Scheduled"
PAUSED = "Paused"
PAUSED_BY_ADMINISTRATOR = "PausedByAdministrator"
"""Of the same conditions, and of a request that is refused meanwhile."""
EXPIRED = "Expired"
COMPLETED = "Completed"
OVER_BUDGET = "OverBudget"
"""Of Ready, Suspended and OverBudget, and of what is held meanwhile: a request, a backfill."""
NOT_STARTED = "NotStarted"
NOT_STARTING = "NotStarting"
"""Of Ready, and of firings without a running container: failed ones, missed and replaced ones."""
MAX_FAILURES = "MaxFailuresReached"
TOO_FREQUENT = "TooFrequent"
IN_POD_NOT_ALLOWED = "InPodNotAllowed"
TEMPLATE_NOT_ALLOWED = "TemplateNotAllowed"
LIFETIME_NOT_ALLOWED = "LifetimeNotAllowed"

INVALID_SCHEDULE = "InvalidSchedule"
INVALID_TIMEZONE = "InvalidTimezone"
REQUEST_TOO_LARGE = "RequestTooLarge"
NO_AGENT_SERVER = "NoAgentServer"
NAME_TAKEN = "CronJobNameTaken"
REFUSED_BY_CLUSTER = "CronJobRefused"
RECONCILE_FAILED = "ReconcileFailed"
INTERNAL_ERROR = "InternalError"
QUARANTINED = "Quarantined"

OF_GRAPHCRONS = (
    SCHEDULED, PAUSED, PAUSED_BY_ADMINISTRATOR, EXPIRED, COMPLETED, OVER_BUDGET, NOT_STARTED, NOT_STARTING,
    MAX_FAILURES, TOO_FREQUENT, IN_POD_NOT_ALLOWED, TEMPLATE_NOT_ALLOWED, LIFETIME_NOT_ALLOWED, INVALID_SPEC,
    INVALID_SCHEDULE, INVALID_TIMEZONE, REQUEST_TOO_LARGE, NO_AGENT_SERVER, NAME_TAKEN, REFUSED_BY_CLUSTER,
    RECONCILE_FAILED, INTERNAL_ERROR, QUARANTINED,
)  # fmt: skip
"""Of the conditions Ready, Stalled, Suspended and Expired."""

CHANGED_BY_ADMISSION = "ChangedByAdmission"
"""Of the condition CronJobModified: a mutating webhook or policy changes what is applied."""
CHANGED_BY_OTHERS = "ChangedByOthers"
"""The same: somebody changes it again whenever it was corrected."""

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
REPLACED = "Replaced"
"""Replaced: the next firing was due, and concurrencyPolicy is Replace."""
JOB_DELETED = "JobDeleted"
"""Failed: somebody deleted the Job before it was over."""

SIDECAR_RUNNING = "SidecarRunning"
"""Missed: a container that somebody injected keeps the Job of an earlier firing, whose run is over."""

GRAPH_CRON_DELETED = "GraphCronDeleted"
"""Of a backfill, and of its firings that this ended."""
JOB_NAME_TAKEN = "JobNameTaken"
"""Failed: a Job that is not ours has the name that the scheduled time needs."""

OF_FIRINGS = (
    STILL_RUNNING, DEADLINE_PASSED, PASSED_OVER, DEADLINE_EXCEEDED, NO_OUTCOME, REPLACED, JOB_DELETED, NOT_STARTING,
    SIDECAR_RUNNING, GRAPH_CRON_DELETED, JOB_NAME_TAKEN,
)  # fmt: skip
"""Of history entries and of the condition LastRunSucceeded."""

NO_SUCCESS_IN_TIME = "NoSuccessInTime"
"""Of the condition Overdue."""
NOT_STARTED_IN_TIME = "NotStartedInTime"
"""Of the condition Late."""
NOT_FINISHED_IN_TIME = "NotFinishedInTime"
"""Of the condition Slow."""

BUDGET_EXCEEDED = "BudgetExceeded"
"""Of the condition OverBudget when nothing follows from it (onExceeded Notify)."""
NO_PRICES = "NoPrices"
"""Of the condition BudgetNotHeld."""
USAGE_UNKNOWN = "UsageUnknown"
"""The same: nobody knows what firings use."""

INTERRUPTS_LOST = "InterruptsLost"
"""Of the condition ThreadKept."""

REQUESTED_AT_CREATION = "RequestedAtCreation"
"""Refused: the annotation came with the GraphCron, which may be a copy."""
CANNOT_RUN = "CannotRun"
"""Refused: the GraphCron is stalled."""
JOB_REFUSED = "JobRefused"
"""Refused: the cluster did not take the Job."""

OF_REQUESTS = (REQUESTED_AT_CREATION, CANNOT_RUN, JOB_REFUSED, STILL_RUNNING, PAUSED_BY_ADMINISTRATOR, OVER_BUDGET)
"""Of `status.lastRequest` while its outcome is Refused."""

RUN_REQUESTED = "RunRequested"
"""Of the Event about a Job that was created for a request."""

CONTAINER_CREATING = "ContainerCreating"
"""Of the condition RunsStarting: what `kubectl get pods` shows of a pod whose volumes or network are not ready."""
UNSCHEDULABLE = "Unschedulable"
"""The same for a pod without a node, where the scheduler gives no reason of its own."""
FAILED_CREATE = "FailedCreate"
"""The same for a pod or a Job that could not be made. It is the controllers' own reason."""
NO_POD = "NoPod"
"""The same for a Job without a pod, where no Event says why."""
JOB_SUSPENDED = "JobSuspended"
"""The same for a Job that somebody holds back."""
POD_INITIALIZING = "PodInitializing"
"""The same for a pod whose init container, injected by somebody, is not done."""
WAITING_FOR_A_USER = (
    "CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError", "ErrImageNeverPull", "ErrImagePull",
    "ImagePullBackOff", "InvalidImageName", "RunContainerError",
)  # fmt: skip
"""The same for a container: reasons of the kubelet that end only when a user acts."""
PULLING = ("ErrImagePull", "ImagePullBackOff")
"""Those that follow each other for as long as an image cannot be pulled."""

BACKFILL_RUNNING = "Running"
COMPLETED_WITH_FAILURES = "CompletedWithFailures"
NOTHING_TO_RUN = "NothingToRun"
DRY_RUN = "DryRun"
GRAPH_CRON_NOT_FOUND = "GraphCronNotFound"
GRAPH_CRON_STALLED = "GraphCronStalled"
GRAPH_CRON_PENDING = "GraphCronPending"
"""The last change of the GraphCron is not carried out yet."""
EARLIER_BACKFILL = "EarlierBackfill"
"""Another backfill of the GraphCron is not over."""
OLDER_JOB = "OlderJob"
"""An older Job of the scheduled time runs, or is about to be removed."""

OF_BACKFILLS = (
    BACKFILL_RUNNING, COMPLETED, COMPLETED_WITH_FAILURES, NOTHING_TO_RUN, DRY_RUN, GRAPH_CRON_NOT_FOUND,
    GRAPH_CRON_STALLED, GRAPH_CRON_PENDING, GRAPH_CRON_DELETED, EARLIER_BACKFILL, OLDER_JOB, STILL_RUNNING, JOB_REFUSED,
    NOT_STARTING, PAUSED_BY_ADMINISTRATOR, OVER_BUDGET, INVALID_SPEC, INVALID_SCHEDULE, TOO_MANY_SLOTS,
    STATUS_UNREADABLE, INTERNAL_ERROR, QUARANTINED,
)  # fmt: skip
"""Of the condition Complete of a backfill."""
