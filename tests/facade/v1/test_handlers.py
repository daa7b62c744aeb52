"""The endpoints of `/graphcron/v1`: what a cron does and did, and actions on it, on real sockets."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from langgraph_sdk import get_client

from graphcron.facade.auth.callers import Mode, read_keys
from graphcron.facade.v1 import handlers
from graphcron.facade.v1.described import CronFiring, CronSummary
from graphcron.facade.v1.described_costs import CostReport
from graphcron.facade.v1.links import COSTS
from graphcron.resource.identity import requested_job_name
from graphcron.views.costs import GROUPINGS
from tests.support.facade_server import MINIMAL, Client, made, serving
from tests.support.spending import usage, window
from tests.support.store_with_operator import StoreWithOperator
from tests.support.upstream_fake import UpstreamFake

ADA, BOB = "ada-key-" + "a" * 20, "bob-key-" + "b" * 20
NOBODY = "00000000-0000-4000-8000-000000000000"
V1 = "/graphcron/v1/crons"
ACTIONS = ("run", "pause", "resume")

FIRINGS = [
    {
        "scheduledTime": "2026-11-22T15:27:00Z",
        "outcome": "Failed",
        "reason": "RunError",
        "message": "no",
        "runId": "r2",
    }
    | {"startedAt": "2026-11-22T15:27:01Z", "finishedAt": "2026-11-22T15:27:31Z", "threadId": "t2"},
    {"scheduledTime": "2026-11-21T15:27:00Z", "outcome": "Succeeded", "reason": "RunSucceeded", "trigger": "Manual"},
]


@pytest.fixture
def store() -> StoreWithOperator:
    return StoreWithOperator()


@pytest.fixture
async def cron(client: Client, store: StoreWithOperator) -> str:
    """A cron of which two firings have ended."""
    identity: str = (await made(client, input={"messages": [{"role": "user", "content": "Write the report"}]}))[
        "cron_id"
    ]
    counts = {"succeeded": 3, "failed": 1, "skipped": 0, "missed": 0}
    store.manifests[identity]["status"] |= {"history": FIRINGS, "firings": counts, "consecutiveFailures": 1}
    return identity


def now_spending(*used: Any) -> dict[str, Any]:
    """Windows that have used all that, whenever the test runs: one that begins later is not over."""
    found = window("2099-01-01T00:00:00Z", *used)
    return {"today": found, "week": found, "month": found, "currency": "USD"}


MONEY = {"usage": usage(1000, big=1000), "cost": "0.1", "answer": "It is half past three.", "traceUrl": "https://t/r2"}


async def test_a_cron_says_what_it_used_and_what_it_will_cost(
    client: Client, store: StoreWithOperator, cron: str
) -> None:
    store.manifests[cron]["status"] |= {
        "spending": now_spending(2, 1500, "0.15"), "history": [FIRINGS[0] | MONEY, FIRINGS[1]]
    }  # fmt: skip
    _, found, _ = await client.call("GET", f"{V1}/{cron}")
    used = {"firings": 2, "tokens": 1500, "costs": {"USD": "0.15"}, "incomplete": 0}
    assert (found["spending"]["currency"], found["spending"]["month"]) == ("USD", used)
    expected = found["forecast"]
    assert (expected["tokens_per_month"], expected["based_on"], expected["currency"]) == (30438, 1, "USD")
    first, second = (await client.call("GET", f"{V1}/{cron}/firings"))[1]["firings"]
    assert first["usage"]["total_tokens"] == first["usage"]["models"]["big"]["input_tokens"] == 1000
    assert [first[name] for name in ("cost", "answer", "trace_url")] == [
        "0.1",
        "It is half past three.",
        "https://t/r2",
    ]
    assert [second[name] for name in ("usage", "cost", "answer", "trace_url")] == [None] * 4
    CronSummary.model_validate(found)
    CronFiring.model_validate(first)


async def test_who_writes_a_cron_is_told_what_it_will_cost(client: Client, store: StoreWithOperator, cron: str) -> None:
    _, _, headers = await client.call("POST", "/runs/crons", {"assistant_id": "agent", "schedule": "0 * * * *"})
    assert headers["X-GraphCron-Forecast"] == (
        "About 730 firings a month. What they will cost is unknown until a firing has ended whose usage is known."
    )
    store.manifests[cron]["status"] |= {
        "spending": now_spending(2, 1500, "0.15") | {"currency": "€\r\nX: y"}, "history": [FIRINGS[0] | MONEY]
    }  # fmt: skip
    _, _, headers = await client.call("PATCH", f"/runs/crons/{cron}", {"schedule": "0 9 1 * *"})
    assert headers["X-GraphCron-Forecast"] == (
        "About 1 firing a month. They will use about 1,000 tokens and cost about 0.10 ???X: y, by one firing."
    )


@pytest.mark.parametrize("query", ["by=colour", "limit=0", "limit=101", "of=all", "by=cron&by=day"])
async def test_a_wrong_question_about_costs_is_refused(client: Client, query: str) -> None:
    status, found, _ = await client.call("GET", f"{COSTS}?{query}")
    assert (status, list(found)) == (422, ["detail"])


async def test_costs_are_only_read(client: Client) -> None:
    assert (await client.call("POST", COSTS, {}))[0] == 405


async def test_a_cron_is_told_of_in_words_and_its_firings_each(client: Client, cron: str) -> None:
    status, found, _ = await client.call("GET", f"{V1}/{cron}")
    assert status == 200
    assert (found["name"], found["phase"], found["message"]) == ("Write the report", "Scheduled", "It is scheduled.")
    assert (found["schedule_in_words"], found["timezone"]) == ("At 15:27", "Etc/UTC")
    assert (found["success_rate"], found["consecutive_failures"]) == (0.75, 1)
    assert found["last_firing"]["outcome"] == "Failed"
    assert found["last_outcomes"] == ["Failed", "Succeeded"]

    _, answer, _ = await client.call("GET", f"{V1}/{cron}/firings")
    first, second = answer["firings"]
    assert (first["run_id"], first["thread_id"], first["duration_seconds"]) == ("r2", "t2", 30)
    assert (first["trigger"], second["trigger"]) == ("Schedule", "Manual")
    assert first["advice"], "what to do"
    for query, outcomes in (
        ("limit=1", ["Failed"]),
        ("before=2026-11-22T15:27:00Z", ["Succeeded"]),
        ("before=2026-11-22T15:27:01%2B00:00&limit=1", ["Failed"]),
        ("before=2020-01-01T00:00:00Z", []),
    ):
        _, answer, _ = await client.call("GET", f"{V1}/{cron}/firings?{query}")
        assert [entry["outcome"] for entry in answer["firings"]] == outcomes, query


async def test_each_answer_of_langgraphs_endpoints_links_to_it(client: Client, cron: str) -> None:
    for method, path, body in (
        ("GET", f"/runs/crons/{cron}", None),
        ("PATCH", f"/runs/crons/{cron}", {"metadata": {"a": 1}}),
        ("POST", "/runs/crons", {"assistant_id": "agent", "schedule": "* * * * *"}),
    ):
        _, answer, headers = await client.call(method, path, body, headers={"Origin": "https://page.example"})
        assert headers["Link"] == f'<{V1}/{answer["cron_id"]}>; rel="status"'
        assert {"link", "warning"} < set(headers["Access-Control-Expose-Headers"].split(", "))
        assert (await client.call("GET", headers["Link"].partition(">")[0][1:]))[0] == 200


async def test_the_sdk_reads_it(client: Client, cron: str) -> None:
    sdk = get_client(url=client.url, api_key=None)
    assert (await sdk.http.get(f"{V1}/{cron}"))["cron_id"] == cron
    assert (await sdk.http.post(f"{V1}/{cron}/pause", json={"reason": "costs"}))["pause_reason"] == "costs"
    await sdk.aclose()


async def test_pause_and_resume(client: Client, store: StoreWithOperator, cron: str) -> None:
    status, answer, _ = await client.call("POST", f"{V1}/{cron}/pause")
    assert (status, answer["enabled"], answer["pause_reason"]) == (200, False, None)
    headers = {"X-GraphCron-Actor": "Grace H."}
    _, answer, _ = await client.call("POST", f"{V1}/{cron}/pause", {"reason": "too dear"}, headers=headers)
    assert answer["pause_reason"] == "too dear (by Grace H.)"
    assert (await client.call("GET", f"/runs/crons/{cron}"))[1]["enabled"] is False
    _, answer, _ = await client.call("GET", f"{V1}/{cron}")
    assert (answer["phase"], answer["next_run_times"]) == ("Paused", [])

    _, answer, _ = await client.call("POST", f"{V1}/{cron}/resume")
    assert (answer["enabled"], answer["pause_reason"]) == (True, None)
    assert "pauseReason" not in store.manifests[cron]["spec"]


async def test_one_that_max_failures_has_suspended_is_resumed_again_and_again(
    client: Client, store: StoreWithOperator, cron: str
) -> None:
    tokens, spec = set(), dict(store.manifests[cron]["spec"])
    for _ in range(2):
        assert (await client.call("POST", f"{V1}/{cron}/resume"))[0] == 200
        tokens.add(store.manifests[cron]["metadata"]["annotations"]["graphcron.dev/resume-requested"])
    assert len(tokens) == 2
    assert store.manifests[cron]["spec"] == spec, "what Git may own is not touched"


async def test_a_schedule_that_may_not_be_is_not_resumed(store: StoreWithOperator) -> None:
    async with serving(store, None, minimum_interval=3600) as url, aiohttp.ClientSession() as session:
        client = Client(url, session)
        cron = (await made(client))["cron_id"]
        await client.call("POST", f"{V1}/{cron}/pause")
        store.manifests[cron]["spec"]["schedule"] = "* * * * *"
        status, answer, _ = await client.call("POST", f"{V1}/{cron}/resume")
    assert (status, store.manifests[cron]["spec"]["enabled"]) == (422, False)
    assert "3600" in answer["detail"] or "hour" in answer["detail"]


class TestRun:
    async def test_is_carried_out_once_for_each_key(self, client: Client, store: StoreWithOperator, cron: str) -> None:
        tokens = []
        for key in ("a", "a", "b", "a"):
            status, answer, headers = await client.call("POST", f"{V1}/{cron}/run", headers={"Idempotency-Key": key})
            assert (status, headers["Location"]) == (202, f"{V1}/{cron}")
            tokens.append(answer["token"])
            history = [
                {"jobName": requested_job_name(store.manifests[cron]["metadata"], token), **FIRINGS[1]}
                for token in store.jobs
            ]
            store.manifests[cron]["status"]["history"] = history
        assert tokens[0] == tokens[1] == tokens[3] != tokens[2]
        assert store.jobs == [tokens[0], tokens[2]], "the key of an older request is known by its firing"

    async def test_without_a_key_each_request_is_a_new_one(
        self, client: Client, store: StoreWithOperator, cron: str
    ) -> None:
        answers = [await client.call("POST", f"{V1}/{cron}/run") for _ in range(3)]
        assert {status for status, _, _ in answers} == {202}
        assert store.jobs == [answer["token"] for _, answer, _ in answers]
        assert (await client.call("GET", f"{V1}/{cron}"))[1]["last_request"] == {
            "token": store.jobs[-1], "outcome": "Started", "job_name": "job-3", "reason": None, "message": "",
            "advice": "",
        }  # fmt: skip

    async def test_a_hundred_at_once_are_all_carried_out(
        self, client: Client, store: StoreWithOperator, cron: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One annotation holds one token: none may take the place of one that the operator has not read."""
        monkeypatch.setattr(handlers, "PATIENCE_SECONDS", 60)
        monkeypatch.setattr(handlers, "POLL_SECONDS", 0.001)
        store.works = False

        async def operator() -> None:
            """Is slower than those who ask."""
            while True:
                await asyncio.sleep(0.002)
                store.reconcile()

        working = asyncio.create_task(operator())
        answers = await asyncio.gather(*(client.call("POST", f"{V1}/{cron}/run") for _ in range(100)))
        working.cancel()
        store.reconcile()
        assert [status for status, _, _ in answers] == [202] * 100
        assert sorted(store.jobs) == sorted({answer["token"] for _, answer, _ in answers})

    async def test_while_no_operator_works_the_first_waits_in_the_annotation_and_the_others_are_refused(
        self, client: Client, store: StoreWithOperator, cron: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(handlers, "PATIENCE_SECONDS", 0.1)
        store.works = False
        _, first, _ = await client.call("POST", f"{V1}/{cron}/run")
        assert first["outcome"] == "Pending"
        refused = await asyncio.gather(*(client.call("POST", f"{V1}/{cron}/run") for _ in range(5)))
        for status, answer, headers in refused:
            assert (status, headers["Retry-After"]) == (409, "5")
            assert "Nothing was requested" in answer["detail"]
        assert (await client.call("GET", f"{V1}/{cron}"))[1]["last_request"] == first
        store.reconcile()
        assert store.jobs == [first["token"]]

    async def test_one_that_no_operator_has_read_is_not_requested(
        self, client: Client, store: StoreWithOperator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The operator would take the request for a copy's, and refuse it."""
        monkeypatch.setattr(handlers, "PATIENCE_SECONDS", 0.1)
        store.works = False
        cron = (await made(client))["cron_id"]
        status, answer, _ = await client.call("POST", f"{V1}/{cron}/run")
        assert (status, "no operator has read" in answer["detail"]) == (409, True)


class TestOwners:
    @pytest.fixture
    async def client(self, store: StoreWithOperator, upstream: UpstreamFake) -> AsyncIterator[Client]:
        keys, _ = read_keys({"ada": ADA.encode(), "bob": BOB.encode()})
        async with (
            serving(store, None, Mode.API_KEYS, auth={"keys": lambda: keys}) as url,
            aiohttp.ClientSession(headers={"x-api-key": ADA}) as session,
        ):
            yield Client(url, session)

    async def test_see_and_touch_their_own_alone(self, client: Client, store: StoreWithOperator, cron: str) -> None:
        before, bob = str(store.manifests), {"x-api-key": BOB}
        for path in ("", "/firings"):
            assert (await client.call("GET", f"{V1}/{cron}{path}", headers=bob))[0] == 404
            assert (await client.call("GET", f"{V1}/{cron}{path}"))[0] == 200
        for act in ACTIONS:
            status, answer, _ = await client.call("POST", f"{V1}/{cron}/{act}", headers=bob)
            assert (status, answer) == (404, {"detail": f"Cron '{cron}' not found"})
        assert str(store.manifests) == before
        for headers, total in ((bob, 0), ({}, 1)):
            answer = (await client.call("GET", V1, headers=headers))[1]
            assert (answer["total"], answer["phases"]) == (total, {"Scheduled": 1} if total else {})

    @pytest.mark.parametrize("by", GROUPINGS)
    async def test_see_what_their_own_crons_cost(self, client: Client, store: StoreWithOperator, by: str) -> None:
        bob = {"x-api-key": BOB}
        for headers, cost in (({}, "1"), (bob, "100")):
            _, cron, _ = await client.call("POST", "/runs/crons", MINIMAL, headers=headers)
            store.manifests[cron["cron_id"]]["status"] |= {"spending": now_spending(1, 10, cost)}
        for headers, cost in (({}, "1"), (bob, "100"), ({}, "1")):
            status, found, _ = await client.call("GET", f"{COSTS}?by={by}", headers=headers)
            assert (status, found["by"], found["number_of_rows"]) == (200, by, 1)
            assert found["total"]["month"]["costs"] == found["rows"][0]["month"]["costs"] == {"USD": cost}
            CostReport.model_validate(found)

    async def test_are_named_as_those_who_paused_whatever_a_header_says(self, client: Client, cron: str) -> None:
        headers = {"X-GraphCron-Actor": "bob"}
        _, answer, _ = await client.call("POST", f"{V1}/{cron}/pause", {"reason": "costs"}, headers=headers)
        assert answer["pause_reason"] == "costs (by ada)"

    async def test_without_a_key_nothing_is_answered(self, client: Client, cron: str) -> None:
        async with aiohttp.ClientSession() as session:
            stranger = Client(client.url, session)
            for method, path in (
                ("GET", V1),
                ("GET", f"{V1}/{cron}"),
                ("POST", f"{V1}/{cron}/run"),
                ("GET", f"{V1}/x/y"),
            ):
                assert (await stranger.call(method, path))[0] == 401


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "", "GET, HEAD"), ("DELETE", f"/{NOBODY}", "GET, HEAD"), ("POST", f"/{NOBODY}/firings", "GET, HEAD"),
        ("GET", f"/{NOBODY}/run", "POST"), ("PUT", f"/{NOBODY}/pause", "POST"), ("GET", f"/{NOBODY}/resume", "POST"),
    ],
)  # fmt: skip
async def test_other_methods_are_refused(
    client: Client, upstream: UpstreamFake, method: str, path: str, expected: str
) -> None:
    status, _, headers = await client.call(method, V1 + path)
    assert (status, set(headers["Allow"].split(","))) == (405, set(expected.split(", ")))
    assert not upstream.seen


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["", "/", "/crons/", "/x", f"/crons/{NOBODY}/x", f"/crons/{NOBODY}/run/x", "/crons/a/b/c"]
)
async def test_what_is_not_there_is_not_the_agent_servers_either(
    client: Client, upstream: UpstreamFake, method: str, path: str
) -> None:
    status, answer, _ = await client.call(method, f"/graphcron/v1{path}")
    assert (status, answer) == (404, {"detail": "Not Found"})
    assert not upstream.seen


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("GET", "?banana=1", None, "'banana' is no parameter here"),
        ("GET", "?limit=0", None, "limit"),
        ("GET", "?limit=1_0", None, "limit"),
        ("GET", "?enabled=yes", None, "enabled"),
        ("GET", "?offset=1&offset=2", None, "offset was given several times"),
        ("GET", "/banana", None, "Invalid cron ID"),
        ("GET", "/{cron}/firings?before=noon", None, "before"),
        ("POST", "/{cron}/pause", {"why": "x"}, "'why'"),
        ("POST", "/{cron}/pause", {"reason": "x" * 1025}, "reason"),
        ("POST", "/{cron}/pause", [], "must be a JSON object"),
        ("POST", "/{cron}/run", {"token": "x"}, "'token'"),
    ],
)
async def test_what_is_wrong_is_said(client: Client, cron: str, method: str, path: str, body: Any, said: str) -> None:
    status, answer, _ = await client.call(method, V1 + path.format(cron=cron), body)
    assert status == 422
    assert said in answer["detail"]


@pytest.mark.parametrize("header", ["", "x" * 101, "é"])
async def test_an_actor_is_a_short_text(client: Client, store: StoreWithOperator, cron: str, header: str) -> None:
    headers = {"X-GraphCron-Actor": header}
    assert (await client.call("POST", f"{V1}/{cron}/pause", headers=headers))[0] == 400
    assert "enabled" not in store.manifests[cron]["spec"]
