"""Writes the chart's README and values.schema.json from the comments in its values.yaml, which alone explains values.

The comment right above a value is its description. A line `# @schema …` in it adds JSON Schema keywords, written as the
inside of a YAML flow mapping: `# @schema minimum: 1, maximum: 200`. Without one, the type is that of the default. A
mapping with keys is a group, in which no other keys are allowed; an empty one, or one with a `type` or `$ref` in its
`@schema` line, is a value as a whole. `$ref: NAME` is one of pod_schemas.py.

`python -m tools.docs.chart_docs` writes both files. With `--check` it only says whether they are up to date. PyYAML
tells the line of each node, which is all that this needs; parsers that keep comments attach them to what stands before.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.docs import ROOT, pod_schemas

CHART = ROOT / "charts/graphcron"

FROM_A_PARENT: dict[str, dict[str, Any]] = {
    "global": {"type": "object"},
    "enabled": {"type": "boolean", "description": "For a parent chart's condition; nothing here reads it."},
}
"""What a parent chart may pass down, and values.yaml does not have."""

_TYPES = {
    "tag:yaml.org,2002:str": "string",
    "tag:yaml.org,2002:bool": "boolean",
    "tag:yaml.org,2002:int": "integer",
    "tag:yaml.org,2002:seq": "array",
    "tag:yaml.org,2002:map": "object",
}

Schema = dict[str, Any]


class ValuesError(Exception):
    """A value that the generator cannot read. The message names it and says what to write."""


@dataclass(frozen=True)
class Value:
    """One key of values.yaml. `schema` is what its `@schema` lines say; a group has `children`, a value none."""

    path: tuple[str, ...]
    description: str
    schema: Schema
    type: str
    default: Any
    children: tuple["Value", ...]


def read(text: str) -> Value:
    """The root group of a values.yaml. Raises ValuesError with the path of a value that is not explained."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(node, yaml.MappingNode), "values.yaml is a mapping"
    return Value((), "", {}, "object", None, tuple(_children(node, (), text.splitlines())))


def _children(node: yaml.MappingNode, above: tuple[str, ...], lines: list[str]) -> Iterator[Value]:
    for key, content in node.value:
        path = (*above, key.value)
        description, schema = _comment(lines, key.start_mark.line, key.start_mark.column, path)
        is_group = isinstance(content, yaml.MappingNode) and content.value and not schema.keys() & {"type", "$ref"}
        if content.tag not in _TYPES:
            raise ValuesError(f"values.yaml: {'.'.join(path)} has no type: give it a default that is not null.")
        if not is_group and not description:
            raise ValuesError(f"values.yaml: {'.'.join(path)} is not explained: write a comment above it.")
        yield Value(
            path=path,
            description=description,
            schema=schema,
            type=_TYPES[content.tag],
            default=yaml.safe_load(yaml.serialize(content)),
            children=tuple(_children(content, path, lines)) if is_group else (),
        )


def _comment(lines: list[str], line: int, column: int, path: tuple[str, ...]) -> tuple[str, Schema]:
    """Description and keywords from the comment lines right above a key, in the key's own column."""
    start = line
    while start and lines[start - 1].startswith(" " * column + "#"):
        start -= 1
    said = [text.strip().removeprefix("#").strip() for text in lines[start:line]]
    schema: Schema = {}
    for text in said:
        if text.startswith("@"):
            word, _, keywords = text.partition(" ")
            found = yaml.safe_load("{" + keywords + "}") if word == "@schema" else None
            if not found or None in found.values():
                raise ValuesError(f"values.yaml: {'.'.join(path)}: this is no `@schema keyword: value`: {text}")
            schema |= found
    return " ".join(text for text in said if not text.startswith("@")), schema


def schema_of(value: Value) -> Schema:
    """The JSON Schema of a value, or of a group with all that is in it."""
    described = {"description": value.description} if value.description else {}
    if not value.children:
        return described | _reference(value.schema) if "$ref" in value.schema else _typed(value) | described
    children = {child.path[-1]: schema_of(child) for child in value.children}
    return {"type": "object", "additionalProperties": False} | described | {"properties": children}


def _typed(value: Value) -> Schema:
    # An enum says the type by itself.
    schema = ({} if "enum" in value.schema else {"type": value.type}) | value.schema
    items = schema.get("items")
    return schema | {"items": _reference(items)} if isinstance(items, dict) and "$ref" in items else schema


def _reference(schema: Schema) -> Schema:
    return {"$ref": f"#/$defs/{schema['$ref']}"}


def to_json(root: Value, definitions: dict[str, Schema] | None = None) -> str:
    """values.schema.json."""
    whole = schema_of(root) | ({"$defs": definitions} if definitions else {})
    whole["properties"] = FROM_A_PARENT | whole["properties"]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Values of the graphcron chart"}
    return json.dumps(head | whole, indent=2, ensure_ascii=False) + "\n"


def to_markdown(root: Value, chart: dict[str, Any]) -> str:
    """The chart's README.md: how to install it, and a table of values for each group."""
    single = [value for value in root.children if not value.children]
    sections = [("General", "", single)]
    sections += [(group.path[0], group.description, list(_values(group))) for group in root.children if group.children]
    tables = "\n".join(_section(*section) for section in sections if section[2])
    return _README.format(description=chart["description"], kubernetes=chart["kubeVersion"], docs=_DOCS, tables=tables)


def _values(group: Value) -> Iterator[Value]:
    for child in group.children:
        if child.children:
            yield from _values(child)
        else:
            yield child


def _section(title: str, description: str, values: list[Value]) -> str:
    rows = [f"| `{'.'.join(value.path)}` | {_code(value.default)} | {_meaning(value)} |" for value in values]
    intro = [description, ""] if description else []
    return "\n".join([f"### {title}", "", *intro, "| value | default | meaning |", "|---|---|---|", *rows, ""])


def _meaning(value: Value) -> str:
    """The description as a table's cell can hold it, with the choices where there are some."""
    choices = ", ".join(_code(choice) for choice in value.schema.get("enum", ()))
    return " ".join(filter(None, [value.description.replace("|", "\\|"), choices and f"One of {choices}."]))


def _code(data: Any) -> str:
    return f"`{json.dumps(data, ensure_ascii=False)}`".replace("|", "\\|")


_DOCS = "../../docs"

_README = """\
<!-- Generated from values.yaml by `make generate`: edit that file. -->

# The graphcron Helm chart

{description}. It needs Kubernetes {kubernetes}.

<!-- alone -->
```sh
helm install graphcron charts/graphcron --namespace graphcron --create-namespace \\
  --set agentServer.url=http://agent-server.default.svc
```

Helm refuses a misspelled or invalid value with an explanation, and installs nothing.

What an earlier release left in the cluster (`crds.keep`), or what you applied from `crds/` yourself, belongs to nobody
or to that release. Helm then refuses with "cannot be imported into the current release". Add `--take-ownership` to
`helm install` (Helm 3.17 or later), or set `crds.enabled=false` to leave the CustomResourceDefinition as it is.

- [Tutorial for platform teams]({docs}/tutorials/platform-team.md)
- [How to upgrade]({docs}/how-to/upgrade.md) and [how to uninstall]({docs}/how-to/uninstall.md)
- [Security]({docs}/security.md): every permission of the service accounts, with its reason
- [All documentation]({docs}/README.md)

## Values

{tables}"""


def main(arguments: list[str], chart: Path = CHART) -> int:
    """0 when the files are up to date, or now are; 1 with a sentence otherwise."""
    try:
        root = read((chart / "values.yaml").read_text())
    except ValuesError as error:
        print(error, file=sys.stderr)
        return 1
    texts = {
        chart / "values.schema.json": to_json(root, pod_schemas.definitions()),
        chart / "README.md": to_markdown(root, yaml.safe_load((chart / "Chart.yaml").read_text())),
    }
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.name} is not what values.yaml says", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(texts[path])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
