"""Writes docs/spec.md, the fields of our resources from the models, and docs/reasons.md.

`python -m tools.docs.spec_docs` writes both pages. With `--check` it writes nothing and fails when one is out of date.
"""

import sys
from collections.abc import Iterator
from typing import Any

from graphcron.resource import backfill, channel
from graphcron.resource.backfill import BackfillSpec, BackfillStatus
from graphcron.resource.channel import ChannelSpec, ChannelStatus
from graphcron.resource.crd import BACKFILL_COLUMNS, CHANNEL_COLUMNS, COLUMNS, structural
from graphcron.resource.fields import Model
from graphcron.resource.identity import API_VERSION, KIND
from graphcron.resource.spec import GraphCronSpec
from graphcron.resource.status import GraphCronStatus
from tools.docs import ROOT, reason_docs

PAGE = ROOT / "docs/spec.md"

HEAD = f"""\
# GraphCron, field by field

<!-- Generated from operator/graphcron/resource/ and tools/docs/spec_docs.py by `make generate`: edit those files. -->

A `GraphCron` (`{API_VERSION}`, namespaced, short name `gcron`) describes when a graph runs, with which input, and how.

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

- Names have at most 52 characters.
- Times are RFC 3339 with an offset. Durations are whole seconds, except in `expect`.
- The apiserver adds no defaults to the spec. The tables name the default of each field that has one.

See also: [how schedules are read](schedules.md), [the same fields in the REST API](rest.md),
[conditions, outcomes and reasons](reasons.md).
"""

OVERLAPS = """\
## Overlapping firings

`concurrencyPolicy` decides what happens when a firing is due while another one is running:

- `Allow` (the default) starts both.
- `Forbid` skips the new firing, with reason `StillRunning`.
- `Replace` cancels the run of the earlier firing on the Agent Server, waits until it has stopped, and then starts the
  new one. The message of the new firing names the cancelled run. Kubernetes deletes the earlier Job, so the earlier
  firing has no entry in the history. `onRunCompleted` decides whether its stateless thread is deleted. A firing that is
  skipped cancels nothing.

## Deleting a GraphCron

**Deleting a GraphCron does not cancel a run**, as on LangGraph Platform. No further firing starts, and the run pods are
stopped. A run in progress continues to its end, unless somebody sends `POST /threads/THREAD/runs/RUN/cancel` to the
Agent Server.
"""

NOTES = {"input": " Plain `kubectl apply` [drops its nulls](#nulls-in-the-input)."}
"""What only this page says of a field."""

NULLS = """\
## Nulls in the input

`kubectl apply` takes a field that is null for one that is to be removed. So nulls in objects are lost from `input`,
`metadata`, `config` and `context`, and only those in lists remain:

```yaml
spec:
  input: {reset: null, steps: [null, 1]}    # by `kubectl apply`: {steps: [null, 1]}
```

`kubectl apply --server-side` keeps them, and so do `kubectl create`, `kubectl replace`, the REST API, Flux, and Argo CD
with `ServerSideApply=true`. Where a GraphCron must be applied in the plain way, put the input into a ConfigMap and use
`inputFrom`.
"""

STUCK = """\
## Pods that do not start

A firing has no time limit unless `activeDeadlineSeconds`, or the chart's `runs.activeDeadlineSeconds`, sets one. The
run pod enforces the limit and cancels the run. The Job has its own limit, which is 60 s and `jitterSeconds` longer and
starts when the Job is created. So the limit also covers a pod that never starts because its image cannot be pulled, a
Secret is missing, or no node has room. Such a firing ends as `Failed` with reason `DeadlineExceeded`.

Without a limit, the pod waits until the obstacle is removed. Meanwhile the condition `RunsStarting` is False and names
the obstacle. With `concurrencyPolicy: Forbid`, no further firing starts in that time. With `Allow`, each firing adds
another pod.

If a volume cannot be mounted because `inputFrom` or `server.headersSecretRef` names a missing object, Kubernetes
reports it only in the pod's events. After 60 s the condition says `ContainerCreating`, names the objects that the pod
mounts, and points to those events.
"""


BACKFILL = f"""\
## GraphCronBackfill

A `GraphCronBackfill` (`{API_VERSION}`, namespaced, short name `gcb`) runs a GraphCron for scheduled times that have
passed.

```yaml
apiVersion: {API_VERSION}
kind: {backfill.KIND}
metadata:
  name: hello-november
spec:
  graphCron: hello
  from: "2026-11-01T00:00:00Z"
  to: "2026-11-08T00:00:00Z"
```
"""

CHANNEL = f"""\
## GraphCronChannel

A `GraphCronChannel` (`{API_VERSION}`, namespaced, short name `gcc`) is where notifications about GraphCrons go. The
notifier sends them.

```yaml
apiVersion: {API_VERSION}
kind: {channel.KIND}
metadata:
  name: team
spec:
  kind: Slack
  urlSecretRef: {{name: slack, key: url}}
  default: {{events: [Failed, Recovered, Missed]}}
```
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
    yield from _columns(COLUMNS)
    yield ""
    yield NULLS
    yield OVERLAPS
    yield STUCK
    yield BACKFILL
    yield from _resource("a backfill", BackfillSpec, BackfillStatus, "gcb", BACKFILL_COLUMNS)
    yield CHANNEL
    yield from _resource("a channel", ChannelSpec, ChannelStatus, "gcc", CHANNEL_COLUMNS)


def _resource(
    kind: str, spec: type[Model], status: type[Model], short_name: str, columns: list[tuple[str, str, str, int]]
) -> Iterator[str]:
    yield f"### spec of {kind}\n"
    yield from _fields(structural(spec.model_json_schema(by_alias=True)))
    yield f"\n### status of {kind}\n"
    yield from _fields(structural(status.model_json_schema(by_alias=True)))
    yield f"\n### Columns of kubectl get {short_name}\n"
    yield from _columns(columns)
    yield ""


def _columns(columns: list[tuple[str, str, str, int]]) -> Iterator[str]:
    yield from _table("column", "path", {name: f"`{path}`" + _wide(priority) for name, _, path, priority in columns})


def _wide(priority: int) -> str:
    return ", with `-o wide`" if priority else ""


def _table(first: str, second: str, rows: dict[str, str]) -> Iterator[str]:
    yield f"| {first} | {second} |"
    yield "|---|---|"
    for name, text in rows.items():
        yield f"| {name} | {text} |"


_KUBERNETES_OWN = "template.affinity."
"""Ninety fields that Kubernetes documents, and `kubectl explain` has here too."""


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    for path, field, required in fields(schema):
        if path.startswith(_KUBERNETES_OWN):
            continue
        described = field.get("description", "") + NOTES.get(path, "")
        text = f"{described}{' Required.' if required else ''}{_limits(field)}".strip()
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
    if "type" not in field and "maxItems" in field:
        return "string or list of string"
    return str(field.get("type") or "any JSON")


def _limits(field: dict[str, Any]) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return f" {low} to {high}."
    if items := field.get("maxItems"):
        return f" At most {items} items."
    if entries := field.get("maxProperties"):
        return f" At most {entries} entries."
    if (length := field.get("maxLength")) and field.get("format") != "date-time":
        return f" At most {length} characters."
    return ""


def main(arguments: list[str]) -> int:
    """Exit code 1 when `--check` finds a page out of date."""
    pages = {PAGE: page(), reason_docs.PAGE: reason_docs.page()}
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text() != text]
    if arguments == ["--check"]:
        for path in stale:
            print(f"docs/{path.name} is out of date: run make generate")
        return 1 if stale else 0
    for path in stale:
        path.write_text(pages[path])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
