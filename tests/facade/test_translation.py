"""A cron as REST has it and as Kubernetes has it, back and forth, and the searches over them."""

import copy
import json
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.facade import schemas, search, translation
from graphcron.facade.errors import RestError
from graphcron.facade.quota import Quota
from graphcron.facade.schemas import CronCount, CronCreate, CronPatch, CronSearch, ThreadCronCreate, read_json
from graphcron.facade.translation import create, created_at, new_cron_id, patch
from graphcron.firing.formats import is_uuid

NOW = datetime(2026, 11, 22, 19, 25, 15, 114218, tzinfo=UTC)
AGENT = "fe096781-5601-53d2-b2f6-0d3403f7e9ca"
THREAD = "0b3a4f6e-2a9f-4a54-9a52-0f6a3f9d2f11"
ID = new_cron_id(NOW, bytes(range(10)))
MINIMAL = {"assistant_id": "agent", "schedule": "27 15 * * *"}

FULL = MINIMAL | {
    "timezone": "Europe/Berlin",
    "end_time": "2030-01-01T00:00:00+00:00",
    "input": {"messages": [{"role": "user", "content": "grüß Gott"}], "n": None, "big": 2**53 + 1},
    "metadata": {"owner": "ada"},
    "config": {"tags": ["x"], "recursion_limit": 5, "configurable": {"model": "m"}},
    "context": {"k": "v"},
    "webhook": "https://example.com/hook",
    "interrupt_before": ["a"],
    "interrupt_after": "*",
    "on_run_completed": "keep",
    "enabled": True,
    "stream_mode": ["values", "debug"],
    "stream_subgraphs": True,
    "stream_resumable": False,
    "durability": "sync",
    "multitask_strategy": "reject",
    "checkpoint_during": True,
}
"""Everything that one of the SDKs can send and that the spec has a place for."""


def made(given: dict[str, Any], *, thread_id: str | None = None, cron_id: str = ID) -> dict[str, Any]:
    return create(schemas.read(CronCreate, given), cron_id=cron_id, thread_id=thread_id, now=NOW).manifest


def patched(manifest: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return patch(manifest, schemas.read(CronPatch, given), NOW).manifest


def kubectl_made(spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """As somebody's `kubectl apply` leaves it at the apiserver."""
    return {
        "metadata": {
            "name": "nightly",
            "uid": "7d9f0f6e-91a8-4b0e-8a4c-0d8b8b6cf3a2",
            "creationTimestamp": "2026-11-01T08:00:00Z",
        }
        | metadata,
        "spec": {"schedule": "0 3 * * *", "assistantId": "agent"} | spec,
    }


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
        "text", ["", "/runs", "hook", "ftp://x/", "http://", "http://[::1", "https://x/" + "x" * 4096]
    )
    def test_a_webhook_that_no_agent_server_would_call_is_refused(self, text: str) -> None:
        with pytest.raises(RestError, match="webhook must be an absolute http"):
            made(MINIMAL | {"webhook": text})


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
        config = {"tags": ["x"], "recursion_limit": 5, "configurable": {"model": "m", "cron_id": ID}}
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
        auth = {"langgraph_auth_user": 1, "langgraph_auth_user_id": 1, "langgraph_auth_permissions": 1, "cron_id": 1}
        spec = made(
            MINIMAL
            | {
                "metadata": reserved | {"a": 1},
                "context": auth | {"b": 1},
                "config": {"configurable": auth | {"c": 1, "thread_id": 1}, "metadata": reserved | {"d": 1}},
            }
        )["spec"]
        assert spec["metadata"] == {"a": 1}
        assert spec["context"] == {"b": 1}
        assert spec["config"] == {"configurable": {"c": 1, "thread_id": 1}, "metadata": {"d": 1}}

    def test_ids_sort_by_time_and_are_of_version_7(self) -> None:
        later = new_cron_id(datetime(2026, 11, 22, 19, 25, 15, 115000, tzinfo=UTC), b"\0" * 10)
        assert later > ID
        assert ID[14] == "7"
        assert ID[19] in "89ab"
        assert is_uuid(ID)


class TestRefusedBodies:
    @pytest.mark.parametrize(
        ("given", "detail"),
        [
            ({"assistant_id": "agent"}, "'schedule' is a required field"),
            (MINIMAL | {"time_zone": "Asia/Tokyo"}, "'time_zone' is not a known field: did you mean 'timezone'?"),
            (MINIMAL | {"zzz": 1}, "'zzz' is not a known field"),
            (MINIMAL | {"schedule": "banana"}, "Invalid cron schedule: 'banana'. Reason: "),
            (MINIMAL | {"schedule": "* * * * * *"}, "Invalid cron schedule: '* * * * * *'. Reason: "),
            (MINIMAL | {"schedule": "0 0 31 2 *"}, "Invalid cron schedule: '0 0 31 2 *'. Reason: It never fires"),
            (MINIMAL | {"timezone": "Foo/Bar"}, "Invalid timezone: 'Foo/Bar'. Use IANA"),
            (MINIMAL | {"timezone": "Foo/Bar", "schedule": "banana"}, "Invalid timezone: 'Foo/Bar'"),
            (MINIMAL | {"timezone": None}, "timezone must be a string"),
            (MINIMAL | {"enabled": "yes"}, "enabled must be true or false"),
            (MINIMAL | {"enabled": 1}, "enabled must be true or false"),
            (MINIMAL | {"input": 5}, "input must be an object or a list of objects"),
            (MINIMAL | {"input": [1]}, "input must be an object or a list of objects"),
            (MINIMAL | {"input": None}, "input must be an object or a list of objects"),
            (MINIMAL | {"metadata": []}, "metadata must be an object"),
            (MINIMAL | {"config": {"tags": "x"}}, "config.tags must be a list"),
            (MINIMAL | {"config": {"recursion_limit": 1.5}}, "config.recursion_limit must be an integer"),
            (MINIMAL | {"config": {"configurable": []}}, "config.configurable must be an object"),
            (MINIMAL | {"interrupt_before": "x"}, 'interrupt_before must be "*" or a list of node names'),
            (MINIMAL | {"stream_mode": "x"}, "stream_mode must be a stream mode or a list of them: values, "),
            (MINIMAL | {"durability": "x"}, "durability must be 'sync', 'async' or 'exit'"),
            (MINIMAL | {"end_time": "2030-01-01T00:00:00"}, "end_time must be a time with an offset from UTC"),
            (MINIMAL | {"end_time": "garbage"}, "end_time must be a time with an offset from UTC"),
            (MINIMAL | {"end_time": None}, "end_time must be a time with an offset from UTC"),
            (MINIMAL | {"input": {"text": "x" * 300_000}}, "The run request has "),
        ],
    )
    def test_create_says_what_is_wrong(self, given: dict[str, Any], detail: str) -> None:
        with pytest.raises(RestError) as refused:
            made(given)
        assert refused.value.status == 422
        assert refused.value.detail.startswith(detail)

    def test_size_limit_names_the_way_out(self) -> None:
        with pytest.raises(RestError, match="inputFrom"):
            made(MINIMAL | {"input": {"text": "ü" * 130_000}})

    def test_a_secret_in_a_wrong_field_is_not_repeated(self) -> None:
        with pytest.raises(RestError) as refused:
            made(MINIMAL | {"webhook": ["https://user:hunter2@example.com"], "config": "hunter2"})
        assert "hunter2" not in refused.value.detail

    def test_a_thread_cron_has_nothing_to_keep_or_delete(self) -> None:
        with pytest.raises(RestError, match="'on_run_completed' is not a known field"):
            schemas.read(ThreadCronCreate, MINIMAL | {"on_run_completed": "keep"})

    def test_if_not_exists_of_the_javascript_sdk_is_accepted(self) -> None:
        assert "ifNotExists" not in made(MINIMAL | {"if_not_exists": "create"})["spec"]


class TestJson:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (b'{"a": 9007199254740993}', {"a": 9007199254740993}),
            (b'{"a": -9223372036854775808}', {"a": -(2**63)}),
            (b'{"a": 1e300, "b": 0.1}', {"a": 1e300, "b": 0.1}),
            ('{"ü": "\\ud83d\\ude00"}'.encode(), {"ü": "😀"}),
            (b"[" * 250 + b"]" * 250, None),
        ],
    )
    def test_is_kept_as_it_came(self, text: bytes, value: object) -> None:
        read = read_json(text)
        assert value is None or read == value

    @pytest.mark.parametrize(
        ("case", "text", "detail"),
        [
            ("nothing", b"", "Invalid JSON in request body"),
            ("no JSON", b"banana", "Invalid JSON in request body"),
            ("cut off", b'{"a": ', "Invalid JSON in request body"),
            ("not UTF-8", b'{"a": "\xff"}', "Invalid JSON in request body"),
            ("NaN", b'{"a": NaN}', "Invalid JSON in request body"),
            ("Infinity", b'{"a": [-Infinity]}', "Invalid JSON in request body"),
            ("a number beyond floats", b'{"a": 1e400}', "Invalid JSON in request body"),
            ("half a surrogate pair", b'{"a": "\\ud800"}', "Invalid JSON in request body"),
            ("half a surrogate pair as key", b'{"\\ud800": 1}', "Invalid JSON in request body"),
            ("digits without end", b"1" * 5000, "Invalid JSON in request body"),
            ("depth without end", b"[" * 500_000, "Invalid JSON in request body"),
            ("too deep", b"[" * 260 + b"]" * 260, "The request body is nested deeper than 250 levels"),
            ("an integer of 65 bits", b'{"input": {"a": [9223372036854775808]}}', "input.a[0]: Kubernetes would round"),
            ("a NUL", b'{"input": {"a": "x\\u0000"}}', "input.a: a NUL character"),
            ("a NUL as key", b'{"x\\u0000": 1}', "A key: a NUL character"),
        ],
    )
    def test_is_refused(self, case: str, text: bytes, detail: str) -> None:
        """What could not be stored, or not without a change."""
        with pytest.raises(RestError) as refused:
            read_json(text)
        assert refused.value.status == 422
        assert refused.value.detail.startswith(detail)


class TestPatch:
    def test_replaces_what_is_given_and_keeps_the_rest(self) -> None:
        before = made(FULL)
        after = patched(before, {"schedule": "0 0 * * *", "input": {"new": 1}, "context": {"other": 1}})
        assert after["spec"] == before["spec"] | {
            "schedule": "0 0 * * *",
            "input": {"new": 1},
            "context": {"other": 1},
        }

    def test_metadata_merges_and_config_does_not(self) -> None:
        after = translation.cron(patched(made(FULL), {"metadata": {"b": 2}, "config": {"tags": ["y"]}}), NOW)
        assert after["metadata"] == {"owner": "ada", "b": 2}
        assert after["payload"]["config"] == {"tags": ["y"], "configurable": {"cron_id": ID}}

    def test_null_clears_the_end_time_and_nothing_else(self) -> None:
        assert "endTime" not in patched(made(FULL), {"end_time": None})["spec"]
        with pytest.raises(RestError, match="input must be"):
            patched(made(FULL), {"input": None})

    def test_marks_the_time_and_keeps_the_version_that_was_read(self) -> None:
        before = kubectl_made({}, resourceVersion="7")
        after = patched(before, {"enabled": False})
        assert after["metadata"]["resourceVersion"] == "7"
        assert translation.cron(after, NOW)["updated_at"] == "2026-11-22T19:25:15.114218+00:00"
        assert translation.cron(after, NOW)["created_at"] == "2026-11-01T08:00:00.000000+00:00"

    def test_enabling_forgets_why_it_was_paused(self) -> None:
        paused = kubectl_made({"enabled": False, "pauseReason": "costs"})
        assert "pauseReason" not in patched(paused, {"enabled": True})["spec"]
        assert patched(paused, {"schedule": "0 0 * * *"})["spec"]["pauseReason"] == "costs"

    def test_does_not_touch_its_argument(self) -> None:
        before = made(FULL)
        copied = copy.deepcopy(before)
        patched(before, {"metadata": {"b": 2}, "enabled": False, "end_time": None})
        assert before == copied

    @pytest.mark.parametrize("field", ["assistant_id", "thread_id", "cron_id"])
    def test_what_a_cron_is_about_cannot_change(self, field: str) -> None:
        with pytest.raises(RestError, match=f"'{field}' is not a known field"):
            patched(made(FULL), {field: "x"})


class TestSearch:
    LATER = "0190a000-0003-7000-8000-000000000000"
    EARLIER = "0190a000-0001-7000-8000-000000000000"
    MIDDLE = "0190a000-0002-7000-8000-000000000000"
    CRONS = (
        made(MINIMAL | {"metadata": {"team": "a", "n": {"x": 1, "y": 2}}, "enabled": False}, cron_id=EARLIER),
        made(MINIMAL | {"schedule": "0 0 * * *", "end_time": "2030-01-01T00:00:00Z"}, cron_id=LATER),
        made(
            {"assistant_id": THREAD, "schedule": "0 1 * * *", "metadata": {"team": "a", "l": [1, 2]}},
            thread_id=THREAD,
            cron_id=MIDDLE,
        ),
    )

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, [LATER, MIDDLE, EARLIER]),
            ({"sort_order": "asc"}, [LATER, MIDDLE, EARLIER]),
            ({"sort_by": "created_at", "sort_order": "asc"}, [EARLIER, MIDDLE, LATER]),
            ({"sort_by": "cron_id"}, [LATER, MIDDLE, EARLIER]),
            ({"sort_by": "thread_id", "sort_order": "asc"}, [MIDDLE, EARLIER, LATER]),
            ({"sort_by": "thread_id", "sort_order": "desc"}, [EARLIER, LATER, MIDDLE]),
            ({"sort_by": "end_time", "sort_order": "asc"}, [LATER, EARLIER, MIDDLE]),
            ({"sort_by": "next_run_date", "sort_order": "asc"}, [LATER, MIDDLE, EARLIER]),
            ({"sort_by": "next_run_date"}, [EARLIER, MIDDLE, LATER]),
            ({"limit": 2}, [LATER, MIDDLE]),
            ({"limit": 2, "offset": 2}, [EARLIER]),
            ({"limit": 2.0, "offset": 9}, []),
            ({"assistant_id": AGENT}, [LATER, EARLIER]),
            ({"assistant_id": AGENT.upper()}, [LATER, EARLIER]),
            ({"assistant_id": ""}, []),
            ({"thread_id": THREAD}, [MIDDLE]),
            ({"enabled": True}, [LATER, MIDDLE]),
            ({"enabled": False}, [EARLIER]),
            ({"metadata": {"team": "a"}}, [MIDDLE, EARLIER]),
            ({"metadata": {"n": {"y": 2.0}}}, [EARLIER]),
            ({"metadata": {"l": [1, 2]}}, [MIDDLE]),
            ({"metadata": {"l": [2, 1]}}, []),
            ({"metadata": {"l": [1]}}, []),
            ({"metadata": {"gone": None}}, []),
        ],
        ids=str,
    )
    def test_finds_in_order(self, query: dict[str, Any], found: list[str]) -> None:
        page = search.page(self.CRONS, schemas.read(CronSearch, query), NOW)
        assert [cron["cron_id"] for cron in page.crons] == found

    @pytest.mark.parametrize(
        ("query", "total", "following"),
        [
            ({"limit": 2}, 3, 2),
            ({"limit": 1}, 2, 1),
            ({"limit": 1, "offset": 2}, 3, None),
            ({"limit": 3}, 3, None),
            ({"offset": 1000}, 1000, None),
        ],
        ids=str,
    )
    def test_pages_are_counted_as_langgraph_counts_them(
        self, query: dict[str, Any], total: int, following: int | None
    ) -> None:
        page = search.page(self.CRONS, CronSearch(**query), NOW)
        assert (page.total, page.following) == (total, following)

    def test_select_shows_only_that_in_the_usual_order(self) -> None:
        page = search.page(self.CRONS, schemas.read(CronSearch, {"select": ["enabled", "cron_id"], "limit": 1}), NOW)
        assert json.dumps(page.crons) == json.dumps([{"cron_id": self.LATER, "enabled": True}])

    @pytest.mark.parametrize(
        ("query", "detail"),
        [
            ({"limit": 0}, "limit must be greater than or equal to 1"),
            ({"limit": 1001}, "limit must be less than or equal to 1000"),
            ({"limit": True}, "limit must be an integer"),
            ({"offset": -1}, "offset must be greater than or equal to 0"),
            ({"sort_by": "x"}, "sort_by must be 'cron_id', "),
            ({"select": ["x"]}, "select.0 must be 'cron_id', "),
            ({"assistant_id": "agent"}, "Invalid assistant ID: must be a UUID"),
            ({"thread_id": "x"}, "Invalid thread ID: must be a UUID"),
            ({"assistantId": AGENT}, "'assistantId' is not a known field: did you mean 'assistant_id'?"),
        ],
        ids=str,
    )
    def test_refuses(self, query: dict[str, Any], detail: str) -> None:
        """A misspelt filter would find everything, and what finds may delete."""
        with pytest.raises(RestError) as refused:
            search.page(self.CRONS, schemas.read(CronSearch, query), NOW)
        assert refused.value.status == 422
        assert refused.value.detail.startswith(detail)

    def test_equal_moments_keep_their_order(self) -> None:
        crons = [made(MINIMAL, cron_id=name) for name in (self.LATER, self.EARLIER, self.MIDDLE)]
        page = search.page(crons, CronSearch(sort_by="end_time"), NOW)
        assert [cron["cron_id"] for cron in page.crons] == [self.EARLIER, self.MIDDLE, self.LATER]


def test_an_update_leaves_what_was_read_alone_and_sends_no_record_of_managers() -> None:
    """The record may have been cut when it was read (jsontext.py), and the apiserver keeps its own."""
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep}
    read = kubectl_made({"schedule": "0 0 1 1 *", "assistantId": "agent", "input": deep, "metadata": {"a": 1}})
    read["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    before = json.dumps(read)
    with pytest.raises(RestError, match=r"^spec\.input: nested deeper than 250 levels$"):
        patched(read, {"enabled": False})
    changed = patched(read, {"input": {}, "metadata": {"b": 2}})
    assert changed["spec"]["metadata"] == {"a": 1, "b": 2}
    assert "managedFields" not in changed["metadata"]
    assert json.dumps(read) == before


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
        assert len(search.page([odd, plain], query, NOW).crons) == 2
    with suppress(RestError):  # of one that stalls; no other error
        Quota(interval=60).check_schedule(patch(odd, CronPatch(enabled=True), NOW), NOW)


def test_a_name_that_tells_of_a_year_beyond_all_is_a_name() -> None:
    named = kubectl_made({}, name="ffffffff-ffff-7fff-8fff-ffffffffffff")
    assert created_at(named) == "2026-11-01T08:00:00.000000+00:00"


def test_a_thread_is_found_however_it_was_spelt() -> None:
    cron = kubectl_made({"threadId": THREAD.upper()})
    assert search.matching([cron], CronCount(thread_id=THREAD)) == [cron]


def test_one_without_a_thread_is_on_no_thread() -> None:
    assert search.matching([kubectl_made({})], CronCount(thread_id="")) == []


def test_a_body_takes_memory_by_its_size_and_not_by_its_squared() -> None:
    text = json.dumps({"metadata": {"k" * 10_000: [0] * 10_000}}).encode()
    tracemalloc.start()
    try:
        read_json(text)
        assert tracemalloc.get_traced_memory()[1] < 100 * len(text), "or each value would bear its own path"
    finally:
        tracemalloc.stop()


def test_of_many_mistakes_some_are_told() -> None:
    for given in ({"select": [0] * 10_000}, {f"field{number}" * 100: 1 for number in range(1000)}):
        with pytest.raises(RestError) as refused:
            schemas.read(CronSearch, given)
        assert refused.value.detail.endswith(" more")
        assert len(refused.value.detail) < 3000


def test_a_long_schedule_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphcron.facade.translation.read", None)
    with pytest.raises(RestError, match=r"^spec\.schedule: string should have at most 256 characters$"):
        made(MINIMAL | {"schedule": "0 0 1 1 " + "1," * 200_000})
