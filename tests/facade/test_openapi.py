"""The OpenAPI document: true to the models, and one with the Agent Server's own."""

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from graphcron.facade import openapi
from graphcron.facade.auth.callers import Mode
from graphcron.facade.openapi import Cron, Document
from graphcron.facade.openapi_merge import merged, read_document
from graphcron.facade.schemas import CronCreate, CronField
from graphcron.facade.translation import cron

OURS = openapi.document(Mode.OPEN)
NEEDS_KEY = openapi.document(Mode.API_KEYS)


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = OURS["components"]["schemas"][name]
    return found


def served(document: dict[str, Any]) -> Document:
    """As it is read from the Agent Server's answer."""
    found = read_document(json.dumps({"openapi": "3.1.0"} | document).encode())
    assert found is not None
    return found


class TestDocument:
    def test_says_of_a_body_what_its_model_says(self) -> None:
        create = schema("CronCreate")
        assert create["properties"].keys() == CronCreate.model_fields.keys()
        assert create["required"] == ["assistant_id", "schedule"]
        assert create["additionalProperties"] is False
        assert create["properties"]["end_time"] | {"description": ""} == {
            "type": "string",
            "format": "date-time",
            "description": "",
        }
        assert schema("CronSearch")["properties"]["limit"] == {
            "type": "integer",
            "minimum": 1,
            "maximum": 1000,
            "default": 10,
        }

    def test_null_is_only_where_it_clears(self) -> None:
        assert {"type": "null"} in schema("CronPatch")["properties"]["end_time"]["anyOf"]
        assert "null" not in json.dumps(schema("CronCreate"))

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


class TestMerge:
    def test_crons_are_ours_and_all_else_is_theirs(self) -> None:
        theirs = served(
            {
                "info": {"title": "Agent Server"},
                "paths": {
                    "/threads": {"get": {"operationId": "threads"}},
                    "/runs/crons": {"put": {"operationId": "theirs"}},
                    "/runs/crons/{cron_id}/history": {"get": {"operationId": "theirs"}},
                },
            }
        )
        whole = merged(theirs, OURS)
        assert whole["info"] == {"title": "Agent Server"}
        assert whole["paths"] == {"/threads": {"get": {"operationId": "threads"}}} | OURS["paths"]

    def test_their_name_for_something_else_is_left_to_them(self) -> None:
        """Reached through another schema of theirs; `Config` is used by crons alone, and thus ours."""
        theirs = served(
            {
                "paths": {
                    "/mine": {"get": {"schema": {"$ref": "#/components/schemas/Mine"}}},
                    "/runs/crons": {"post": {"schema": {"$ref": "#/components/schemas/Config"}}},
                },
                "components": {
                    "schemas": {
                        "Mine": {"items": {"$ref": "#/components/schemas/Cron"}},
                        "Cron": {"type": "string"},
                        "Config": {"type": "string"},
                    }
                },
            }
        )
        whole = merged(theirs, OURS)
        schemas = whole["components"]["schemas"]
        assert schemas["Cron"] == {"type": "string"}
        assert schemas["GraphCronCron"] == schema("Cron")
        assert schemas["Config"] == schema("Config")
        answer = whole["paths"]["/runs/crons"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert answer == {"$ref": "#/components/schemas/GraphCronCron"}

    def test_their_servers_would_lead_around_the_facade(self) -> None:
        assert "servers" not in merged(served({"paths": {}, "servers": [{"url": "http://agent"}]}), OURS)

    def test_where_a_key_is_needed_it_is_needed_for_theirs_too(self) -> None:
        theirs = served(
            {
                "paths": {
                    "/a": {"get": {}},
                    "/b": {"get": {"security": [{"bearer": []}]}},
                    "/ok": {"get": {"security": []}},
                },
                "security": [{"bearer": []}, {"cookie": []}],
            }
        )
        whole = merged(theirs, NEEDS_KEY)
        assert whole["security"] == [{"bearer": [], "x-api-key": []}, {"cookie": [], "x-api-key": []}]
        assert whole["paths"]["/b"]["get"]["security"] == [{"bearer": [], "x-api-key": []}]
        assert whole["paths"]["/ok"]["get"]["security"] == [{"x-api-key": []}]
        assert whole["paths"]["/healthz"]["get"]["security"] == []
        assert merged(theirs, OURS)["security"] == theirs["security"]

    def test_tags_of_both_are_there_once(self) -> None:
        whole = merged(served({"paths": {}, "tags": [{"name": "Crons", "x": 1}, {"name": "Runs"}]}), OURS)
        assert [tag["name"] for tag in whole["tags"]] == ["Crons", "Facade", "Runs"]

    @pytest.mark.parametrize(
        "answer", [b"", b"<html>", b"[]", b'{"swagger": "2.0", "paths": {}}', b'{"openapi": "3.1.0", "paths": [1]}']
    )
    def test_an_answer_that_is_no_such_document_is_none(self, answer: bytes) -> None:
        assert read_document(answer) is None
