"""What each condition, outcome and reason means, and what to do about it, for docs/reasons.md and `graphcron explain`.

A test compares the reasons with those that the code can give.
"""

import re
from typing import NamedTuple


class Reason(NamedTuple):
    """What a reason means, and what its reader should do, each as one table cell."""

    meaning: str
    todo: str


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
        "the Job back, and `NoPod` that no Event says why there is no pod."
    ),
    "RunsEnding": (
        "Present only while False (`SidecarRunning`): a run is over, and a container that somebody injected keeps its "
        "pod and Job. The message names the container. "
        "[Service meshes and other sidecars](how-to/sidecars.md) has the remedies."
    ),
    "LastRunSucceeded": (
        "Present once a firing has ended: whether the last one succeeded, with its reason. Skipped and missed firings "
        "do not change it."
    ),
}

OUTCOMES = {
    "Succeeded": "The run ended successfully.",
    "Failed": "The run failed, or could not be started.",
    "Skipped": "No run was started, on purpose.",
    "Missed": "The cluster created no Job in time.",
    "Replaced": "The next firing replaced it while it was running.",
}

STATES = {
    "Scheduled": Reason("It fires by its schedule.", "Nothing."),
    "Paused": Reason(
        "`enabled` is false. The message contains `pauseReason`.", "Set `enabled: true` to resume the schedule."
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
    "CronJobNameTaken": Reason(
        "A CronJob of the same name exists and is not controlled by this GraphCron.",
        "Rename the GraphCron, or delete the other CronJob.",
    ),
    "CronJobRefused": Reason(
        "The cluster refused the CronJob, for example because of a quota or an admission policy.",
        "Read the message and remove the obstacle. The operator retries every minute.",
    ),
    "InternalError": Reason(
        "The operator failed on this GraphCron.", "Please report it, with the traceback in the operator's log."
    ),
}
"""Reasons of Ready, Stalled, Suspended and Expired."""

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
    "StillRunning": Reason(
        "An earlier firing is still running, and `concurrencyPolicy` is `Forbid`.",
        "Request again with another token when it is over.",
    ),
}
"""Reasons of `status.lastRequest` while its outcome is `Refused`."""

REASONS = {
    "Succeeded": {
        "RunSucceeded": Reason("The run ended with status `success`.", "Nothing."),
        "WaitingForInput": Reason(
            "The run was interrupted and waits for a person.", "Answer on the thread, if the thread is kept."
        ),
        "NoOutcome": Reason("The Job completed, but its pod left no outcome.", "See the run on the Agent Server."),
    },
    "Failed": {
        "RunError": Reason(
            "The graph failed. The message is the Agent Server's, or the graph's own with `engine: inPod`.",
            "Read the message and the graph's trace. `onRunCompleted: keep` keeps the thread for inspection.",
        ),
        "RunTimedOut": Reason(
            "The run exceeded the Agent Server's own time limit.",
            "Raise the limit (`BG_JOB_TIMEOUT_SECS` of the Agent Server), or let the graph do less.",
        ),
        "RunCancelled": Reason("Somebody cancelled the run.", "Nothing, if that was intended."),
        "RunEnded": Reason(
            "The run ended with a status that this version does not know.",
            "Inspect the run on the Agent Server. The server may be newer than this version of GraphCron.",
        ),
        "RunVanished": Reason(
            "The run disappeared while the pod followed it.",
            "Find out who deleted the run or its thread while the run was in progress.",
        ),
        "ThreadBusy": Reason(
            "The thread has another run, and `multitaskStrategy` is `reject`.",
            "Use `multitaskStrategy: enqueue` or `concurrencyPolicy: Forbid`, or fire less often.",
        ),
        "ThreadNotFound": Reason(
            "The thread that `threadId` names does not exist.", "Create the thread again, or delete the GraphCron."
        ),
        "AssistantNotFound": Reason(
            "The assistant that `assistantId` names does not exist. With `engine: inPod`: `langgraph.json` has no such "
            "graph.",
            "Correct `assistantId`: the name of a graph or the UUID of an assistant.",
        ),
        "GraphNotLoaded": Reason(
            "`engine: inPod`: `langgraph.json`, or something that it names, cannot be used.",
            "Correct `langgraph.json`, or what it names, in the image.",
        ),
        "CheckpointerInvalid": Reason(
            "`checkpointer` cannot be used because of its URL, its file, or libraries that the image lacks.",
            "The message says what the URL must look like, or which library to add to the image.",
        ),
        "CheckpointerUnreachable": Reason(
            "The database of `checkpointer` did not answer in any attempt.",
            "Check that the database runs, and that the NetworkPolicy of run pods allows connections to it.",
        ),
        "RequestRefused": Reason(
            "The Agent Server refused the run request (422 and others).", "Correct the fields that the message names."
        ),
        "NotFound": Reason(
            "The Agent Server answered 404.",
            "Check the version of the Agent Server: it does not know the resource or endpoint.",
        ),
        "Unauthorized": Reason(
            "The Agent Server rejected the credentials (401, 403).",
            "Renew the key: `agentServer.existingSecret` of the chart, or `spec.server.apiKeySecretRef`.",
        ),
        "Redirected": Reason(
            "The Agent Server redirects to another URL. Credentials are not sent there.",
            "Configure the URL that it redirects to.",
        ),
        "NoAgentServer": Reason("The server at this URL is not an Agent Server.", "Correct the URL."),
        "ServerUrlInvalid": Reason(
            "The URL of the Agent Server is invalid.", "Correct `agentServer.url` of the chart, or `spec.server.url`."
        ),
        "CertificateNotTrusted": Reason(
            "The Agent Server's certificate is not trusted.",
            "Provide the CA certificate: `agentServer.caConfigMap` of the chart.",
        ),
        "AgentServerUnreachable": Reason(
            "The Agent Server did not answer in any attempt.",
            "Check that it runs, that its Service has endpoints, and that a NetworkPolicy lets run pods reach it.",
        ),
        "AgentServerOverloaded": Reason(
            "The Agent Server answered 429 in every attempt.",
            "Spread the crons (`H` in the schedule, `jitterSeconds`), or give the Agent Server more capacity.",
        ),
        "AgentServerError": Reason(
            "The Agent Server answered 5xx, or something that is no valid answer, in every attempt.",
            "Read the Agent Server's log.",
        ),
        "DeadlineExceeded": Reason(
            "`activeDeadlineSeconds` passed. The message says whether the run was cancelled.",
            "If the run was not cancelled, cancel it by hand. Raise `activeDeadlineSeconds` if runs need longer. If "
            "the pod never started, see `kubectl describe pod`.",
        ),
        "PodStopped": Reason(
            "The pod received SIGTERM.",
            "Nothing: the next pod continues. If this is the final outcome, the Job was deleted.",
        ),
        "InputInvalid": Reason("`inputFrom` contains no valid JSON.", "Correct the Secret or ConfigMap."),
        "HeaderInvalid": Reason("A value in `server.headersSecretRef` is not a valid header.", "Correct that Secret."),
        "CaFileInvalid": Reason(
            "The installation's CA file cannot be used.", "Correct the ConfigMap of `agentServer.caConfigMap`."
        ),
        "OrderInvalid": Reason(
            "The pod cannot read its run request.",
            "The CronJob was changed by hand, or run pod and operator have different versions: delete the Job.",
        ),
        "EnvironmentInvalid": Reason(
            "The pod lacks its settings.",
            "The CronJob was changed by hand, or run pod and operator have different versions: delete the Job.",
        ),
        "NotStarting": Reason(
            "No pod of it was running within `runs.startTimeoutSeconds` of the chart, so the operator ended its Job. "
            "The message has the cause in the cluster's words.",
            "Remove the cause. If the message names a run, a pod started at the last moment: cancel the run if it must "
            "not go on. Raise `runs.startTimeoutSeconds` if pods need longer to start.",
        ),
        "JobDeleted": Reason(
            "Somebody deleted the Job before it was over. Its run may still be in progress.",
            "Nothing, if that was intended. Cancel the run on the Agent Server if it must not go on.",
        ),
        "InternalError": Reason("The runner failed.", "Please report it, with the pod's log."),
        "NoOutcome": Reason(
            "The Job failed, and its pod left no outcome. The message has the end of its log.",
            "See `kubectl describe pod`. The pod was killed before it could report, often because it ran out of "
            "memory.",
        ),
    },
    "Skipped": {
        "ScheduledBeforeChange": Reason("It was due before the schedule was changed or resumed.", "Nothing."),
        "BeforeStartTime": Reason("It was due before `startTime`.", "Nothing."),
        "AfterEndTime": Reason("It was due at `endTime` or later.", "Nothing."),
        "StillRunning": Reason(
            "The run of an earlier firing was still in progress, and `concurrencyPolicy` is `Forbid`.",
            "Nothing, or fire less often: the run took longer than the time between two firings.",
        ),
        "NotOnThisDay": Reason(
            "The CronJob fires on this day only because Kubernetes cannot express `L`, `W` or `#`. It appears only in "
            "the Job, never in the history or in events.",
            "Nothing.",
        ),
    },
    "Missed": {
        "StartingDeadlinePassed": Reason(
            "No Job was created within `startingDeadlineSeconds`.",
            "Check the cluster: its controller manager was down or behind, or could not create the Job. Raise "
            "`startingDeadlineSeconds` to let late firings start.",
        ),
        "NotStarting": Reason(
            "Its Job could not be created, or `concurrencyPolicy` is `Forbid` and an earlier firing did not start. The "
            "message has the cause in the cluster's words.",
            "Remove the cause that the message names, such as a quota that is used up.",
        ),
        "SidecarRunning": Reason(
            "The run of an earlier firing was over, but a container that somebody injected kept its Job, and "
            "`concurrencyPolicy` is `Forbid`.",
            "Keep that container out of run pods, or let it end: [Service meshes](how-to/sidecars.md).",
        ),
    },
    "Replaced": {
        "NotStarting": Reason(
            "It had no running pod when the next firing was due, and `concurrencyPolicy` is `Replace`.",
            "Remove the cause that the message names.",
        ),
        "Replaced": Reason(
            "The next firing was due while it was running, and `concurrencyPolicy` is `Replace`. The next firing "
            "cancels its run.",
            "Nothing, or fire less often: the run took longer than the time between two firings.",
        ),
    },
}
"""Reasons of firings, by outcome."""


def advice(reason: str) -> str:
    """What to do about a reason of a condition or a firing; empty for one that only Kubernetes knows."""
    groups = (STATES, *REASONS.values())
    return _LINK.sub(r"\1 (docs/\2)", next((group[reason].todo for group in groups if reason in group), ""))


_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
"""Of Markdown, relative to docs/."""
