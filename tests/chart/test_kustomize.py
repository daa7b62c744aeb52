"""charts/graphcron/extras/kustomize.yaml: Kustomize renames an object, and what names it follows."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import commands
from cluster.paths import BIN
from graphcron.resource.channel import ChannelSpec
from graphcron.resource.crd import structural
from graphcron.resource.spec import GraphCronSpec
from tests.chart.helm import CHART
from tests.support.made import made

CONFIGURATION = CHART / "extras/kustomize.yaml"
KIND_OF_OTHERS = {
    "claimName": "PersistentVolumeClaim", "priorityClassName": "PriorityClass", "channel": "GraphCronChannel"
}  # fmt: skip
"""By the field that names them; all others are Secrets and ConfigMaps, and their fields say which."""


def references(schema: dict[str, Any], path: str = "spec") -> Iterator[tuple[str, str]]:
    """Path and kind of each field of the spec that names another object of the cluster."""
    for name, field in schema.get("properties", {}).items():
        here = f"{path}/{name}"
        if kind := KIND_OF_OTHERS.get(name):
            yield here, kind
        elif name == "name" and not path.startswith("spec/template/resources"):
            named = re.search("secret|configMap", path.rpartition("/")[2], re.IGNORECASE)
            assert named, f"{here}: of which kind?"
            yield here, "Secret" if named[0].lower() == "secret" else "ConfigMap"
        yield from references(field.get("items", field), here)


REFERENCES = {
    (kind, path): named
    for kind, spec in (("GraphCron", GraphCronSpec), ("GraphCronChannel", ChannelSpec))
    for path, named in references(structural(spec.model_json_schema(by_alias=True)))
}
"""The kind of what is named, by who names it and where."""


def test_each_field_that_names_an_object_is_listed() -> None:
    listed = {
        (spec["kind"], spec["path"]): reference["kind"]
        for reference in yaml.safe_load(CONFIGURATION.read_text())["nameReference"]
        for spec in reference["fieldSpecs"]
    }
    assert listed == REFERENCES


def naming(kind: str, path: str, name: str) -> dict[str, Any]:
    """With that name at that path."""
    manifest: dict[str, Any] = {"apiVersion": "graphcron.dev/v1", "kind": kind, "metadata": {"name": "cron"}}
    place: Any = manifest
    *parts, last = path.split("/")
    for part in parts:
        inner: Any = {}
        place[part] = [inner] if part in ("envFrom", "imagePullSecrets", "notify") else inner
        place = inner
    place[last] = name
    return manifest


def at(manifest: dict[str, Any], path: str) -> str:
    found: Any = manifest
    for part in path.split("/"):
        found = found[part][0] if isinstance(found[part], list) else found[part]
    return str(found)


GROUPS = {"PriorityClass": "scheduling.k8s.io/v1", "GraphCronChannel": "graphcron.dev/v1"}


@pytest.mark.parametrize(("by", "path"), REFERENCES)
def test_what_names_an_object_follows_a_name_that_kustomize_makes(tmp_path: Path, by: str, path: str) -> None:
    shutil.copy(CONFIGURATION, tmp_path)
    kind = REFERENCES[by, path]
    kustomization: dict[str, Any] = {
        "namespace": "team",
        "namePrefix": "team-",
        "configurations": [CONFIGURATION.name],
        "resources": ["graphcron.yaml"],
    }
    if kind in ("Secret", "ConfigMap"):
        kustomization[f"{kind[0].lower()}{kind[1:]}Generator"] = [{"name": "named", "literals": ["key=value"]}]
    else:
        kustomization["resources"] += ["other.yaml"]
        other = {"apiVersion": GROUPS.get(kind, "v1"), "kind": kind}
        (tmp_path / "other.yaml").write_text(yaml.safe_dump(other | {"metadata": {"name": "named"}}))
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    (tmp_path / "graphcron.yaml").write_text(yaml.safe_dump(naming(by, path, "named")))

    text = commands.run([made(BIN / "kubectl", "chart-tools"), "kustomize", tmp_path])
    objects = {item["kind"]: item for item in yaml.safe_load_all(text)}
    assert at(objects[by], path) == objects[kind]["metadata"]["name"] != "named"
