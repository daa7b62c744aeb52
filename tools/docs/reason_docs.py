"""The text of docs/reasons.md: every condition, outcome and reason, what it means, and what to do about it.

`tools.docs.spec_docs` writes the page. A test compares the reasons with those that the code can give.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tools.docs import ROOT

PAGE = ROOT / "docs/reasons.md"


class Reason(NamedTuple):
    """What a reason means, and what its reader should do, each as one table cell."""

    meaning: str
    todo: str


CONDITIONS = {
    "Ready": (
        "Always present. True: the CronJob matches the spec, also while it is suspended on purpose. False: "
        "see `Stalled`."
    ),
    "Stalled": "Present only while True: the GraphCron does not work until somebody acts. The message says what to do.",
    "Suspended": "Present only while True: nothing fires at the moment.",
    "Expired": "Present only while True: no firing is left before `endTime`.",
    "RunsStarting": (
        "Present only while False: the pod of a running firing cannot start. Reason and message come from the kubelet "
        "or the scheduler, such as `ImagePullBackOff`, `CreateContainerConfigError` (a Secret is missing) or "
        "`Unschedulable`. `ContainerCreating` means that the pod's volumes or network are not ready after 60 s."
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
    "Expired": Reason("No firing is left before `endTime`.", "Delete the GraphCron, or change `endTime`."),
    "MaxFailuresReached": Reason(
        "The last `maxFailures` firings failed.",
        "Fix the cause that `LastRunSucceeded` names. Any change of the spec resumes the schedule, and so does a Job "
        "created by hand that succeeds.",
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
        "PassedOver": Reason(
            "No Job was created before a later firing was due, and Kubernetes then starts only the last one.",
            "Check the cluster: its controller manager, apiserver or etcd was down for longer than from one firing "
            "to the next.",
        ),
    },
}
"""Reasons of firings, by outcome."""

HEAD = """\
# Conditions, outcomes, reasons and events

<!-- Generated from tools/docs/reason_docs.py by `make generate`: edit that file. -->

`kubectl describe graphcron NAME` shows the conditions, the last ten firings and the events. Look up a reason here to
find out what it means and what to do. [What happens in a firing](runs.md) explains the background.
"""

EVENTS = """\
## Events

Events use the reasons above. Each is sent once.

| type | when |
|---|---|
| `Warning` | `Ready` becomes False, or is False with another message than before |
| `Warning` | `RunsStarting` becomes False, or is False for another reason than before |
| `Warning` | a firing failed or was missed |
| `Normal` | `Ready` is True for another reason than before |
| `Normal` | a firing was skipped |
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield HEAD
    yield "## Conditions\n"
    yield "`kubectl wait --for=condition=Ready graphcron/NAME` waits for a condition.\n"
    yield from _meanings("type", CONDITIONS)
    yield "\n## Reasons of conditions\n"
    yield "`Ready`, `Stalled`, `Suspended` and `Expired` have one of these reasons:\n"
    yield from _reasons(STATES)
    yield "\n## Outcomes of firings\n"
    yield "Outcomes are in `status.history`, in the counts of `status.firings` and in the operator's metrics.\n"
    yield from _meanings("outcome", OUTCOMES)
    for outcome, reasons in REASONS.items():
        yield f"\n### Reasons of {outcome}\n"
        yield from _reasons(reasons)
    yield ""
    yield EVENTS


def _meanings(first: str, rows: Mapping[str, str]) -> Iterator[str]:
    yield f"| {first} | meaning |"
    yield "|---|---|"
    for name, meaning in rows.items():
        yield f"| `{name}` | {meaning} |"


def _reasons(rows: Mapping[str, Reason]) -> Iterator[str]:
    yield "| reason | meaning | what to do |"
    yield "|---|---|---|"
    for name, reason in rows.items():
        yield f"| `{name}` | {reason.meaning} | {reason.todo} |"
