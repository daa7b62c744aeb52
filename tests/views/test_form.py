"""The form of one GraphCron: what it shows, reads and changes."""

import copy
from typing import Any

import pytest

from graphcron.kube.json_patch import apply
from graphcron.resource.spec import GraphCronSpec
from graphcron.views.form import FIELDS, Kind, edits, filled, shown, zones

KNOWN: dict[str, Any] = {
    "apiVersion": "graphcron.dev/v1",
    "kind": "GraphCron",
    "metadata": {"name": "report", "namespace": "team", "uid": "u", "annotations": {"team": "data"}},
    "spec": {
        "schedule": "0 9 * * *",
        "timezone": "Europe/Berlin",
        "assistantId": "agent",
        "input": {"big": 9007199254740993, "nothing": None, "one": 1.0},
        "startTime": "2026-11-27T08:00:30Z",
        "retryLimit": 2,
        "template": {"nodeSelector": {"disk": "ssd"}},
    },
}
NEW = {"name": "report", "namespace": "team", "schedule": "0 9 * * *", "assistantId": "agent"}


def changed(**values: str) -> tuple[dict[str, Any], dict[str, str]]:
    found = filled(shown(KNOWN) | values, KNOWN)
    return found.manifest["spec"], dict(found.errors)


def test_each_field_of_the_form_is_one_of_the_spec_with_its_description() -> None:
    known = {field.alias for field in GraphCronSpec.model_fields.values()}
    for field in FIELDS:
        assert field.name in known
        assert field.help
        assert bool(field.kind is not Kind.CHOICE or field.choices)


def test_a_new_graphcron_has_what_was_written_and_nothing_else() -> None:
    found = filled(NEW | {"input": '{"q": [1]}', "retryLimit": "0", "timezone": "", "displayName": " The  one "}, None)
    assert found.errors == {}
    assert found.manifest == {
        "apiVersion": "graphcron.dev/v1",
        "kind": "GraphCron",
        "metadata": {
            "name": "report",
            "namespace": "team",
            "annotations": {"graphcron.dev/display-name": "The one"},
        },
        "spec": {"schedule": "0 9 * * *", "assistantId": "agent", "input": {"q": [1]}, "retryLimit": 0},
    }


def test_what_was_not_changed_stays_to_the_byte() -> None:
    spec, errors = changed()
    assert (spec, errors) == (KNOWN["spec"], {})
    assert edits(KNOWN, filled(shown(KNOWN), KNOWN).manifest) == []


def test_what_browsers_make_of_line_ends_is_no_change() -> None:
    texts = {name: text.replace("\n", "\r\n") for name, text in shown(KNOWN).items()}
    assert filled(texts, KNOWN).manifest == KNOWN


def test_the_known_object_is_left_alone() -> None:
    before = copy.deepcopy(KNOWN)
    changed(input="{}", schedule="1 1 * * *", displayName="other")
    assert before == KNOWN


def test_a_time_is_one_of_the_schedules_zone() -> None:
    assert shown(KNOWN)["startTime"] == "2026-11-27T09:00"
    spec, _ = changed(startTime="2026-12-01T09:00", endTime="2027-06-01T09:00")
    assert (spec["startTime"], spec["endTime"]) == ("2026-12-01T08:00:00Z", "2027-06-01T07:00:00Z")


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ("schedule", "61 * * * *", "'61' is no valid minute: it goes from 0 to 59."),
        ("schedule", "", "required"),
        ("timezone", "Mars/Base", "Invalid timezone: 'Mars/Base'."),
        ("assistantId", " ", "required"),
        ("input", '{"a": }', "line 1, column 7: expecting value"),
        ("metadata", "[1]", "input should be a valid dictionary"),
        ("config", '{"configurable": 5}', "config.configurable must be an object"),
        ("retryLimit", "many", "must be a whole number"),
        ("retryLimit", "101", "less than or equal to 100"),
        ("retryLimit", "9" * 5000, "must be a whole number"),
        ("concurrencyPolicy", "Sometimes", "input should be 'Allow', 'Forbid' or 'Replace'"),
        ("threadId", "thread", "should match pattern"),
        ("webhook", "ftp://x", "http"),
        ("endTime", "soon", "must be a date and a time"),
        ("endTime", "2020-01-01T00:00", "startTime must be before endTime"),
    ],
)
def test_a_mistake_is_told_beside_its_field(field: str, text: str, sentence: str) -> None:
    _, errors = changed(**{field: text})
    place = field if field in errors else ""
    assert sentence in errors[place]
    assert set(errors) == {place}


def test_what_concerns_fields_that_the_form_lacks_is_told_too() -> None:
    known = copy.deepcopy(KNOWN)
    known["spec"]["template"] = {"nodeSelector": 5}
    assert "spec.template: nodeSelector: " in filled(shown(known), known).errors[""]


def test_a_new_one_needs_a_good_name_and_a_namespace() -> None:
    found = filled(NEW | {"name": "Bad Name", "namespace": ""}, None)
    assert "must be lower-case letters" in found.errors["name"]
    assert found.errors["namespace"] == "required"
    assert filled(NEW | {"name": ""}, None).errors == {"name": "required"}


def test_edits_change_what_was_changed_with_nulls_and_nothing_else() -> None:
    wanted = filled(
        shown(KNOWN) | {"input": '{"a": null, "flag": true}', "retryLimit": "", "maxFailures": "3", "displayName": "R"},
        KNOWN,
    ).manifest
    after = apply(edits(KNOWN, wanted), KNOWN)
    assert after["spec"] == {
        **{name: value for name, value in KNOWN["spec"].items() if name != "retryLimit"},
        "input": {"a": None, "flag": True},
        "maxFailures": 3,
    }
    assert after["metadata"]["annotations"] == {"team": "data", "graphcron.dev/display-name": "R"}
    back = apply(edits(after, KNOWN), after)
    assert back == KNOWN


def test_one_and_true_differ() -> None:
    known = copy.deepcopy(KNOWN)
    known["spec"]["input"] = {"flag": 1}
    wanted = filled(shown(known) | {"input": '{"flag": true}'}, known).manifest
    assert apply(edits(known, wanted), known)["spec"]["input"]["flag"] is True


def test_zones_are_those_that_kubernetes_takes() -> None:
    assert {"Etc/UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"} <= set(zones())
    assert not {"localtime", "Local"} & set(zones())
