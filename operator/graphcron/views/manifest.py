"""GraphCrons as YAML for Git. Pure."""

from typing import Any

import yaml

from graphcron.kube.resources import LAST_APPLIED, Manifest
from graphcron.resource.identity import API_VERSION, KIND, RESUME_REQUESTED, RUN_REQUESTED

_OURS_TO_SET = ("resourceVersion", "uid", "generation", "creationTimestamp", "managedFields", "selfLink")
_NOT_FOR_GIT = (LAST_APPLIED, RUN_REQUESTED, RESUME_REQUESTED)
"""Annotations: kubectl's own, and requests, which a sync would only repeat."""


def for_git(graphcron: Manifest) -> Manifest:
    """A GraphCron as it stands in Git: without status, and without what the apiserver sets."""
    metadata = {key: value for key, value in graphcron["metadata"].items() if key not in _OURS_TO_SET}
    if annotations := metadata.pop("annotations", None):
        kept = {key: value for key, value in annotations.items() if key not in _NOT_FOR_GIT}
        metadata |= {"annotations": kept} if kept else {}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": graphcron["spec"]}


def as_yaml(value: Any) -> str:
    """One value as a YAML document, in the order of its keys."""
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110))
