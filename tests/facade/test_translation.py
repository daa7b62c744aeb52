"""The translation between a cron of REST and a GraphCron, both ways."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.facade import schemas, translation
from graphcron.facade.errors import RestError
from graphcron.facade.quota import Quota
from graphcron.facade.schemas import CronPatch, CronSearch
from graphcron.facade.store.snapshot import kept
from graphcron.facade.translation import created_at, new_cron_id
from graphcron.facade.update import update
from graphcron.firing.formats import is_uuid
from graphcron.resource.urls import WEBHOOK
from tests.support.rest_crons import AGENT, FULL, ID, MINIMAL, NOW, THREAD, kubectl_made, made, page_of, patched


class TestWebhook:
    def test_its_credentials_are_kept_and_not_shown(self) -> None:
        manifest = made(MINIMAL | {"webhook": "https://ada:hunter2@example.com/?token=hunter2"})
        assert manifest["spec"]["webhook"] == "https://ada:hunter2@example.com/?token=hunter2"
        assert translation.cron(manifest, NOW)["payload"]["webhook"] == "https://***@example.com/?token=***"

    def test_what_was_shown_cannot_be_sent_back_over_them(self) -> None:
        manifest = made(MINIMAL | {"webhook": "https://ada:hunter2@example.com/"})
        with pytest.raises(RestError, match=r"webhook holds \*\*\*") as refused:
            patched(manifest, {"webhook": translation.cron(manifest, NOW)["payload"]["webhook"]})
        assert refused.value.status == 422
        assert patched(manifest, {"enabled": False})["spec"]["webhook"] == "https://ada:hunter2@example.com/"

    @pytest.mark.parametrize(
        "text",
        [
            "", "/runs", "hook", "ftp://x/", "http://", "http://[::1", "https://x/" + "x" * 4096,
            "https://x:99999", "https://x:abc", "https://x:0", "https://ada:1@x:65536/hook", "https://x:1:2",
        ],
    )  # fmt: skip
    def test_a_webhook_that_no_agent_server_would_call_is_refused(self, text: str) -> None:
        with pytest.raises(RestError) as refused:
            made(MINIMAL | {"webhook": text})
        assert refused.value.detail == f"webhook {WEBHOOK}"


class TestCron:
    def test_answer_has_the_fields_of_langgraph_in_its_order(self) -> None:
        """Seen at its own server for the same request."""
        assert json.dumps(translation.cron(made(MINIMAL | {"input": {"a": 1}}), NOW)) == json.dumps(
            {
                "cron_id": ID,
                "assistant_id": AGENT,
                "thread_id": None,
                "user_id": "",
                "end_time": None,
                "schedule": "27 15 * * *",
                "timezone": None,
                "payload": {
                    "assistant_id": AGENT,
                    "schedule": "27 15 * * *",
                    "input": {"a": 1},
                    "config": {"configurable": {"cron_id": ID}},
                },
                "next_run_date": "2026-11-23T15:27:00+00:00",
                "metadata": {},
                "on_run_completed": "delete",
                "enabled": True,
                "created_at": "2026-11-22T19:25:15.114000+00:00",
                "updated_at": "2026-11-22T19:25:15.114000+00:00",
            }
        )

    def test_nothing_is_lost_on_the_way_to_kubernetes_and_back(self) -> None:
        payload = translation.cron(made(FULL), NOW)["payload"]
        config = {"tags": ["x"], "recursion_limit": 5, "configurable": {"cron_id": ID}}
        assert payload == FULL | {"assistant_id": AGENT, "config": config}

    def test_assistant_stays_as_it_was_written(self) -> None:
        """A name means the assistant of that graph whenever a run starts, not the one of today."""
        assert made(MINIMAL)["spec"]["assistantId"] == "agent"

    @pytest.mark.parametrize(
        ("case", "manifest", "expected"),
        [
            ("on a thread, it has no on_run_completed", made(MINIMAL, thread_id=THREAD), {"on_run_completed": None}),
            ("on a thread, it names it", made(MINIMAL, thread_id=THREAD), {"thread_id": THREAD}),
            ("disabled, it has no next run", made(MINIMAL | {"enabled": False}), {"next_run_date": None}),
            (
                "with the end before the next firing, it has no next run",
                made(MINIMAL | {"end_time": "2026-11-23T15:27:00Z"}),
                {"next_run_date": None, "end_time": "2026-11-23T15:27:00+00:00"},
            ),
            (
                "with the end after the next firing, it has one",
                made(MINIMAL | {"end_time": "2026-11-23T15:28:00Z"}),
                {"next_run_date": "2026-11-23T15:27:00+00:00"},
            ),
            (
                "the zone moves the next run",
                made(MINIMAL | {"timezone": "Europe/Berlin"}),
                {"next_run_date": "2026-11-23T14:27:00+00:00"},
            ),
            (
                "made with kubectl, its id is its uid and its age Kubernetes' own",
                kubectl_made({}),
                {
                    "cron_id": "7d9f0f6e-91a8-4b0e-8a4c-0d8b8b6cf3a2",
                    "created_at": "2026-11-01T08:00:00.000000+00:00",
                    "updated_at": "2026-11-01T08:00:00.000000+00:00",
                },
            ),
            (
                "made with kubectl and a schedule that never was one, it is still shown",
                kubectl_made({"schedule": "banana"}),
                {"schedule": "banana", "next_run_date": None},
            ),
            (
                "named by a UUID of another version, its age is Kubernetes' own",
                kubectl_made({}, name=THREAD),
                {"cron_id": THREAD, "created_at": "2026-11-01T08:00:00.000000+00:00"},
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_answer(self, case: str, manifest: dict[str, Any], expected: dict[str, Any]) -> None:
        cron = translation.cron(manifest, NOW)
        assert {key: cron[key] for key in expected} == expected

    def test_keys_that_the_agent_server_sets_are_dropped(self) -> None:
        reserved = {"thread_id": 1, "run_id": 1, "assistant_id": 1, "cron_id": 1}
        auth = {"langgraph_auth_user": 1, "langgraph_auth_user_id": 1, "langgraph_auth_permissions": 1} | dict.fromkeys(
            (
                "langgraph_request_id", "__after_seconds__", "__context_provided__", "__dd_trace_headers__",
                "__langsmith_example_id__", "__langsmith_project__", "__otel_traceparent__", "__otel_tracestate__",
                "__pregel_node_finished", "__request_start_time_ms__",
            ),
            1,
        )  # fmt: skip
        configurable = auth | {"c": 1, "thread_id": 1, "cron_id": 1}
        config = {"configurable": configurable, "metadata": reserved | {"d": 1}}
        spec = made(MINIMAL | {"metadata": reserved | {"a": 1}, "config": config})["spec"]
        assert spec["metadata"] == {"a": 1}
        assert spec["config"] == {"configurable": {"c": 1, "thread_id": 1}, "metadata": {"d": 1}}
        # In a context the server sets no cron_id, so it is the client's own.
        assert made(MINIMAL | {"context": auth | {"b": 1, "cron_id": "mine"}})["spec"]["context"] == {
            "b": 1,
            "cron_id": "mine",
        }

    def test_ids_sort_by_time_and_are_of_version_7(self) -> None:
        later = new_cron_id(datetime(2026, 11, 22, 19, 25, 15, 115000, tzinfo=UTC), b"\0" * 10)
        assert later > ID
        assert ID[14] == "7"
        assert ID[19] in "89ab"
        assert is_uuid(ID)


def observed(status: dict[str, Any], *, generation: int = 3, **metadata: Any) -> dict[str, Any]:
    """A GraphCron of generation 3 whose status is about `generation`."""
    given = {"observedGeneration": generation} | status
    return kubectl_made({}, generation=3, **metadata) | {"status": given}


def stalled(reason: str, generation: int = 3) -> dict[str, Any]:
    conditions = [{"type": kind, "observedGeneration": generation, "reason": reason} for kind in ("Ready", "Stalled")]
    return {"conditions": conditions}


RESUME = {"graphcron.dev/resume-requested": "b"}

FIRES = {
    "an operator has never read it": observed({}, generation=-1),
    "it is scheduled": observed({"enabled": True}),
    "it was suspended, and its spec has changed since": observed({"enabled": False}, generation=2),
    "it was stalled, and its spec has changed since": observed(stalled("InvalidSpec", 2), generation=2),
    "maxFailures suspended it, and it is about to resume": observed(
        {"enabled": False, "lastResume": "a"} | stalled("MaxFailuresReached"), annotations=RESUME
    ),
    "its operator fails at what is applied already": observed({"enabled": True} | stalled("ReconcileFailed")),
    "its operator died on it, and its CronJob is there": observed({"enabled": True} | stalled("Quarantined")),
}
FIRES_NOT = {
    "it is stalled": observed(stalled("InPodNotAllowed")),
    "it is stalled, and was resumed before": observed(
        stalled("NoAgentServer") | {"lastResume": "b"}, annotations=RESUME
    ),
    "it is stalled, and resuming it cannot help": observed(stalled("InvalidSpec"), annotations=RESUME),
    "a guard rail suspended it": observed({"enabled": False} | stalled("TemplateNotAllowed")),
    "maxFailures suspended it": observed({"enabled": False} | stalled("MaxFailuresReached")),
    "maxFailures suspended it again": observed({"enabled": False, "lastResume": "b"}, annotations=RESUME),
    "the operator died at its first sight": observed(stalled("Quarantined"), generation=2),
}


class TestNextRunDate:
    @pytest.mark.parametrize("manifest", FIRES.values(), ids=FIRES)
    def test_is_there_when(self, manifest: dict[str, Any]) -> None:
        assert translation.next_run_date(manifest, NOW) == "2026-11-23T03:00:00+00:00"
        assert translation.next_run_date(kept(manifest), NOW) == "2026-11-23T03:00:00+00:00"

    @pytest.mark.parametrize("manifest", FIRES_NOT.values(), ids=FIRES_NOT)
    def test_is_null_when(self, manifest: dict[str, Any]) -> None:
        assert translation.cron(manifest, NOW)["next_run_date"] is None
        assert translation.cron(kept(manifest), NOW)["next_run_date"] is None

    def test_is_what_a_search_sorts_by(self) -> None:
        stalls = observed(stalled("InvalidSpec"), uid="11111111-0000-4000-8000-000000000000")
        for order in ("asc", "desc"):
            query = schemas.read(CronSearch, {"sort_by": "next_run_date", "sort_order": order})
            dates = [cron["next_run_date"] for cron in page_of([stalls, kubectl_made({})], query).crons]
            assert dates == sorted(dates, key=lambda date: date or "z", reverse=order == "desc")


ODD = {
    "a configurable that is none": {"config": {"configurable": None}},
    "a configurable of another kind": {"config": {"configurable": ["x"]}},
    "a start at the end of all time": {"startTime": "9999-12-31T23:59:59Z"},
    "a start at its beginning": {"startTime": "0001-01-01T00:00:00Z"},
    "an end beyond UTC": {"endTime": "9999-12-31T23:59:59-05:00"},
    "an end before it": {"endTime": "0001-01-01T00:00:00+05:00"},
    "an end in small letters": {"endTime": "2030-01-01t00:00:00z"},
    "an end with no such offset": {"endTime": "2030-01-01T00:00:00+99:99"},
    "a minute that is none": {"schedule": "61 * * * *"},
}
"""What an apiserver takes, and the operator stalls."""


@pytest.mark.parametrize("spec", ODD.values(), ids=ODD)
def test_an_odd_graphcron_is_shown_and_keeps_no_other_from_being_shown(spec: dict[str, Any]) -> None:
    odd, plain = kubectl_made(spec), kubectl_made({}, name="plain", uid="11111111-0000-4000-8000-000000000000")
    for by in ("created_at", "end_time", "next_run_date"):
        query = schemas.read(CronSearch, {"sort_by": by, "sort_order": "asc"})
        assert len(page_of([odd, plain], query).crons) == 2
    with suppress(RestError):  # of one that stalls; no other error
        Quota(interval=60).check_schedule(update(odd, CronPatch(enabled=True), NOW).draft, NOW)


def test_a_name_that_tells_of_a_year_beyond_all_is_a_name() -> None:
    named = kubectl_made({}, name="ffffffff-ffff-7fff-8fff-ffffffffffff")
    assert created_at(named) == "2026-11-01T08:00:00.000000+00:00"


def test_a_long_schedule_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphcron.facade.translation.read", None)
    with pytest.raises(RestError, match=r"^spec\.schedule: string should have at most 256 characters$"):
        made(MINIMAL | {"schedule": "0 0 1 1 " + "1," * 200_000})
