"""The OpenAPI document: true to the models that read the bodies."""

import json
from datetime import UTC, datetime
from typing import Any, get_args

from graphcron.facade import openapi
from graphcron.facade.auth.callers import Mode
from graphcron.facade.metadata_keys import FIELDS
from graphcron.facade.openapi import Cron
from graphcron.facade.schemas import CronCreate, CronField
from graphcron.facade.translation import cron

OURS = openapi.document(Mode.OPEN)
NEEDS_KEY = openapi.document(Mode.API_KEYS)


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = OURS["components"]["schemas"][name]
    return found


class TestDocument:
    def test_says_of_a_body_what_its_model_says(self) -> None:
        create = schema("CronCreate")
        assert create["properties"].keys() == CronCreate.model_fields.keys()
        assert create["required"] == ["assistant_id", "schedule"]
        assert "passed on unchanged" in create["additionalProperties"]["description"]
        assert create["properties"]["end_time"] | {"description": ""} == {
            "type": "string",
            "format": "date-time",
            "maxLength": 64,
            "description": "",
        }
        assert schema("CronSearch")["properties"]["limit"] == {
            "type": "integer",
            "minimum": 1,
            "maximum": 1000,
            "default": 10,
        }

    def test_lists_the_metadata_keys_that_set_fields_of_the_graphcron(self) -> None:
        for model in ("CronCreate", "ThreadCronCreate", "CronPatch"):
            described = schema(model)["properties"]["metadata"]
            assert described["properties"].keys() == FIELDS.keys()
            limits = described["properties"]["graphcron.dev/retryLimit"]["anyOf"]
            assert limits == [{"type": "integer", "minimum": 0, "maximum": 100}, {"type": "null"}]

    def test_null_is_only_where_it_clears(self) -> None:
        assert {"type": "null"} in schema("CronPatch")["properties"]["end_time"]["anyOf"]
        create = schema("CronCreate")["properties"]
        assert "null" not in json.dumps({name: create[name] for name in create if name != "metadata"})

    def test_fields_mean_what_they_mean_in_the_spec(self) -> None:
        assert schema("CronCreate")["properties"]["enabled"]["description"] == (
            "Whether the schedule fires. Default: true."
        )
        assert schema("CronPatch")["properties"]["enabled"]["description"] == "Whether the schedule fires."

    def test_a_cron_has_the_fields_that_are_answered_and_that_select_knows(self) -> None:
        manifest = {
            "metadata": {"name": "x", "uid": "00000000-0000-4000-8000-000000000000"}
            | {"creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"assistantId": "agent", "schedule": "* * * * *"},
        }
        answered = cron(manifest, datetime(2026, 1, 1, tzinfo=UTC))
        assert set(schema("Cron")["required"]) == answered.keys() == set(get_args(CronField))
        Cron.model_validate(answered)

    def test_holds_nothing_of_kubernetes_and_no_reference_that_leads_nowhere(self) -> None:
        text = json.dumps(NEEDS_KEY)
        assert "x-kubernetes" not in text
        for part in text.split('"$ref": "#/components/schemas/')[1:]:
            assert part.partition('"')[0] in NEEDS_KEY["components"]["schemas"]

    def test_says_that_a_key_is_needed_only_where_it_is(self) -> None:
        assert "security" not in OURS
        assert NEEDS_KEY["security"] == [{"x-api-key": []}]
        assert NEEDS_KEY["components"]["securitySchemes"]["x-api-key"]["in"] == "header"
        assert [path for path, item in NEEDS_KEY["paths"].items() if "security" in item.get("get", {})] == [
            "/healthz",
            "/readyz",
        ]
