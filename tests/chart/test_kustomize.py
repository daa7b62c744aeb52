"""charts/graphcron/extras/kustomize.yaml: Kustomize renames an object, and each GraphCron that names it follows."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import commands
from cluster.paths import BIN
from graphcron.resource.crd import structural
from graphcron.resource.spec import GraphCronSpec
from tests.chart.helm import CHART
from tests.support.made import made

CONFIGURATION = CHART / "extras/kustomize.yaml"
KIND_OF_OTHERS = {"claimName": "PersistentVolumeClaim", "priorityClassName": "PriorityClass"}
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


REFERENCES = dict(references(structural(GraphCronSpec.model_json_schema(by_alias=True))))


def test_each_field_that_names_an_object_is_listed() -> None:
    listed = {
        spec["path"]: reference["kind"]
        for reference in yaml.safe_load(CONFIGURATION.read_text())["nameReference"]
        for spec in reference["fieldSpecs"]
    }
    assert listed == REFERENCES


def graphcron_of(path: str, name: str) -> dict[str, Any]:
    """With that name at that path."""
    manifest: dict[str, Any] = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": "cron"}}
    place: Any = manifest
    *parts, last = path.split("/")
    for part in parts:
        inner: Any = {}
        place[part] = [inner] if part in ("envFrom", "imagePullSecrets") else inner
        place = inner
    place[last] = name
    return manifest


def at(manifest: dict[str, Any], path: str) -> str:
    found: Any = manifest
    for part in path.split("/"):
        found = found[part][0] if isinstance(found[part], list) else found[part]
    return str(found)


@pytest.mark.parametrize("path", REFERENCES)
def test_a_graphcron_follows_a_name_that_kustomize_makes(tmp_path: Path, path: str) -> None:
    shutil.copy(CONFIGURATION, tmp_path)
    kind = REFERENCES[path]
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
        other = {"apiVersion": "v1" if "Volume" in kind else "scheduling.k8s.io/v1", "kind": kind}
        (tmp_path / "other.yaml").write_text(yaml.safe_dump(other | {"metadata": {"name": "named"}}))
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    (tmp_path / "graphcron.yaml").write_text(yaml.safe_dump(graphcron_of(path, "named")))

    text = commands.run([made(BIN / "kubectl", "chart-tools"), "kustomize", tmp_path])
    objects = {item["kind"]: item for item in yaml.safe_load_all(text)}
    assert at(objects["GraphCron"], path) == objects[kind]["metadata"]["name"] != "named"
