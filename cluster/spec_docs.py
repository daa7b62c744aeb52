"""Writes docs/spec.md: the fields from the models, around them the conditions, outcomes and reasons told here.

`python -m cluster.spec_docs` writes the file, with `--check` it only says whether it is up to date. A test holds the
reasons against those that the code can give.
"""

import sys
from collections.abc import Iterator
from typing import Any

from cluster.paths import HERE
from graphcron.resource.crd import COLUMNS, structural
from graphcron.resource.identity import API_VERSION, KIND
from graphcron.resource.spec import GraphCronSpec
from graphcron.resource.status import GraphCronStatus

PAGE = HERE.root / "docs/spec.md"

CONDITIONS = {
    "Ready": (
        "always there. True: the CronJob is as the spec asks, also while it is suspended on purpose. False: "
        "see `Stalled`"
    ),
    "Stalled": "only while True: it waits for somebody, and the message says for what",
    "Suspended": "only while True: nothing fires now",
    "Expired": "only while True: no firing is left before `endTime`",
    "RunsStarting": (
        "only while False: the pod of a running firing cannot start; reason and message are the kubelet's or "
        "the scheduler's, such as `ImagePullBackOff`, `CreateContainerConfigError` (a Secret is missing) or "
        "`Unschedulable`; `ContainerCreating` when its volumes or its network are not ready after 60 s"
    ),
    "LastRunSucceeded": (
        "once a firing ended: whether the last one succeeded, with its reason. Skipped and missed firings "
        "change nothing"
    ),
}

OUTCOMES = {
    "Succeeded": "the run ended well",
    "Failed": "it did not, or could not be started",
    "Skipped": "nothing was started, on purpose",
    "Missed": "the cluster made no Job in time",
}

STATES = {
    "Scheduled": "it fires by its schedule",
    "Paused": "`enabled` is false; the message holds `pauseReason`",
    "NotStarted": "`startTime` is to come, and the CronJob is suspended until two minutes before",
    "Expired": "no firing is left before `endTime`",
    "MaxFailuresReached": (
        "`maxFailures` firings failed in a row. Any change of the spec resumes it, and a Job by hand that succeeds"
    ),
    "TooFrequent": "two firings are nearer than `guardrails.minimumIntervalSeconds` of the installation allows",
    "InvalidSpec": "a field is not as it must be; the message names it",
    "InvalidSchedule": "the schedule cannot be fired; the message says what to write instead",
    "InvalidTimezone": "no IANA zone of that name",
    "RequestTooLarge": "a run request above 240 KiB: use `inputFrom`",
    "NoAgentServer": "neither `server` nor the installation names an Agent Server",
    "InPodNotAllowed": "the installation does not let `image` run; the message says what it lets",
    "CronJobNameTaken": "a CronJob of that name belongs to somebody else",
    "CronJobRefused": "the cluster refused the CronJob; it is asked again each minute",
    "InternalError": "the operator failed on it; its log has the details",
}
"""Reasons of Ready, Stalled, Suspended and Expired."""

REASONS = {
    "Succeeded": {
        "RunSucceeded": "the run ended with success",
        "WaitingForInput": "the run was interrupted and waits for a person",
        "NoOutcome": "the Job completed, and its pod left no word",
    },
    "Failed": {
        "RunError": "the graph failed; the message is the Agent Server's, or the graph's own with engine `inPod`",
        "RunTimedOut": "the Agent Server's own limit for runs",
        "RunCancelled": "somebody cancelled the run",
        "RunEnded": "the run ended in a way that is not known here",
        "RunVanished": "the run was deleted while it was followed",
        "ThreadBusy": "the thread has another run, and `multitaskStrategy` is `reject`",
        "ThreadNotFound": "`threadId` names no thread",
        "AssistantNotFound": "`assistantId` names no assistant; with engine `inPod`, no graph of `langgraph.json`",
        "GraphNotLoaded": "engine `inPod`: `langgraph.json` or what it names cannot be used",
        "CheckpointerInvalid": "`checkpointer` cannot be used: its URL, its file, or libraries that the image lacks",
        "CheckpointerUnreachable": "the database of `checkpointer` did not answer, after all attempts",
        "RequestRefused": "the Agent Server will not take this request (422 and others)",
        "NotFound": "the Agent Server answered 404",
        "Unauthorized": "the Agent Server wants other credentials (401, 403)",
        "Redirected": "the Agent Server sends elsewhere; credentials are not carried there",
        "NoAgentServer": "what answers at this URL is no Agent Server",
        "ServerUrlInvalid": "the URL of the Agent Server cannot be used",
        "CertificateNotTrusted": "the Agent Server's certificate is not trusted",
        "AgentServerUnreachable": "no answer, after all attempts",
        "AgentServerOverloaded": "429, after all attempts",
        "AgentServerError": "5xx, or an answer that is none, after all attempts",
        "DeadlineExceeded": "`activeDeadlineSeconds` passed; the message says whether its run was cancelled",
        "PodStopped": "the pod was told to stop",
        "InputInvalid": "`inputFrom` holds no JSON",
        "HeaderInvalid": "a value of `server.headersSecretRef` is no header",
        "CaFileInvalid": "the installation's CA file cannot be used",
        "OrderInvalid": "the pod's order cannot be read",
        "EnvironmentInvalid": "the pod lacks its settings",
        "InternalError": "the runner failed; its log has the details",
        "NoOutcome": "the Job failed, and its pod left no word; the message has the end of its log",
    },
    "Skipped": {
        "ScheduledBeforeChange": "it was due before the schedule was changed or resumed",
        "BeforeStartTime": "it was due before `startTime`",
        "AfterEndTime": "it was due at `endTime` or later",
        "StillRunning": "the run of an earlier slot went on, and `concurrencyPolicy` is `Forbid`",
        "NotOnThisDay": (
            "only the CronJob's spelling of `L`, `W` or `#` has that day; never in the history, nor in events"
        ),
    },
    "Missed": {"StartingDeadlinePassed": "no Job was made within `startingDeadlineSeconds`"},
}
"""Reasons of firings, by outcome."""

HEAD = f"""\
# GraphCron, field by field

<!-- Generated from operator/graphcron/resource/ and cluster/spec_docs.py by `make generate`: edit these. -->

`{API_VERSION}`, kind `{KIND}`, namespaced, short name `gcron`. Names have 52 characters at most. Times are RFC 3339
with an offset, durations whole seconds. A field that is not set has no value in the cluster: its default is told here.

```yaml
apiVersion: {API_VERSION}
kind: {KIND}
metadata:
  name: hello
spec:
  schedule: "0 9 * * mon-fri"
  timezone: Europe/Berlin
  assistantId: agent
  input: {{"messages": [{{"role": "user", "content": "Good morning"}}]}}
```

How schedules are read, and when nothing fires: [schedules.md](schedules.md). The same by REST: [rest.md](rest.md).
"""

OVERLAPS = """\
## Firings that overlap, and deletion

`concurrencyPolicy: Allow` (the default) lets a firing start beside one that is running. `Forbid` skips it, as
`StillRunning`. `Replace` cancels the run of the earlier firing on the Agent Server, waits until it has stopped, and
then starts its own; the message of the new firing names the run that was cancelled. The cluster deletes the Job of the
earlier firing, so that one has no entry in the history. Its stateless thread is deleted or kept, as `onRunCompleted`
says. A firing that is skipped cancels nothing.

**Deleting a GraphCron cancels no run**, as on LangGraph's platform: no further firing starts, the run pods are stopped,
and a run that is on goes on to its end, unless somebody sends the Agent Server a
`POST /threads/THREAD/runs/RUN/cancel`.
"""

STUCK = """\
## Pods that do not start

A firing has no time limit unless `activeDeadlineSeconds` or the chart's `runs.activeDeadlineSeconds` sets one. The
run pod keeps it, and cancels the run. The Job has a limit too, 60 s and `jitterSeconds` longer. It begins when the Job
is made, so a pod that never starts (an image that cannot be pulled, a missing Secret, no node with room) counts too,
and the firing ends as `Failed`, `DeadlineExceeded`. Without a limit the pod waits until what is missing is there, and
the condition `RunsStarting` is False meanwhile and says what that is. With `concurrencyPolicy: Forbid` no further
firing starts until then; `Allow` adds a pod at each. Of a volume that cannot be mounted (`inputFrom` or
`server.headersSecretRef` names what is not there) only the events of the pod tell: after 60 s the condition says
`ContainerCreating`, and to look there.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield HEAD
    yield "## spec\n"
    yield from _fields(structural(GraphCronSpec.model_json_schema(by_alias=True)))
    yield "\n## status\n"
    yield from _fields(structural(GraphCronStatus.model_json_schema(by_alias=True)))
    yield "\n## Columns of kubectl get\n"
    yield from _table("column", "path", {name: f"`{path}`" + _wide(priority) for name, _, path, priority in COLUMNS})
    yield "\n## Conditions\n"
    yield "`kubectl wait --for=condition=Ready graphcron/NAME` waits for one.\n"
    yield from _table("type", "meaning", CONDITIONS, code=True)
    yield "\n`Ready`, `Stalled`, `Suspended` and `Expired` have one of these reasons:\n"
    yield from _table("reason", "meaning", STATES, code=True)
    yield "\n## Outcomes of firings\n"
    yield "In `status.history`, counted in `status.firings` and in the operator's metrics.\n"
    yield from _table("outcome", "meaning", OUTCOMES, code=True)
    for outcome, reasons in REASONS.items():
        yield f"\nReasons of `{outcome}`:\n"
        yield from _table("reason", "meaning", reasons, code=True)
    yield "\n## Events\n"
    yield (
        "Events bear the reasons above. Warning: `Ready` turned False, or is False for another cause; `RunsStarting` "
        "turned False;\na firing failed or was missed. Normal: `Ready` is True for another reason; a firing was "
        "skipped. Each is told once.\n"
    )
    yield OVERLAPS
    yield STUCK


def _wide(priority: int) -> str:
    return ", with `-o wide`" if priority else ""


def _table(first: str, second: str, rows: dict[str, str], *, code: bool = False) -> Iterator[str]:
    yield f"| {first} | {second} |"
    yield "|---|---|"
    for name, text in rows.items():
        yield f"| `{name}` | {text} |" if code else f"| {name} | {text} |"


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    for path, field, required in fields(schema):
        text = f"{field.get('description', '')}{' Required.' if required else ''}{_limits(field)}".strip()
        yield f"| `{path}` | {_type(field)} | {text.replace('|', chr(92) + '|')} |"


def fields(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Path, schema and whether it is required, of each field and of those in it."""
    for name, field in schema.get("properties", {}).items():
        yield prefix + name, field, name in schema.get("required", [])
        yield from fields(field, f"{prefix}{name}.")
        if isinstance(items := field.get("items"), dict):
            yield from fields(items, f"{prefix}{name}[].")


def _type(field: dict[str, Any]) -> str:
    if values := field.get("enum"):
        return ", ".join(f"`{value}`" for value in values)
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    if field.get("format") == "date-time":
        return "time"
    return str(field.get("type") or "any JSON")


def _limits(field: dict[str, Any]) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return f" {low} to {high}."
    if length := field.get("maxLength"):
        return f" At most {length} characters."
    return ""


def main(arguments: list[str]) -> int:
    """Exit code 1 when `--check` finds another page."""
    if arguments == ["--check"]:
        if PAGE.read_text() != page():
            print("docs/spec.md is out of date: run make generate")
            return 1
        return 0
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
