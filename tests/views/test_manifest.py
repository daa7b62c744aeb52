"""GraphCrons as YAML for Git."""

import yaml

from graphcron.views.manifest import as_yaml, for_git


def test_what_goes_to_git_has_nothing_that_the_apiserver_sets() -> None:
    live = {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCron",
        "metadata": {
            "name": "a",
            "namespace": "team",
            "uid": "u",
            "resourceVersion": "7",
            "generation": 2,
            "creationTimestamp": "2030-01-01T00:00:00Z",
            "managedFields": [{}],
            "labels": {"team": "a"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "kept"},
        },
        "spec": {"schedule": "0 9 * * *"},
        "status": {"active": 1},
    }
    assert for_git(live) == {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCron",
        "metadata": {"name": "a", "namespace": "team", "labels": {"team": "a"}, "annotations": {"note": "kept"}},
        "spec": {"schedule": "0 9 * * *"},
    }


def test_a_request_to_run_does_not_come_along() -> None:
    asked = {"graphcron.dev/run-requested": "1", "graphcron.dev/resume-requested": "1"}
    assert "annotations" not in for_git({"metadata": {"name": "a", "annotations": asked}, "spec": {}})["metadata"]


def test_yaml_is_read_as_what_was_written() -> None:
    value = {"schedule": "0 9 * * *", "input": {"text": "yes", "no": "1e3", "long": "ä " * 200}}
    assert yaml.safe_load(as_yaml(value)) == value
    assert list(yaml.safe_load(as_yaml(value))) == ["schedule", "input"]
