"""The YAML of the documents is taken by the chart or by an apiserver, and so are the commands that need one for
themselves."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import commands
from cluster.control_plane import ControlPlane, control_plane
from cluster.paths import HERE
from tests.chart.helm import CHART, URL, Manifest, helm
from tests.docs.blocks import Block, all_blocks
from tests.support.chart_apiserver import kubectl
from tests.support.document_reader import reader

ROOT = HERE.root.resolve()
BLOCKS = [block for block in all_blocks(ROOT) if block.is_run]
YAML = [block for block in BLOCKS if block.language == "yaml"]
ALONE = [block for block in BLOCKS if block.marker == "alone"]

NAMED_BY_OTHERS: dict[str, Callable[[Manifest], Manifest]] = {
    "Application": lambda manifest: manifest["spec"]["source"]["helm"]["valuesObject"],
    "HelmRelease": lambda manifest: manifest["spec"]["values"],
    "Kustomization": lambda manifest: {},
}
"""What a GitOps tool's own resource says about the chart's values."""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("apiserver")) as plane:
        plane.install({"metadata": {"name": "team-reports"}}, "/api/v1/namespaces")
        yield plane


@pytest.fixture
def installed(plane: ControlPlane) -> None:
    words = ("graphcron", CHART, "--namespace", "graphcron", "--create-namespace", "--set", URL)
    environment = commands.environment(plane.kubeconfig)
    commands.run([HERE.bin / "helm", "upgrade", "--install", *words], env=environment)


@pytest.mark.parametrize("block", YAML, ids=str)
def test_what_is_shown_in_yaml_is_taken(plane: ControlPlane, installed: None, block: Block, tmp_path: Path) -> None:
    for document in yaml.safe_load_all(block.text):
        if "apiVersion" not in document and document.keys() != {"spec"}:
            taken_by_the_chart(document, tmp_path)
        elif document.get("kind") in NAMED_BY_OTHERS:
            taken_by_the_chart(NAMED_BY_OTHERS[document["kind"]](document), tmp_path)
        else:
            kubectl(plane, "apply", "--dry-run=server", "--validate=strict", stdin=[whole(document)])


def whole(manifest: Manifest) -> Manifest:
    """A GraphCron of which only a part of the spec is shown, with the rest."""
    if "apiVersion" in manifest:
        return manifest
    named = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron", "metadata": {"name": "shown"}}
    return named | {"spec": {"schedule": "0 9 * * *", "assistantId": "agent"} | manifest["spec"]}


def taken_by_the_chart(values: dict[str, Any], folder: Path) -> None:
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    done = helm("template", "graphcron", str(CHART), "--set", URL, "--values", str(folder / "values.yaml"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", ALONE, ids=str)
def test_what_would_disturb_others_is_run_alone(
    plane: ControlPlane, request: pytest.FixtureRequest, block: Block, tmp_path: Path
) -> None:
    if "helm install" not in block.commands:
        request.getfixturevalue("installed")
    path = os.pathsep.join([str(HERE.bin), os.environ["PATH"]])
    with reader(ROOT, tmp_path, commands.environment(plane.kubeconfig) | {"PATH": path}, NOT_YET_INSTALLED) as one:
        one.run(block)


NOT_YET_INSTALLED = """\
helm() { [ "$1" != install ] || command helm uninstall graphcron -n graphcron --ignore-not-found; command helm "$@"; }
"""
