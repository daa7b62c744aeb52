"""The cron endpoints over HTTP: create, get, update, search and count."""

import asyncio
import copy
import io
import json
import time
import uuid

import aiohttp
import pytest

from graphcron.facade.proxy.upstream import RECENT_SECONDS
from graphcron.resource.advice import INTERRUPTS_LOST
from tests.support.facade_server import MINIMAL, Client, made, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import AGENT, UpstreamFake

NOBODY = "00000000-0000-4000-8000-000000000000"


class TestCreate:
    async def test_asks_with_the_callers_own_credentials(self, client: Client, upstream: UpstreamFake) -> None:
        """Nobody schedules onto a thread that they may not see."""
        upstream.threads.add(thread := str(uuid.uuid4()))
        headers = {"X-Api-Key": "mine", "Authorization": "Bearer mine", "Accept": "x", "If-None-Match": "x"}
        status, _, _ = await client.call("POST", f"/threads/{thread}/runs/crons", MINIMAL, headers=headers)
        assert status == 200
        asked = dict(upstream.seen)
        assert list(asked) == [f"GET /assistants/{AGENT}", f"GET /threads/{thread}"]
        for given in asked.values():
            assert given["X-Api-Key"] == "mine"
            assert given["Authorization"] == "Bearer mine"
            assert "If-None-Match" not in given
            assert "Content-Length" not in given

    async def test_a_question_is_shared_by_those_with_the_same_credentials_alone(
        self, client: Client, upstream: UpstreamFake
    ) -> None:
        """Ids and traces of requests are no credentials."""
        upstream.threads.add(thread := str(uuid.uuid4()))

        async def create(number: int) -> int:
            who, told = ("X-Api-Key", "theirs") if number % 2 else ("Authorization", "Bearer mine")
            headers = {who: told, "x-request-id": f"r{number}", "traceparent": f"t{number}"}
            status, _, _ = await client.call("POST", f"/threads/{thread}/runs/crons", MINIMAL, headers=headers)
            return status

        assert set(await asyncio.gather(*(create(number) for number in range(40)))) == {200}
        asked = [given for line, given in upstream.seen if line.startswith("GET /threads/")]
        mine = [given for given in asked if given.get("Authorization") == "Bearer mine"]
        theirs = [given for given in asked if given.get("X-Api-Key") == "theirs"]
        assert len(mine) + len(theirs) == len(asked) < 40
        assert mine
        assert theirs
        assert not any("X-Api-Key" in given for given in mine)

    async def test_an_assistant_that_was_shown_a_moment_ago_is_not_asked_for_again(
        self, client: Client, upstream: UpstreamFake
    ) -> None:
        """To those with the same credentials; and never a thread."""
        upstream.threads.add(thread := str(uuid.uuid4()))
        started = time.monotonic()
        for _ in range(3):
            for key in ("mine", "theirs"):
                headers = {"X-Api-Key": key}
                status, _, _ = await client.call("POST", f"/threads/{thread}/runs/crons", MINIMAL, headers=headers)
                assert status == 200
        asked = [line for line, _ in upstream.seen]
        rounds = 1 + int((time.monotonic() - started) / RECENT_SECONDS)
        assert 2 <= asked.count(f"GET /assistants/{AGENT}") <= 2 * rounds
        assert asked.count(f"GET /threads/{thread}") == 6

    @pytest.mark.parametrize("path", [f"/assistants/{AGENT}", f"/assistants/%66{AGENT[1:]}"])
    async def test_an_assistant_that_was_deleted_a_moment_ago_is_asked_for(
        self, client: Client, upstream: UpstreamFake, path: str
    ) -> None:
        assert (await client.call("POST", "/runs/crons", MINIMAL))[0] == 200
        assert (await client.call("DELETE", path))[0] == 204
        assert (await client.call("POST", "/runs/crons", MINIMAL))[0] == 404

    @pytest.mark.parametrize(
        ("case", "thread", "body", "status", "detail"),
        [
            ("the thread's id comes before the body", "nope", "{", 422, "Invalid thread ID: must be a UUID"),
            (
                "JSON before its fields",
                NOBODY,
                "{",
                422,
                "Invalid JSON in request body: line 1, column 2: expecting property name enclosed in double quotes",
            ),
            ("fields before the assistant", NOBODY, '{"assistant_id": "zzz"}', 422, "'schedule' is a required field"),
            (
                "the assistant before the schedule",
                NOBODY,
                '{"assistant_id": "zzz", "schedule": "banana"}',
                404,
                "Assistant 'zzz' not found",
            ),
            (
                "the zone before the schedule",
                NOBODY,
                '{"assistant_id": "agent", "schedule": "banana", "timezone": "Foo/Bar"}',
                422,
                "Invalid timezone: 'Foo/Bar'. Use IANA timezone format (e.g. 'America/New_York').",
            ),
            (
                "the schedule before the thread",
                NOBODY,
                '{"assistant_id": "agent", "schedule": "0 0 31 2 *"}',
                422,
                "Invalid cron schedule: '0 0 31 2 *'. Reason: It never fires: no month that it names has such a day.",
            ),
            (
                "the thread last",
                NOBODY,
                '{"assistant_id": "agent", "schedule": "* * * * *"}',
                404,
                f"Thread with ID '{NOBODY}' not found. Please verify the ID is correct and the thread hasn't been "
                "deleted or expired.",
            ),
        ],
    )
    async def test_first_mistake_is_told_in_langgraphs_order(
        self, client: Client, store: MemoryStore, case: str, thread: str, body: str, status: int, detail: str
    ) -> None:
        given = await client.call("POST", f"/threads/{thread}/runs/crons", data=body)
        assert given[:2] == (status, {"detail": detail})
        assert store.manifests == {}

    async def test_content_type_does_not_matter(self, client: Client) -> None:
        headers = {"Content-Type": "text/plain; charset=latin-1"}
        data = json.dumps(MINIMAL | {"metadata": {"ü": "€"}}, ensure_ascii=False).encode()
        status, cron, _ = await client.call("POST", "/runs/crons", data=data, headers=headers)
        assert (status, cron["metadata"]) == (200, {"ü": "€"})

    async def test_a_body_beyond_1_mib_is_413(self, client: Client) -> None:
        status, given, _ = await client.call("POST", "/runs/crons", data=io.BytesIO(b" " * (1024 * 1024 + 1)))
        assert status == 413
        assert "1048576 bytes" in given["detail"]

    @pytest.mark.parametrize("upstream_status", [401, 403])
    async def test_a_refusal_of_the_agent_server_is_handed_on(
        self, client: Client, upstream: UpstreamFake, upstream_status: int
    ) -> None:
        upstream.lookup_status = upstream_status
        assert (await client.call("POST", "/runs/crons", MINIMAL))[:2] == (upstream_status, {"detail": "no"})

    @pytest.mark.parametrize("body", [b"no", b'{"error": "forbidden", "message": "no", "details": null}'])
    async def test_its_words_are_handed_on_in_whatever_shape(
        self, client: Client, upstream: UpstreamFake, body: bytes
    ) -> None:
        """LangGraph.js's own server answers in text, Aegra in JSON of another shape."""
        upstream.lookup_status, upstream.lookup_body = 403, body
        assert (await client.call("POST", "/runs/crons", MINIMAL))[:2] == (403, {"detail": "no"})

    @pytest.mark.parametrize("upstream_status", [302, 429, 500])
    async def test_no_usable_answer_of_the_agent_server_is_503(
        self, client: Client, upstream: UpstreamFake, store: MemoryStore, upstream_status: int
    ) -> None:
        upstream.lookup_status = upstream_status
        status, given, headers = await client.call("POST", "/runs/crons", MINIMAL)
        assert status == 503
        assert f"answered HTTP {upstream_status}" in given["detail"]
        assert headers["Retry-After"] == "5"
        assert store.manifests == {}

    async def test_an_agent_server_that_is_down_is_named(self, store: MemoryStore) -> None:
        async with serving(store, "http://127.0.0.1:9") as url, aiohttp.ClientSession() as session:
            status, given, _ = await Client(url, session).call("POST", "/runs/crons", MINIMAL)
        assert status == 503
        assert "http://127.0.0.1:9 does not answer" in given["detail"]
        assert "try again" in given["detail"]
        assert store.manifests == {}

    async def test_without_an_agent_server_nothing_is_checked(self, store: MemoryStore) -> None:
        async with serving(store, None) as url, aiohttp.ClientSession() as session:
            status, _, _ = await Client(url, session).call("POST", f"/threads/{NOBODY}/runs/crons", MINIMAL)
            assert status == 200
            status, given, _ = await Client(url, session).call("GET", "/info")
            assert (status, given["detail"][:41]) == (404, "This GraphCron facade serves crons only, ")


class TestAdvice:
    LOSES = MINIMAL | {"interrupt_before": ["tools"]}

    async def test_who_may_wait_in_vain_is_warned_in_the_words_of_the_condition(self, client: Client) -> None:
        status, cron, headers = await client.call("POST", "/runs/crons", self.LOSES)
        assert (status, headers["Warning"]) == (200, f'299 - "{INTERRUPTS_LOST}"')
        path = f"/runs/crons/{cron['cron_id']}"
        _, _, headers = await client.call("PATCH", path, {"metadata": {"a": 1}})
        assert "Warning" in headers
        _, _, headers = await client.call("PATCH", path, {"on_run_completed": "keep"})
        assert "Warning" not in headers
        assert "Warning" not in (await client.call("GET", path))[2]

    async def test_others_are_not(self, client: Client, upstream: UpstreamFake) -> None:
        upstream.threads.add(thread := str(uuid.uuid4()))
        for path, body in (
            ("/runs/crons", MINIMAL),
            ("/runs/crons", self.LOSES | {"on_run_completed": "keep"}),
            (f"/threads/{thread}/runs/crons", self.LOSES),
        ):
            status, _, headers = await client.call("POST", path, body)
            assert (status, "Warning" in headers) == (200, False)


class TestOneCron:
    async def test_is_found_by_any_spelling_of_its_id(self, client: Client) -> None:
        cron = await made(client)
        for spelling in (cron["cron_id"], cron["cron_id"].upper(), cron["cron_id"].replace("-", "")):
            assert (await client.call("GET", f"/runs/crons/{spelling}"))[:2] == (200, cron)

    async def test_made_with_kubectl_answers_to_its_uid(self, client: Client, store: MemoryStore) -> None:
        await store.create({"metadata": {"name": "nightly"}, "spec": {"assistantId": "agent", "schedule": "0 3 * * *"}})
        _, [cron], _ = await client.call("POST", "/runs/crons/search", {})
        path = f"/runs/crons/{cron['cron_id']}"
        assert (await client.call("PATCH", path, {"enabled": False}))[0] == 200
        assert store.manifests["nightly"]["spec"]["enabled"] is False
        assert (await client.call("DELETE", path))[0] == 204
        assert store.manifests == {}

    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "detail"),
        [
            ("GET", NOBODY, None, 404, "Not Found"),
            ("DELETE", NOBODY, None, 404, "Not Found"),
            ("PATCH", NOBODY, {"schedule": "banana"}, 404, f"Cron '{NOBODY}' not found"),
            ("PATCH", NOBODY, {"schedule": 5}, 422, "schedule must be a string"),
            ("PATCH", NOBODY, {}, 400, "Request body cannot be empty"),
            ("PATCH", NOBODY, [], 422, "The request body must be a JSON object"),
            ("PATCH", "banana", {}, 422, "Invalid cron ID: must be a UUID"),
            ("GET", "banana", None, 422, "Invalid cron ID: must be a UUID"),
            ("DELETE", "search", None, 422, "Invalid cron ID: must be a UUID"),
            ("GET", "count", None, 422, "Invalid cron ID: must be a UUID"),
            ("GET", "a%20b", None, 422, "Invalid cron ID: must be a UUID"),
        ],
    )
    async def test_errors_are_langgraphs(
        self, client: Client, method: str, path: str, body: object, status: int, detail: str
    ) -> None:
        assert (await client.call(method, f"/runs/crons/{path}", body))[:2] == (status, {"detail": detail})

    async def test_a_refused_patch_changes_nothing(self, client: Client, store: MemoryStore) -> None:
        cron = await made(client)
        before = copy.deepcopy(store.manifests)
        status, _, _ = await client.call(
            "PATCH", f"/runs/crons/{cron['cron_id']}", {"timezone": "Asia/Tokyo", "schedule": "banana"}
        )
        assert status == 422
        assert store.manifests == before

    async def test_concurrent_patches_lose_no_field(self, client: Client, store: MemoryStore) -> None:
        cron = await made(client)
        path = f"/runs/crons/{cron['cron_id']}"
        await asyncio.gather(*(client.call("PATCH", path, {"metadata": {str(number): 1}}) for number in range(8)))
        assert (await client.call("GET", path))[1]["metadata"] == {str(number): 1 for number in range(8)}

    async def test_a_patch_keeps_what_a_rival_wrote(self, client: Client, store: MemoryStore) -> None:
        cron = await made(client, metadata={"a": 1})
        rival = copy.deepcopy(store.manifests[cron["cron_id"]])
        rival["spec"]["metadata"] = {"a": 1, "rival": 1}
        store.rivals.append(rival)
        _, patched, _ = await client.call("PATCH", f"/runs/crons/{cron['cron_id']}", {"metadata": {"mine": 1}})
        assert patched["metadata"] == {"a": 1, "rival": 1, "mine": 1}

    async def test_a_patch_is_decided_again_when_what_it_depends_on_was_changed(
        self, client: Client, store: MemoryStore
    ) -> None:
        cron = await made(client)
        rival = copy.deepcopy(store.manifests[cron["cron_id"]])
        rival["spec"]["metadata"] = {"rival": 1}  # there was none, when the patch was made
        store.rivals.append(rival)
        _, patched, _ = await client.call("PATCH", f"/runs/crons/{cron['cron_id']}", {"metadata": {"mine": 1}})
        assert patched["metadata"] == {"rival": 1, "mine": 1}

    async def test_what_memory_has_makes_an_update_quick_and_never_wrong(
        self, client: Client, store: MemoryStore
    ) -> None:
        """Neither is a refusal founded on it, nor does an update rely on it."""
        cron = await made(client)
        path, manifest = f"/runs/crons/{cron['cron_id']}", store.manifests[cron["cron_id"]]
        old = copy.deepcopy(manifest)
        old["spec"] |= {"inputFrom": {"secretKeyRef": {"name": "a", "key": "b"}}, "metadata": {"old": 1}}
        store.remembered[cron["cron_id"]] = old
        status, patched, _ = await client.call("PATCH", path, {"input": {"a": 1}, "metadata": {"b": 2}})
        assert (status, patched["payload"]["input"], patched["metadata"]) == (200, {"a": 1}, {"b": 2})
        del store.manifests[cron["cron_id"]]
        assert (await client.call("PATCH", path, {"enabled": False}))[0] == 404

    async def test_a_patch_gives_up_on_endless_rivals(self, client: Client, store: MemoryStore) -> None:
        cron = await made(client)
        store.rivals = [copy.deepcopy(store.manifests[cron["cron_id"]]) for _ in range(50)]
        for number, rival in enumerate(store.rivals):
            rival["spec"]["schedule"] = f"{number} * * * *"
        status, given, _ = await client.call("PATCH", f"/runs/crons/{cron['cron_id']}", {"enabled": True})
        assert status == 409
        assert "being changed by others" in given["detail"]


class TestManyCrons:
    async def test_pages_are_told_in_headers(self, client: Client) -> None:
        for _ in range(3):
            await made(client)
        _, crons, headers = await client.call("POST", "/runs/crons/search", {"limit": 2})
        assert len(crons) == 2
        assert (headers["X-Pagination-Total"], headers["X-Pagination-Next"]) == ("3", "2")
        _, crons, headers = await client.call("POST", "/runs/crons/search", {"limit": 2, "offset": 2})
        assert len(crons) == 1
        assert (headers["X-Pagination-Total"], "X-Pagination-Next" in headers) == ("3", False)

    async def test_count_is_a_bare_integer_by_the_same_filters(self, client: Client) -> None:
        await made(client, metadata={"team": "a"})
        await made(client, enabled=False)
        assert (await client.call("POST", "/runs/crons/count", {}))[:2] == (200, 2)
        assert (await client.call("POST", "/runs/crons/count", {"metadata": {"team": "a"}}))[1] == 1
        assert (await client.call("POST", "/runs/crons/count", {"enabled": False}))[1] == 1
