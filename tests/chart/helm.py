"""The chart as helm renders it: what the tests of this folder look at."""

import subprocess
from functools import lru_cache
from typing import Any

import yaml

from cluster.paths import BIN, HERE
from tests.support.made import made

CHART = HERE.root / "charts/graphcron"
URL = "agentServer.url=http://agent.example"
NOTIFIER = ("notifier.enabled=true", "notifier.allowedHosts={hooks.slack.com}")
"""Values with which it is there."""

Manifest = dict[str, Any]


def helm(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([made(BIN / "helm", "chart-tools"), *words], capture_output=True, text=True, check=False)


@lru_cache
def render(*values: str) -> list[Manifest]:
    """All objects of a release called graphcron in the namespace ns; each value is written as for `--set`, or
    `name:=JSON` as for `--set-json`."""
    sets: list[str] = []
    for value in (URL, *values):
        name, colon, document = value.partition(":=")
        sets += ["--set-json", f"{name}={document}"] if colon else ["--set", value]
    done = helm("template", "graphcron", str(CHART), "--namespace", "ns", *sets)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def one(kind: str, name: str, *values: str) -> Manifest:
    (found,) = [item for item in render(*values) if (item["kind"], item["metadata"]["name"]) == (kind, name)]
    return found


def operator_container(*values: str) -> Manifest:
    (found,) = one("Deployment", "graphcron-operator", *values)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def policy(*values: str, scope: str = "namespace") -> list[Manifest]:
    """The ValidatingAdmissionPolicy and its binding; nothing when no value asks for a rule."""
    return [item for item in render(f"scope={scope}", *values) if "Admission" in item["kind"]]


def kinds(*values: str) -> set[str]:
    return {item["kind"] for item in render(*values)}


def rules(role: Manifest) -> set[tuple[str, str]]:
    """(resource with its group, verb)"""
    return {
        (f"{group}/{resource}".lstrip("/"), verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
