"""Parts of a pod spec that refer to other objects. Pure."""

from graphcron.kube.resources import Manifest
from graphcron.resource.fields import KeySelector, NameReference


def env_from(kind: str, source: NameReference | None) -> Manifest | None:
    """All keys of a Secret or ConfigMap as variables."""
    return {kind: {"name": source.name}} if source else None


def from_label(name: str, label: str) -> Manifest:
    """A variable with a label of the pod."""
    return {"name": name, "valueFrom": {"fieldRef": _field(f"metadata.labels['{label}']")}}


def from_annotation(name: str, annotation: str) -> Manifest:
    """A variable with an annotation of the pod; empty without it."""
    return {"name": name, "valueFrom": {"fieldRef": annotation_field(annotation)}}


def annotation_field(annotation: str) -> Manifest:
    """An annotation of the pod, as the downward API refers to it."""
    return _field(f"metadata.annotations['{annotation}']")


def _field(path: str) -> Manifest:
    return {"apiVersion": "v1", "fieldPath": path}


def from_key(name: str, key: KeySelector) -> Manifest:
    """A variable with the value of a key of a Secret."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": key.name, "key": key.key}}}


def from_secret(name: str, source: KeySelector, file: str) -> Manifest:
    """A volume with one key of a Secret, as a file."""
    items = [{"key": source.key, "path": file}]
    return {"name": name, "secret": {"secretName": source.name, "items": items}}


def from_config_map(name: str, source: KeySelector, file: str) -> Manifest:
    """A volume with one key of a ConfigMap, as a file."""
    items = [{"key": source.key, "path": file}]
    return {"name": name, "configMap": {"name": source.name, "items": items}}
