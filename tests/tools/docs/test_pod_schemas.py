"""The types of a pod spec for the chart's values: complete, closed, and without what is for a CRD."""

import json
import re
from typing import Any

from tools.docs import pod_schemas

FOUND = pod_schemas.definitions()


def test_every_type_that_is_referred_to_is_there_and_takes_no_other_fields() -> None:
    text = json.dumps(FOUND)
    assert set(re.findall(r"#/\$defs/(\w+)", text)) <= FOUND.keys()
    assert {
        "Resources",
        "Toleration",
        "Affinity",
        "PodSecurityContext",
        "SecurityContext",
        "Capabilities",
    } <= FOUND.keys()
    assert all(schema["additionalProperties"] is False for schema in FOUND.values())
    assert not re.search("x-kubernetes|anyOf|title", text)


def fields(name: str) -> dict[str, Any]:
    found: dict[str, Any] = FOUND[name]["properties"]
    return found


def test_a_type_of_a_template_has_the_values_that_its_model_takes() -> None:
    assert fields("Toleration")["effect"]["enum"] == ["NoSchedule", "PreferNoSchedule", "NoExecute", None]
    quantity = fields("Resources")["limits"]["additionalProperties"]
    assert re.search(quantity["pattern"], "512Mi")
    assert not re.search(quantity["pattern"], "512MB")


def test_any_other_type_is_that_of_kubernetes_where_null_stands_for_nothing() -> None:
    assert fields("PodSecurityContext")["runAsUser"] == {"type": ["integer", "null"]}
    assert fields("SecurityContext")["capabilities"] == {"$ref": "#/$defs/Capabilities"}
    assert fields("Capabilities")["drop"] == {"type": ["array", "null"], "items": {"type": ["string", "null"]}}
