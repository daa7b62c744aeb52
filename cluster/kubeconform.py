"""kubeconform, which holds manifests against schemas. It gets those of an apiserver that runs, so that no list of
schemas has to be fetched and none can be out of date.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cluster import commands, gotools, paths
from cluster.api import Api
from cluster.errors import ClusterError

SOURCE = paths.SOURCES / "kubeconform"
PROGRAM = "github.com/yannh/kubeconform/cmd/kubeconform"
LOCATION = "{{ .ResourceKind }},{{ .Group }},{{ .ResourceAPIVersion }}.json"
"""What a schema's file is called, in kubeconform's words."""

Schema = dict[str, Any]


def complaints(schemas: Path, text: str) -> str:
    """What it says against these manifests; empty when it has nothing to say, and a schema that is missing is said."""
    words = ["-strict", "-output", "text", "-schema-location", f"{schemas}/{LOCATION}", "-"]
    try:
        return commands.run([gotools.ensure(SOURCE, PROGRAM), *words], stdin=text).strip()
    except ClusterError as error:
        return str(error)


def write_schemas(api: Api, into: Path) -> None:
    """A file for each kind that the apiserver serves, with all that it refers to."""
    for document in _documents(api):
        components = {name: closed(schema) for name, schema in document["components"]["schemas"].items()}
        for name, schema in components.items():
            for kind in schema.get("x-kubernetes-group-version-kind", []):
                group = kind["group"] or kind["version"]  # kubeconform calls the core group so
                file = into / f"{kind['kind'].lower()},{group},{kind['version']}.json"
                root = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": components}}
                file.write_text(json.dumps(root))


def closed(schema: Any) -> Any:
    """The schema, in which objects with named fields have no others: a misspelt field is found."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    open_ended = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    # By its type, because a dict of fields may have one that is called properties.
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not open_ended:
        inner["additionalProperties"] = False
    return inner


def _documents(api: Api) -> Iterator[Schema]:
    """OpenAPI v3, a document for each group and version."""
    for path in api.request("GET", "/openapi/v3")[1]["paths"]:
        if path == "api/v1" or (path.startswith("apis/") and path.count("/") == 2):  # the rest lists these
            status, document = api.request("GET", f"/openapi/v3/{path}")
            if status != 200:
                raise ClusterError(f"GET /openapi/v3/{path}: {document}")
            yield document
