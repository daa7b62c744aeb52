"""What each outcome of a firing and its reasons mean, and what to do: for docs/reasons.md and `graphcron explain`."""

from typing import NamedTuple


class Reason(NamedTuple):
    """What a reason means, and what its reader should do, each as one table cell."""

    meaning: str
    todo: str


OUTCOMES = {
    "Succeeded": "The run ended successfully.",
    "Failed": "The run failed, or could not be started.",
    "Skipped": "No run was started, on purpose.",
    "WaitingForInput": "The run stopped to wait for input. `status.firings.waiting` counts it.",
    "Missed": "The cluster created no Job in time.",
    "Replaced": "The next firing replaced it while it was running.",
}

REASONS = {
    "Succeeded": {
        "RunSucceeded": Reason("The run ended with status `success`.", "Nothing."),
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
        "RunBudgetExceeded": Reason(
            "The run used more tokens than `budget.perRun` allows, and was cancelled. It counts with what it used.",
            "See in the run's trace what used so many: a loop, or a long conversation. Raise `budget.perRun.tokens` if "
            "runs need more.",
        ),
        "RunEnded": Reason(
            "The run ended with a status that this version does not know.",
            "Inspect the run on the Agent Server. The server may be newer than this version of GraphCron.",
        ),
        "RunVanished": Reason(
            "The run disappeared while the pod followed it. Most likely the Agent Server keeps runs in memory, as "
            "`langgraph dev` and `langgraphjs dev` do, and was restarted.",
            "Use an Agent Server with a database. If yours has one, find out who deleted the run or its thread.",
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
            "Do what the message says. To provide the CA certificate: `spec.server.caConfigMapKeyRef`, or "
            "`agentServer.caConfigMap` of the chart for the installation's own server.",
        ),
        "ProxyInvalid": Reason(
            "The proxy that the run pod is given is not `http://[USER:PASSWORD@]HOST[:PORT]`.",
            "Correct `proxy` of the chart, or the Secret that it names.",
        ),
        "ProxyRefused": Reason(
            "The proxy lets nothing through to the Agent Server (403, 407).",
            "Check the credentials in the Secret of `proxy.existingSecret`, and the rules of the proxy. List an Agent "
            "Server that needs no proxy in `proxy.noProxy`.",
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
        "InputInvalid": Reason(
            "`inputFrom` contains no valid JSON, or with `renderInput` a placeholder that cannot be replaced.",
            "Correct the Secret or ConfigMap.",
        ),
        "HeaderInvalid": Reason("A value in `server.headersSecretRef` is not a valid header.", "Correct that Secret."),
        "CaFileInvalid": Reason(
            "The CA file cannot be used.",
            "Correct what `spec.server` names as CA, or the ConfigMap of `agentServer.caConfigMap`.",
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
        "GraphCronDeleted": Reason(
            "The GraphCron was deleted while its backfill ran. The operator ended the Job.", "Nothing."
        ),
        "JobNameTaken": Reason(
            "A Job that is not GraphCron's has the name that the scheduled time of a backfill needs.",
            "Delete that Job, and create another backfill for this time.",
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
        "AfterEndTime": Reason(
            "It was due at `endTime` or later, or after the last run that `maxRuns` allows.", "Nothing."
        ),
        "StillRunning": Reason(
            "The run of an earlier firing was still in progress, and `concurrencyPolicy` is `Forbid`.",
            "Nothing, or fire less often: the run took longer than the time between two firings.",
        ),
        "OverBudget": Reason(
            "A budget is used up, and `budget.onExceeded` is `Skip`. The message says when its window ends.",
            "Nothing, or raise the budget ([set a budget](how-to/set-a-budget.md)).",
        ),
        "NotOnThisDay": Reason(
            "The CronJob fires on this day only because Kubernetes cannot express `L`, `W` or `#`. It appears only in "
            "the Job, never in the history or in events.",
            "Nothing.",
        ),
    },
    "WaitingForInput": {
        "WaitingForInput": Reason(
            "The run stopped to wait for input. It is neither a success nor a failure: `maxFailures` does not count "
            "it, and it does not end a row of failures.",
            "Answer on the thread that the message names. If the thread is deleted, which is the default, nobody can: "
            "set `onRunCompleted: keep`.",
        ),
    },
    "Missed": {
        "StartingDeadlinePassed": Reason(
            "No Job was created within `startingDeadlineSeconds`.",
            "Check the cluster: its controller manager was down or behind, or could not create the Job. Raise "
            "`startingDeadlineSeconds` to let late firings start.",
        ),
        "PassedOver": Reason(
            "No Job was created before a later firing was due, and Kubernetes then starts only the last one.",
            "Check the cluster: its controller manager, apiserver or etcd was down for longer than from one firing "
            "to the next.",
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
