"""What each condition, outcome and reason means, and what to do about it, for docs/reasons.md and `graphcron explain`.

A test compares the reasons with those that the code can give.
"""

import re

from graphcron.resource.firing_guide import REASONS, Reason

CONDITIONS = {
    "Ready": (
        "Always present. True: the CronJob matches the spec, also while it is suspended on purpose. False: "
        "see `Stalled`, or, with the reason `NotStarting`, `RunsStarting`."
    ),
    "Stalled": "Present only while True: the GraphCron does not work until somebody acts. The message says what to do.",
    "Suspended": "Present only while True: nothing fires at the moment.",
    "Expired": "Present only while True: no firing is left before `endTime`.",
    "RunsStarting": (
        "Present only while False: a firing has no running pod. Reason and message are the cluster's own: of the "
        "kubelet or the scheduler, such as `ImagePullBackOff`, `CreateContainerConfigError` (a Secret is missing) or "
        "`Unschedulable`, or of the controller that could not create the pod or the Job (`FailedCreate`: a quota, a "
        "LimitRange, an admission policy). `ContainerCreating` means that the pod's volumes or network are not ready "
        "after 60 s, `PodInitializing` that an injected init container is not done, `JobSuspended` that somebody holds "
        "the Job back, and `NoPod` that no Event says why there is no pod. After 5½ minutes of `NoPod` the operator "
        "reminds the Job controller (annotation `graphcron.dev/touched` on the Job), which forgets a Job whose "
        "pod came and went while it saw nothing."
    ),
    "RunsEnding": (
        "Present only while False (`SidecarRunning`): a run is over, and a container that somebody injected keeps its "
        "pod and Job. The message names the container. "
        "[Service meshes and other sidecars](how-to/sidecars.md) has the remedies."
    ),
    "CronJobModified": (
        "Present only while True: others have changed fields of the CronJob, and the operator leaves them so. The "
        "message names the fields and who set them. `ChangedByAdmission`: a mutating webhook or policy changes them "
        "whenever the CronJob is applied. They stay so until the spec changes or the CronJob is deleted; once a day, "
        "after a firing, the operator tries whether the webhook is gone. "
        "`ChangedByOthers`: somebody sets or removes them again whenever they are corrected. The operator corrects "
        "hand edits at once, and repeated ones more and more rarely, at least once an hour."
    ),
    "LastRunSucceeded": (
        "Present once a firing has ended: whether the last one succeeded, with its reason. Skipped and missed firings "
        "do not change it, nor do those whose run waits for input."
    ),
    "WaitingForInput": (
        "Present only while True: the last run that ended has stopped to wait for input. The message names its thread, "
        "and says whether it is deleted. The next run that ends otherwise removes the condition."
    ),
    "ThreadKept": (
        "Present only while False (`InterruptsLost`): `interruptBefore` or `interruptAfter` may stop runs to wait for "
        "input, and their threads are deleted then. Set `onRunCompleted: keep`. The REST API says so in a `Warning` "
        "header."
    ),
    "Overdue": (
        "Present only while True (`NoSuccessInTime`): no firing has succeeded within `spec.expect.successWithin`. "
        "The message says since when. [Know when a cron is overdue](how-to/know-when-a-cron-is-overdue.md) explains it."
    ),
    "Late": (
        "Present only while True (`NotStartedInTime`): the last firing of which that is known did not start its run "
        "within `spec.expect.startWithin` of its scheduled time."
    ),
    "OverBudget": (
        "Present only while True: a budget is used up. The message has the sum, the limit and when the window ends. "
        "`OverBudget`: the schedule is suspended, or its firings are skipped. `BudgetExceeded`: it fires all the same "
        "(`budget.onExceeded: Notify`). [Set a budget](how-to/set-a-budget.md) explains it."
    ),
    "BudgetNotHeld": (
        "Present only while True: the spec has a budget, and nobody knows what is used of it. `NoPrices`: it is one in "
        "money, and the installation has no prices. `UsageUnknown`: the runs report no tokens."
    ),
    "Slow": (
        "Present only while True (`NotFinishedInTime`): a run under way, or else the last one that ended, takes or "
        "took longer than `spec.expect.finishWithin`."
    ),
}

STATES = {
    "Scheduled": Reason("It fires by its schedule.", "Nothing."),
    "Paused": Reason(
        "`enabled` is false. The message contains `pauseReason`.",
        "Set `enabled: true` to resume the schedule, or use `graphcron resume NAME`.",
    ),
    "PausedByAdministrator": Reason(
        "An administrator has paused all GraphCrons of the namespace (annotation `graphcron.dev/paused`) or of the "
        "installation (value `paused` of the chart). The message has their reason.",
        "Ask them. The GraphCron resumes as it was when they remove the switch. `enabled` does not matter until then.",
    ),
    "NotStarted": Reason(
        "`startTime` is in the future. The CronJob stays suspended until two minutes before it.",
        "Nothing, or change `startTime`.",
    ),
    "NotStarting": Reason(
        "A firing has had no running pod for a minute. The message has the cause in the cluster's words. It stays "
        "until a firing starts or the spec changes.",
        "Remove what the message names: raise the quota, create the Secret, PriorityClass or image, or correct "
        "`spec.template`. After `runs.startTimeoutSeconds` of the chart such a firing is ended and recorded.",
    ),
    "Expired": Reason("No firing is left before `endTime`.", "Delete the GraphCron, or change `endTime`."),
    "Completed": Reason(
        "The schedule has started `maxRuns` runs. The last of them may still be under way.",
        "Raise `maxRuns` to resume the schedule, or delete the GraphCron.",
    ),
    "OverBudget": Reason(
        "A budget is used up, of the GraphCron (`budget`), or of its namespace, its owner or the installation "
        "(`guardrails.budgets`). The message says whose, and when its window ends. Runs under way go on.",
        "Nothing: it resumes by itself then. Or raise the budget, and it resumes at once.",
    ),
    "MaxFailuresReached": Reason(
        "The last `maxFailures` firings failed.",
        "Fix the cause that `LastRunSucceeded` names, then resume the schedule: `graphcron resume NAME`, or the "
        "annotation `graphcron.dev/resume-requested` with a new token. Any change of the spec resumes it, too, and so "
        "does a requested run that succeeds.",
    ),
    "TooFrequent": Reason(
        "Two firings are closer together than the installation's `guardrails.minimumIntervalSeconds`.",
        "Choose a less frequent schedule.",
    ),
    "InvalidSpec": Reason("A field has an invalid value.", "Correct the field that the message names."),
    "InvalidSchedule": Reason("The schedule cannot be fired.", "The message says what to write instead."),
    "InvalidTimezone": Reason(
        "`timezone` is not an IANA time zone.", "Use an IANA name in its exact case, such as `Europe/Berlin`."
    ),
    "RequestTooLarge": Reason(
        "The run request is larger than 240 KiB.", "Put the input into a Secret or ConfigMap, and use `inputFrom`."
    ),
    "NoAgentServer": Reason(
        "Neither `server` nor the installation names an Agent Server.",
        "Set `spec.server.url`, or `agentServer.url` of the chart.",
    ),
    "InPodNotAllowed": Reason(
        "The installation does not allow `image`.",
        "Use an image that the message lists, or ask the administrator to add it to `runs.inPod.images`.",
    ),
    "TemplateNotAllowed": Reason(
        "The installation does not allow a label or an annotation of `template`.",
        "Use keys that the message lists, or ask the administrator to add yours to `guardrails.templateLabels` or "
        "`guardrails.templateAnnotations`.",
    ),
    "LifetimeNotAllowed": Reason(
        "The installation wants every schedule to end, and this one does not, or too late.",
        "Set `endTime` as the message says, or ask the administrator (`guardrails.requireEndTime` and "
        "`guardrails.maxLifetimeDays`).",
    ),
    "CronJobNameTaken": Reason(
        "A CronJob of the same name exists that was not made for this GraphCron, or that something else controls. One "
        "that was made for it and has lost its owner, as after a restore from a backup, is adopted.",
        "Rename the GraphCron, or delete the other CronJob.",
    ),
    "CronJobRefused": Reason(
        "The cluster refused the CronJob, for example because of a quota or an admission policy.",
        "Read the message and remove the obstacle. The operator retries every minute.",
    ),
    "ReconcileFailed": Reason(
        "The operator failed three times running to bring the CronJob or the status in line. The message has the words "
        "of the apiserver, or of an admission webhook. The CronJob stays as it is meanwhile.",
        "Remove the cause that the message names. The operator retries at least once a minute, and the condition "
        "disappears by itself.",
    ),
    "InternalError": Reason(
        "The operator failed on this GraphCron.", "Please report it, with the traceback in the operator's log."
    ),
    "Quarantined": Reason(
        "The operator's process died, or was killed because it hung or ran out of memory, while it worked on this "
        "GraphCron. It is left as it is for a minute, after further deaths for up to a day; all others go on.",
        "See in the operator's log and with `kubectl describe pod` why it died, and please report it. If it was "
        "something else, do nothing. Any change of the spec is tried at once.",
    ),
}
"""Reasons of Ready, Stalled, Suspended and Expired."""

EXPECTATIONS = {
    "NoSuccessInTime": Reason(
        "No firing has succeeded for longer than `expect.successWithin`, since the last success, or since the "
        "GraphCron was created, resumed or given another schedule.",
        "See in the history what the firings did, and mend it (`graphcron explain NAME`). Then wait for the next one, "
        "or request a run: a success ends it.",
    ),
    "NotStartedInTime": Reason(
        "A firing did not start its run within `expect.startWithin` of its scheduled time. Its pod cannot start, the "
        "cluster made no Job, or both came late.",
        "See `Ready` and `RunsStarting` for the cause. If many crons fire in the same minute, spread them with `H` or "
        "`jitterSeconds`. The next firing that starts in time ends it.",
    ),
    "NotFinishedInTime": Reason(
        "A run takes or took longer than `expect.finishWithin`. It is not ended.",
        "Look at the run on the Agent Server. `activeDeadlineSeconds` would end such runs. The next run that ends in "
        "time ends it.",
    ),
}
"""Reasons of Overdue, Late and Slow."""

BUDGETS = {
    "BudgetExceeded": Reason(
        "A budget is used up, and `budget.onExceeded` is `Notify`: it fires all the same.",
        "Look at what the runs use, and raise the budget if that is right.",
    ),
    "NoPrices": Reason(
        "`budget.cost` limits nothing, since the installation has no price for what the runs used.",
        "Ask the administrator to set `prices` of the chart, or set `budget.tokens` instead.",
    ),
    "UsageUnknown": Reason(
        "What the firings of the window used is unknown of each of them: the budget counts nothing.",
        "Let the graph's models report their usage ([set a budget](how-to/set-a-budget.md#what-is-counted)).",
    ),
}
"""Reasons of OverBudget and BudgetNotHeld, besides OverBudget itself."""

REQUESTS = {
    "RequestedAtCreation": Reason(
        "The annotation came with the GraphCron itself, which may be a copy or a restored backup.",
        "Request again with another token.",
    ),
    "CannotRun": Reason(
        "The GraphCron is stalled. The message says why.", "Correct it, and request again with another token."
    ),
    "JobRefused": Reason(
        "The cluster refused the Job, for example because of a quota.",
        "Remove the obstacle, and request again with another token.",
    ),
    "PausedByAdministrator": Reason(
        "An administrator has paused the namespace or the installation. The message has their reason.",
        "Ask them, and request again with another token when they have removed the switch.",
    ),
    "OverBudget": Reason(
        "A budget is used up, and `budget.onExceeded` is `Suspend`. The message says until when.",
        "Request again with another token when the window has ended, or raise the budget.",
    ),
    "StillRunning": Reason(
        "An earlier firing is still running, and `concurrencyPolicy` is `Forbid`.",
        "Request again with another token when it is over.",
    ),
}
"""Reasons of `status.lastRequest` while its outcome is `Refused`."""


def advice(reason: str, outcome: str = "") -> str:
    """What to do about a reason of a condition, or of a firing with that outcome; empty for one that only Kubernetes
    knows. The same reason can ask for something else under another outcome."""
    groups = (REASONS.get(outcome, {}), STATES, EXPECTATIONS, BUDGETS, *REASONS.values())
    return _LINK.sub(r"\1 (docs/\2)", next((group[reason].todo for group in groups if reason in group), ""))


_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
"""Of Markdown, relative to docs/."""
