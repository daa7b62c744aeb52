"""Parts of a pod name other objects, and never hold what is in them."""

from graphcron.operator.pod_parts import env_from, from_annotation, from_config_map, from_key, from_label, from_secret
from graphcron.resource.fields import KeySelector, NameReference

KEY = KeySelector(name="agent", key="api-key")


def test_all_keys_of_an_object_by_its_kind() -> None:
    assert env_from("secretRef", NameReference(name="keys")) == {"secretRef": {"name": "keys"}}
    assert env_from("configMapRef", None) is None


def test_a_variable_from_a_key() -> None:
    assert from_key("TOKEN", KEY) == {
        "name": "TOKEN",
        "valueFrom": {"secretKeyRef": {"name": "agent", "key": "api-key"}},
    }


def test_a_label_is_named_as_the_apiserver_writes_it() -> None:
    """With its apiVersion: a CronJob without it would never be in sync."""
    (source,) = from_label("JOB", "batch.kubernetes.io/job-name")["valueFrom"].values()
    assert source == {"apiVersion": "v1", "fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}


def test_an_annotation_is_named_as_a_label_is() -> None:
    (source,) = from_annotation("TRIGGER", "graphcron.dev/trigger")["valueFrom"].values()
    assert source == {"apiVersion": "v1", "fieldPath": "metadata.annotations['graphcron.dev/trigger']"}


def test_a_volume_has_one_key_as_a_file_and_not_all_of_the_object() -> None:
    items = [{"key": "api-key", "path": "ca.crt"}]
    assert from_secret("ca", KEY, "ca.crt") == {"name": "ca", "secret": {"secretName": "agent", "items": items}}
    assert from_config_map("ca", KEY, "ca.crt") == {"name": "ca", "configMap": {"name": "agent", "items": items}}
