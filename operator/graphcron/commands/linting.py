"""`graphcron lint`: what the operator would say of GraphCrons in files, without a cluster. Pure.

It asks the decision that the operator asks. What only the cluster knows is not judged: Secrets, quotas, guardrails of
the installation, and whether an assistant exists.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import yaml

from graphcron.commands.cluster import Failed
from graphcron.kube.resources import Manifest
from graphcron.operator.cronjob import Installation
from graphcron.operator.observed import Observed
from graphcron.operator.reconcile import decide_in_full
from graphcron.operator.run_pod import RunPods
from graphcron.resource.identity import API_VERSION, KIND
from graphcron.resource.lifetime import ANY_LIFETIME, Lifetime
from graphcron.resource.names import fault_of_name
from graphcron.schedule.counting import per_month, per_month_in_words
from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import oversized_steps

SUFFIXES = (".yaml", ".yml", ".json")
"""Of the files of a directory that are read."""

ERROR = "error"
WARNING = "warning"
NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One mistake, or something that may be one. `where` is the file and the place in it."""

    where: str
    severity: str
    name: str
    reason: str
    message: str

    def to_dict(self) -> dict[str, str]:
        return {
            "where": self.where,
            "severity": self.severity,
            "name": self.name,
            "reason": self.reason,
            "message": self.message,
        }


@dataclass(frozen=True)
class Report:
    """What came of some files: how many GraphCrons they have, and the findings in order. `notes` say how often each one
    fires that does, `firings_per_month` how often all of them do."""

    graphcrons: int
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()
    firings_per_month: float = 0

    @property
    def failed(self) -> bool:
        return any(finding.severity == ERROR for finding in self.findings)


def anywhere(minimum_interval: int, lifetime: Lifetime = ANY_LIFETIME) -> Installation:
    """An installation with an Agent Server that lets every image run. `minimum_interval` is in seconds, 0 for any."""
    pods = RunPods(image="graphcron", server_url="http://agent-server", in_pod_images=("*",))
    return Installation(pods, timedelta(seconds=minimum_interval), lifetime=lifetime)


def texts(names: Sequence[str], stdin: TextIO) -> list[tuple[str, str]]:
    """Name and text of each file; of a directory all YAML and JSON files in it and below. `-` is standard input.
    Raises Failed for a file that cannot be read."""
    try:
        return [found for name in names for found in _texts(name, stdin)]
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"a file cannot be read: {error}") from None


def _texts(name: str, stdin: TextIO) -> Iterator[tuple[str, str]]:
    if name == "-":
        yield "stdin", stdin.read()
        return
    path = Path(name)
    files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES) if path.is_dir() else [path]
    for file in files:
        yield str(file), file.read_text(encoding="utf-8")


def lint(files: Sequence[tuple[str, str]], installation: Installation, now: datetime) -> Report:
    """The findings in files, each with its name and its text; other kinds of objects are passed over."""
    number, firings = 0, 0.0
    findings: list[Finding] = []
    notes: list[Finding] = []
    for name, text in files:
        for line, document in _documents(name, text):
            if isinstance(document, Finding):
                findings.append(document)
            elif document.get("kind") == KIND:
                number += 1
                found = _judged(where := f"{name}:{line}", document, installation, now)
                findings += found
                if all(one.severity != ERROR for one in found) and document["spec"].get("enabled") is not False:
                    often = per_month(read(document["spec"]["schedule"]))
                    firings += often
                    notes.append(_note(where, document, often))
    return Report(number, tuple(findings), tuple(notes), firings)


def _note(where: str, document: Manifest, often: float) -> Finding:
    return Finding(where, NOTE, document["metadata"]["name"], "Forecast", f"{per_month_in_words(often)}.")


def _documents(name: str, text: str) -> Iterator[tuple[int, Manifest | Finding]]:
    """Each object with its line, also those of a List. YAML that cannot be read ends the file."""
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            line = node.start_mark.line + 1 if node else 1
            for document in _items(loader.construct_document(node)):
                if isinstance(document, dict):
                    yield line, document
                elif document is not None:
                    yield line, Finding(f"{name}:{line}", ERROR, "", "InvalidYaml", "this document is no object")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or str(error)
        yield line, Finding(f"{name}:{line}", ERROR, "", "InvalidYaml", f"cannot be read as YAML: {problem}")
    finally:
        loader.dispose()


def _items(document: Any) -> list[Any]:
    if isinstance(document, dict) and str(document.get("kind", "")).endswith("List"):
        items = document.get("items")
        return items if isinstance(items, list) else []
    return [document]


class _Loader(yaml.SafeLoader):
    """Leaves times as they are written, as kubectl does: they are strings in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _judged(where: str, document: Manifest, installation: Installation, now: datetime) -> list[Finding]:
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(name := metadata.get("name"), str):
        return [Finding(where, ERROR, "", "InvalidName", "metadata.name is missing")]

    def finding(severity: str, reason: str, message: str) -> Finding:
        return Finding(where, severity, name, reason, message)

    if fault := fault_of_name(name):
        return [finding(ERROR, "InvalidName", fault)]
    if document.get("apiVersion") != API_VERSION:
        return [finding(ERROR, "InvalidSpec", f"apiVersion must be {API_VERSION}")]
    if unknown := sorted(str(key) for key in document.keys() - {"apiVersion", "kind", "metadata", "spec", "status"}):
        return [finding(ERROR, "InvalidSpec", f"'{unknown[0][:100]}' is not a known field of a GraphCron")]
    # As the apiserver completes a new one. The uid decides only what H is.
    new = {"uid": "", "namespace": "default", "generation": 1}
    observed = Observed({**document, "metadata": metadata | new, "status": {}}, None)
    verdict = decide_in_full(observed, installation, now).verdict
    found = [] if verdict.ready else [finding(ERROR, verdict.reason, verdict.message)]
    spec = document.get("spec")
    if verdict.ready and isinstance(spec, dict):
        found += [finding(WARNING, "LargeStep", sentence) for sentence in oversized_steps(spec["schedule"])]
    return found
