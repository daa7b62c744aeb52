"""What each reason of a backfill means, and what to do about it, for docs/reasons.md."""

from graphcron.resource.firing_guide import Reason

_CORRECT_IT = "Delete the backfill, and create another."

BACKFILLS = {
    "Running": Reason("Its Jobs are created and followed.", "Nothing."),
    "Completed": Reason("Every scheduled time is over, and none failed.", "Nothing."),
    "CompletedWithFailures": Reason(
        "Every scheduled time is over, and some failed. `status.firings` names them.",
        "Remove the cause, and create another backfill of the same time: it leaves out what succeeded.",
    ),
    "NothingToRun": Reason(
        "There is no scheduled time to run. `status.leftOut` says which were left out.",
        "Nothing, or correct `from` and `to`, or set `rerun: true`, in another backfill.",
    ),
    "DryRun": Reason("The scheduled times are listed, and nothing is run.", "Set `dryRun: false` to run them."),
    "GraphCronNotFound": Reason(
        "There is no GraphCron of that name in the namespace.", "Create it, or delete the backfill."
    ),
    "GraphCronStalled": Reason(
        "The GraphCron cannot run, and the message says why. A paused one can.",
        "Correct the GraphCron. The backfill goes on by itself.",
    ),
    "GraphCronPending": Reason("The last change of the GraphCron is not carried out yet.", "Nothing."),
    "GraphCronDeleted": Reason("The GraphCron was deleted: the backfill ended.", "Delete the backfill."),
    "EarlierBackfill": Reason(
        "Another backfill of the same GraphCron is not over. They run one after the other.",
        "Nothing, or delete the other one.",
    ),
    "OlderJob": Reason("A Job of the same scheduled time runs, or is being removed.", "Nothing."),
    "StillRunning": Reason(
        "Another run of the GraphCron is under way, and its `concurrencyPolicy` is `Forbid` or `Replace`.", "Nothing."
    ),
    "JobRefused": Reason(
        "The cluster refused a Job, for example because of a quota. The operator tries again each minute.",
        "Remove the obstacle that the message names.",
    ),
    "NotStarting": Reason(
        "A firing has had no running pod for a minute. The message has the cause in the cluster's words.",
        "Remove what the message names.",
    ),
    "PausedByAdministrator": Reason(
        "An administrator has paused the namespace or the installation. The message has their reason.",
        "Ask them. The backfill goes on when they remove the switch.",
    ),
    "OverBudget": Reason(
        "A budget of the GraphCron is used up. The message says until when.",
        "Nothing: the backfill goes on when the window ends. Or raise the budget.",
    ),
    "InvalidSpec": Reason("Something in the spec is wrong. The message names the field.", _CORRECT_IT),
    "InvalidSchedule": Reason("The GraphCron's schedule or timezone cannot be read.", "Correct the GraphCron."),
    "TooManySlots": Reason(
        "More than 10,000 scheduled times lie between `from` and `to`.", "Create several backfills."
    ),
    "StatusUnreadable": Reason(
        "Somebody changed the status. Nothing is run, since it may have run already.", _CORRECT_IT
    ),
    "InternalError": Reason(
        "The operator failed on this backfill.", "Please report it, with the traceback in the operator's log."
    ),
    "Quarantined": Reason(
        "The operator's process died while it worked on this backfill. It is left alone for a while.",
        "See in the operator's log why it died, and please report it.",
    ),
}
"""Reasons of the condition Complete of a GraphCronBackfill."""
