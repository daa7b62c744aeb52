"""The CustomResourceDefinitions, generated from the models of spec and status: no second description of a field."""

from dataclasses import dataclass
from typing import Any

import yaml

from graphcron.resource import backfill, channel
from graphcron.resource.fields import Model
from graphcron.resource.identity import GROUP, KIND, NAME_LIMIT, NAME_MESSAGE, PLURAL, VERSION
from graphcron.resource.spec import GraphCronSpec
from graphcron.resource.status import NOT_OBSERVED, GraphCronStatus

COLUMNS = [
    ("Schedule", "string", ".spec.schedule", 0),
    ("Timezone", "string", ".status.timezone", 0),
    # A string: kubectl prints a date as its age, and a date to come as "<invalid>".
    ("Next", "string", ".status.nextRunTimes[0]", 0),
    ("Last", "date", ".status.lastScheduleTime", 0),
    ("Result", "string", ".status.history[0].reason", 0),
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', 0),
    ("Status", "string", '.status.conditions[?(@.type=="Ready")].reason', 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
    ("Overdue", "string", '.status.conditions[?(@.type=="Overdue")].status', 1),
    ("Late", "string", '.status.conditions[?(@.type=="Late")].status', 1),
    ("Slow", "string", '.status.conditions[?(@.type=="Slow")].status', 1),
    # Of the month in which a firing last ended.
    ("Tokens", "integer", ".status.spending.month.tokens", 1),
    ("Cost", "string", ".status.spending.month.cost", 1),
    ("Assistant", "string", ".spec.assistantId", 1),
    ("Enabled", "boolean", ".status.enabled", 1),
    ("Active", "integer", ".status.active", 1),
    ("Message", "string", '.status.conditions[?(@.type=="Ready")].message', 1),
    ("Last-Message", "string", ".status.history[0].message", 1),
]
"""kubectl's columns: name, type, path, and priority (1 shows with `-o wide` only)."""


BACKFILL_COLUMNS = [
    ("Cron", "string", ".spec.graphCron", 0),
    ("Phase", "string", ".status.phase", 0),
    ("Progress", "string", ".status.progress", 0),
    ("Active", "integer", ".status.counts.active", 0),
    ("Succeeded", "integer", ".status.counts.succeeded", 0),
    ("Failed", "integer", ".status.counts.failed", 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
    ("From", "string", ".spec.from", 1),
    ("To", "string", ".spec.to", 1),
    ("Message", "string", '.status.conditions[?(@.type=="Complete")].message', 1),
]

CHANNEL_COLUMNS = [
    ("Kind", "string", ".spec.kind", 0),
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', 0),
    ("Delivering", "string", '.status.conditions[?(@.type=="Delivering")].status', 0),
    ("Last", "date", ".status.lastDelivery.at", 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
    ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', 1),
    ("Message", "string", '.status.conditions[?(@.status=="False")].message', 1),
]


@dataclass(frozen=True)
class CustomResource:
    """One resource of ours, as its CRD describes it."""

    kind: str
    plural: str
    short_name: str
    description: str
    spec: type[Model]
    status: type[Model]
    columns: list[tuple[str, str, str, int]]
    name_limit: int
    name_message: str


GRAPHCRON = CustomResource(
    KIND,
    PLURAL,
    "gcron",
    "A LangGraph cron: runs a graph of an Agent Server by a schedule.",
    GraphCronSpec,
    GraphCronStatus,
    COLUMNS,
    NAME_LIMIT,
    NAME_MESSAGE,
)
BACKFILL = CustomResource(
    backfill.KIND,
    backfill.PLURAL,
    "gcb",
    "A backfill: runs a GraphCron for scheduled times that have passed.",
    backfill.BackfillSpec,
    backfill.BackfillStatus,
    BACKFILL_COLUMNS,
    backfill.BACKFILL_NAME_LIMIT,
    backfill.NAME_MESSAGE,
)
CHANNEL = CustomResource(
    channel.KIND,
    channel.PLURAL,
    "gcc",
    "A channel: where notifications about GraphCrons go.",
    channel.ChannelSpec,
    channel.ChannelStatus,
    CHANNEL_COLUMNS,
    channel.CHANNEL_NAME_LIMIT,
    channel.NAME_MESSAGE,
)
RESOURCES = {resource.plural: resource for resource in (GRAPHCRON, BACKFILL, CHANNEL)}


UNOBSERVED = {"observedGeneration": NOT_OBSERVED}
"""The status until the operator writes one: to kstatus, and so to GitOps tools, an object without one is current."""


def manifest(resource: CustomResource = GRAPHCRON) -> dict[str, Any]:
    """The CRD as kubectl applies it."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                # In no category: `kubectl get all` fails for whoever may not list one of the resources in it.
                "shortNames": [resource.short_name],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(*column) for column in resource.columns],
                    "schema": {"openAPIV3Schema": _root(resource)},
                }
            ],
        },
    }


def to_yaml(resource: CustomResource = GRAPHCRON) -> str:
    """The CRD as its file in crds/ holds it."""

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True  # the same list in two places is no anchor and alias to a reader

    text = yaml.dump(manifest(resource), Dumper=Plain, sort_keys=False, width=110, allow_unicode=True)
    return "# Generated from operator/graphcron/resource/ by `make generate`: edit that.\n" + text


def _root(resource: CustomResource) -> dict[str, Any]:
    return {
        "type": "object",
        "description": resource.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(resource.spec.model_json_schema(by_alias=True)),
            "status": structural(resource.status.model_json_schema(by_alias=True)) | {"default": UNOBSERVED},
        },
        "x-kubernetes-validations": [
            {"rule": f"self.metadata.name.size() <= {resource.name_limit}", "message": resource.name_message}
        ],
    }


def _column(name: str, kind: str, path: str, priority: int) -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "type": kind, "jsonPath": path}
    return column | {"priority": priority} if priority else column


def structural(schema: dict[str, Any]) -> dict[str, Any]:
    """A pydantic JSON schema as a structural schema (Kubernetes, "Specifying a structural schema"): references
    inlined, titles and defaults gone, "X or null" reduced to X, since a field that is not set is absent.
    """
    definitions = schema.get("$defs", {})
    return _structural({key: value for key, value in schema.items() if key != "$defs"}, definitions)


_KEPT = (
    "type", "format", "description", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems",
    "maxItems", "maxProperties", "required",
)  # fmt: skip


def _structural(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        outer = {key: value for key, value in schema.items() if key != "$ref"}
        return _structural(target | outer, definitions)
    options = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    if len(options) == 1:
        outer = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
        return _structural(options[0] | outer, definitions)
    result = {key: schema[key] for key in _KEPT if key in schema}
    if "const" in schema:
        result["enum"] = [schema["const"]]
    result |= {key: value for key, value in schema.items() if key.startswith("x-kubernetes-")}
    if result.get("x-kubernetes-int-or-string"):
        # That is its type, and its rule says more than a pattern would.
        result = {key: value for key, value in result.items() if key not in ("type", "pattern", "minimum")}
    if result.get("x-kubernetes-preserve-unknown-fields"):
        # Free-form: nothing else may be said of it, but that it is an object where it must be one, how large, and what
        # CEL has to see.
        result = {
            key: value
            for key, value in result.items()
            if key in ("type", "description") or key.startswith("x-kubernetes-")
        } | _bounds(options)
    if properties := schema.get("properties"):
        result["properties"] = {name: _structural(value, definitions) for name, value in properties.items()}
    if isinstance(values := schema.get("additionalProperties"), dict) and "properties" not in schema:
        result["additionalProperties"] = _structural(values, definitions)
    if items := schema.get("items"):
        result["items"] = _structural(items, definitions)
    return result


def _bounds(options: list[dict[str, Any]]) -> dict[str, Any]:
    """The limits of a field that is a text or a list. What is in the list is not for the apiserver to judge: it reports
    each wrong item, and half a million of them keep it busy for minutes."""
    if not options:
        return {}
    texts = [text for option in options for text in option.get("enum", [option.get("const", "")])]
    longest = max(len(text) for text in texts)
    return {
        "maxLength": longest,
        "maxItems": max(option.get("maxItems", 0) for option in options),
        "maxProperties": 0,
    }
