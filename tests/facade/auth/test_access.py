"""The facade asks who they are: real HTTP, the unchanged SDK with its api_key, and two owners side by side."""

import asyncio
import logging
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import aiohttp
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.errors import AuthenticationError
from multidict import CIMultiDict

from graphcron.cli import main
from graphcron.facade.auth.callers import Keys, Mode, owner_of_user, read_keys, reviewed
from graphcron.facade.auth.token_review import TokenReviews
from graphcron.facade.errors import RestError
from graphcron.facade.store.snapshot import NO_METADATA
from graphcron.kube.client import Kube
from graphcron.kube.errors import Refused
from tests.support.facade_server import Client, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import AGENT, UpstreamFake

ADA, BOB, STRANGER = "ada-key-" + "a" * 20, "bob-key-" + "b" * 20, "stranger-" + "s" * 20
MINIMAL = {"assistant_id": "agent", "schedule": "27 15 * * *"}
NOBODY = "00000000-0000-4000-8000-000000000000"

CRON_CALLS: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/runs/crons", MINIMAL),
    ("POST", f"/threads/{NOBODY}/runs/crons", MINIMAL),
    ("GET", f"/runs/crons/{NOBODY}", None),
    ("HEAD", f"/runs/crons/{NOBODY}", None),
    ("PATCH", f"/runs/crons/{NOBODY}", {"enabled": True}),
    ("DELETE", f"/runs/crons/{NOBODY}", None),
    ("POST", "/runs/crons/search", {}),
    ("POST", "/runs/crons/count", {}),
    ("PUT", "/runs/crons", {}),
)


def known() -> Keys:
    return read_keys({"ada": ADA.encode(), "bob": BOB.encode()})[0]


@pytest.fixture
async def client(store: MemoryStore, upstream: UpstreamFake) -> AsyncIterator[Client]:
    """Of a facade in mode apiKeys, without a key."""
    url = await upstream.start()
    async with serving(store, url, Mode.API_KEYS, {"keys": known}) as own, aiohttp.ClientSession() as session:
        yield Client(own, session)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def sent(key: str) -> dict[str, str]:
    return {"X-Api-Key": key}


async def made(client: Client, key: str, path: str = "/runs/crons") -> dict[str, Any]:
    status, cron, _ = await client.call("POST", path, MINIMAL, headers=sent(key))
    assert status == 200
    return dict(cron)


class TestKeys:
    @pytest.mark.parametrize(
        ("method", "path", "body"), [*CRON_CALLS, ("GET", "/info", None), ("POST", "/healthz", {})]
    )
    @pytest.mark.parametrize("headers", [{}, sent(STRANGER), sent(ADA[:-1])], ids=["none", "a stranger's", "a part"])
    async def test_without_a_known_key_nothing_is_answered(
        self, client: Client, upstream: UpstreamFake, method: str, path: str, body: object, headers: dict[str, str]
    ) -> None:
        """Passed-through calls neither: an Agent Server that asks nobody is not opened to whoever reaches us."""
        status, given, _ = await client.call(method, path, body, headers=headers)
        assert status == 401
        assert method == "HEAD" or "x-api-key" in given["detail"] or "API key is not known" in given["detail"]
        assert upstream.seen == []

    async def test_probes_need_none(self, client: Client) -> None:
        for path in ("/healthz", "/readyz"):
            assert (await client.call("GET", path))[0] == 200

    async def test_two_keys_in_one_request_are_refused(self, client: Client, upstream: UpstreamFake) -> None:
        """Else the Agent Server could judge by the other one."""
        async with client.session.get(
            client.url + "/info", headers=[("X-Api-Key", ADA), ("X-Api-Key", BOB)]
        ) as response:
            assert response.status == 401
        assert upstream.seen == []

    async def test_the_sdk_with_its_api_key(self, client: Client) -> None:
        sdk = get_client(url=client.url, api_key=ADA)
        thread = await sdk.threads.create()
        cron: Any = await sdk.crons.create_for_thread(thread["thread_id"], "agent", schedule="27 15 * * *")
        assert cron["user_id"] == "ada"
        assert await sdk.crons.count() == 1
        await sdk.aclose()
        for key in (STRANGER, None):
            refused = get_client(url=client.url, api_key=key)
            with pytest.raises(AuthenticationError):
                await refused.crons.search()
            await refused.aclose()

    async def test_a_key_counts_as_soon_as_it_is_known_and_no_longer(self, store: MemoryStore) -> None:
        now = known()
        async with (
            serving(store, None, Mode.API_KEYS, auth={"keys": lambda: now}) as url,
            aiohttp.ClientSession() as session,
        ):
            call = Client(url, session).call
            assert (await call("POST", "/runs/crons/count", {}, headers=sent(STRANGER)))[0] == 401
            now = read_keys({"eve": STRANGER.encode()})[0]
            assert (await call("POST", "/runs/crons/count", {}, headers=sent(STRANGER)))[0] == 200
            assert (await call("POST", "/runs/crons/count", {}, headers=sent(ADA)))[0] == 401


class TestTokens:
    """Mode tokenReview, with an apiserver that knows two tokens."""

    @pytest.fixture
    async def reviews(self) -> list[dict[str, Any]]:
        return []

    @pytest.fixture
    async def client(
        self, store: MemoryStore, upstream: UpstreamFake, reviews: list[dict[str, Any]]
    ) -> AsyncIterator[Client]:
        class Apiserver:
            async def review_token(self, review: dict[str, Any]) -> dict[str, Any]:
                reviews.append(review)
                known = {ADA: "system:serviceaccount:team:ada", BOB: "bob@example.com"}
                if review["spec"]["token"] == "down":
                    raise Refused(403, "tokenreviews is forbidden")
                name = known.get(review["spec"]["token"])
                told = {"authenticated": True, "user": {"username": name}} if name else {"user": {}}
                return {"status": told | {"audiences": review["spec"]["audiences"]}}

        tokens = TokenReviews(cast("Kube", Apiserver()), "graphcron")
        url = await upstream.start()
        async with (
            serving(store, url, Mode.TOKEN_REVIEW, auth={"token_review": tokens.caller}) as own,
            aiohttp.ClientSession() as session,
        ):
            yield Client(own, session)

    async def test_each_sees_their_own_and_kubernetes_is_asked_once(
        self, client: Client, reviews: list[dict[str, Any]]
    ) -> None:
        cron = (await client.call("POST", "/runs/crons", MINIMAL, headers=bearer(ADA)))[1]
        assert cron["user_id"] == owner_of_user("system:serviceaccount:team:ada")
        assert cron["user_id"].startswith("team-ada-")
        for who, count in ((ADA, 1), (BOB, 0), (ADA, 1)):
            assert (await client.call("POST", "/runs/crons/count", {}, headers=bearer(who)))[1] == count
        assert (await client.call("GET", f"/runs/crons/{cron['cron_id']}", headers=bearer(BOB)))[0] == 404
        assert [review["spec"] for review in reviews] == [
            {"token": ADA, "audiences": ["graphcron"]},
            {"token": BOB, "audiences": ["graphcron"]},
        ]

    @pytest.mark.parametrize(
        ("headers", "said"),
        [
            ([], "No Kubernetes bearer token"),
            ([("Authorization", "Basic YTpi")], "No Kubernetes bearer token"),
            ([("Authorization", "Bearer ")], "No Kubernetes bearer token"),
            ([("Authorization", f"Bearer {STRANGER}")], "does not know this bearer token"),
            ([("Authorization", f"Bearer {ADA}"), ("Authorization", f"Bearer {BOB}")], "Several Authorization"),
        ],
    )
    async def test_nobody_else_is_let_in(
        self, client: Client, upstream: UpstreamFake, headers: list[tuple[str, str]], said: str
    ) -> None:
        for method, path, body in (*CRON_CALLS, ("GET", "/info", None)):
            status, answer, _ = await client.call(method, path, body, headers=CIMultiDict(headers))
            assert status == 401
            assert method == "HEAD" or said in answer["detail"]
            assert STRANGER not in str(answer)
        assert upstream.seen == []

    async def test_the_agent_server_never_sees_a_token(self, client: Client, upstream: UpstreamFake) -> None:
        """It could do at the apiserver what its owner may."""
        headers = bearer(ADA) | {"X-Api-Key": "the Agent Server's"}
        assert (await client.call("POST", "/runs/crons", MINIMAL, headers=headers))[0] == 200
        assert (await client.call("GET", "/info", headers=headers))[0] == 200
        assert len(upstream.seen) == 2
        assert ADA not in str(upstream.seen)
        assert all(headers["X-Api-Key"] == "the Agent Server's" for _, headers in upstream.seen)

    async def test_an_apiserver_that_does_not_say_is_503(self, client: Client) -> None:
        status, answer, headers = await client.call("POST", "/runs/crons/count", {}, headers=bearer("down"))
        assert (status, headers["Retry-After"]) == (503, "5")
        assert answer["detail"] == "Kubernetes does not say whose token this is: tokenreviews is forbidden"

    async def test_an_answer_is_remembered_for_seconds_and_no_longer(self, reviews: list[dict[str, Any]]) -> None:
        class Apiserver:
            good = True

            async def review_token(self, review: dict[str, Any]) -> dict[str, Any]:
                reviews.append(review)
                return {"status": {"authenticated": self.good, "user": {"username": "ada"}}}

        moment, apiserver = [0.0], Apiserver()
        tokens = TokenReviews(cast("Kube", apiserver), None, clock=lambda: moment[0])
        for moment[0] in (0.0, 9.0, 11.0):
            assert (await tokens.caller([f"Bearer {ADA}"])).owner == owner_of_user("ada")
        assert len(reviews) == 2
        apiserver.good, moment[0] = False, 30.0
        for _ in range(2):
            with pytest.raises(RestError, match="does not know"):
                await tokens.caller([f"Bearer {ADA}"])
        assert len(reviews) == 4, "a token that is not good is not remembered: it may be good in a moment"


def test_a_token_for_another_audience_is_not_good() -> None:
    told = {"authenticated": True, "user": {"username": "ada"}}
    assert reviewed({"status": told}, None).owner
    assert reviewed({"status": told | {"audiences": ["graphcron"]}}, "graphcron").owner
    for audiences in ([], ["https://kubernetes.default.svc"]):
        with pytest.raises(RestError, match="audience"):
            reviewed({"status": told | {"audiences": audiences}}, "graphcron")
    with pytest.raises(RestError, match="audience"):
        reviewed({"status": told}, "graphcron")  # of an apiserver that knows nothing of audiences


@pytest.mark.parametrize("name", ["ada", "system:serviceaccount:team:ada", "a@example.com", "Ä" * 300, "x" * 300, "-"])
def test_an_owner_of_kubernetes_is_a_label_value_and_nobody_elses(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?", owner_of_user(name))
    assert owner_of_user(name) != owner_of_user(name + "-")


class TestAgentServer:
    async def test_it_judges_the_callers_own_key(self, client: Client, upstream: UpstreamFake) -> None:
        await made(client, ADA)
        await client.call("GET", "/info", headers=sent(ADA))
        assert [headers["X-Api-Key"] for _, headers in upstream.seen] == [ADA, ADA]

    async def test_it_never_sees_the_key_when_it_is_not_to(self, store: MemoryStore, upstream: UpstreamFake) -> None:
        url = await upstream.start()
        async with (
            serving(store, url, Mode.API_KEYS, {"keys": known}, forward_api_key=False) as own,
            aiohttp.ClientSession() as session,
        ):
            client = Client(own, session)
            await made(client, ADA)
            await client.call("GET", "/info", headers=sent(ADA) | {"Authorization": "Bearer theirs"})
        assert len(upstream.seen) == 2
        assert ADA not in str(upstream.seen)
        assert upstream.seen[1][1]["Authorization"] == "Bearer theirs"


class TestOwners:
    async def test_others_crons_are_not_there(self, client: Client, store: MemoryStore) -> None:
        path = f"/runs/crons/{(await made(client, ADA))['cron_id']}"
        before = dict(store.manifests)
        for method, body, detail in (
            ("GET", None, "Not Found"),
            ("DELETE", None, "Not Found"),
            ("PATCH", {"enabled": False}, f"Cron '{path.rpartition('/')[2]}' not found"),
        ):
            assert (await client.call(method, path, body, headers=sent(BOB)))[:2] == (404, {"detail": detail})
        assert (await client.call("POST", "/runs/crons/search", {}, headers=sent(BOB)))[1] == []
        assert (await client.call("POST", "/runs/crons/count", {}, headers=sent(BOB)))[1] == 0
        assert store.manifests == before

    async def test_own_crons_are_found_changed_and_deleted(self, client: Client, store: MemoryStore) -> None:
        cron = await made(client, ADA)
        await made(client, BOB)
        path = f"/runs/crons/{cron['cron_id']}"
        labels = store.manifests[cron["cron_id"]]["metadata"]["labels"]
        assert (cron["user_id"], labels) == ("ada", {"graphcron.dev/owner": "ada"})
        status, patched, _ = await client.call("PATCH", path, {"enabled": False}, headers=sent(ADA))
        assert (status, patched["enabled"], patched["user_id"]) == (200, False, "ada")
        _, found, headers = await client.call("POST", "/runs/crons/search", {}, headers=sent(ADA))
        assert ([one["cron_id"] for one in found], headers["X-Pagination-Total"]) == ([cron["cron_id"]], "1")
        assert (await client.call("DELETE", path, headers=sent(ADA)))[0] == 204
        assert len(store.manifests) == 1

    async def test_kubectl_made_ones_belong_to_whom_their_label_names(self, client: Client, store: MemoryStore) -> None:
        spec = {"assistantId": "agent", "schedule": "0 3 * * *"}
        await store.create({"metadata": {"name": "nightly"}, "spec": spec})
        assert (await client.call("POST", "/runs/crons/count", {}, headers=sent(ADA)))[1] == 0
        store.manifests["nightly"]["metadata"]["labels"] = {"graphcron.dev/owner": "ada"}
        assert (await client.call("POST", "/runs/crons/count", {}, headers=sent(ADA)))[1] == 1
        assert (await client.call("POST", "/runs/crons/count", {}, headers=sent(BOB)))[1] == 0

    @pytest.mark.parametrize("what", ["thread", "assistant"])
    async def test_a_deletion_takes_the_callers_crons_alone(
        self, client: Client, store: MemoryStore, upstream: UpstreamFake, what: str
    ) -> None:
        """An assistant that all share is no way to other people's crons."""
        upstream.threads.add(thread := str(uuid.uuid4()))
        for key in (ADA, BOB):
            await made(client, key, f"/threads/{thread}/runs/crons")
        gone = f"/threads/{thread}" if what == "thread" else f"/assistants/{AGENT}"
        assert (await client.call("DELETE", gone, headers=sent(ADA)))[0] == 204
        (left,) = store.manifests.values()
        assert left["metadata"]["labels"] == {"graphcron.dev/owner": "bob"}


class HesitantStore(MemoryStore):
    """Lets all others go on before it answers, so that what is not kept apart happens at once."""

    async def list(self, metadata: Mapping[str, Any] = NO_METADATA) -> list[dict[str, Any]]:
        found = await super().list(metadata)
        for _ in range(100):
            await asyncio.sleep(0)
        return found


class TestQuota:
    @pytest.fixture
    def store(self) -> MemoryStore:
        return HesitantStore()

    @pytest.fixture
    async def limited(self, store: MemoryStore, upstream: UpstreamFake) -> AsyncIterator[Client]:
        """Three crons for each owner, each firing once in ten minutes at most."""
        url = await upstream.start()
        async with (
            serving(store, url, Mode.API_KEYS, {"keys": known}, crons_per_owner=3, minimum_interval=600) as own,
            aiohttp.ClientSession() as session,
        ):
            yield Client(own, session)

    async def test_many_creates_at_once_make_no_more_than_the_limit(self, limited: Client, store: MemoryStore) -> None:
        answers = await asyncio.gather(
            *(limited.call("POST", "/runs/crons", MINIMAL, headers=sent(ADA)) for _ in range(12))
        )
        assert sorted(status for status, _, _ in answers) == [200] * 3 + [429] * 9
        assert len(store.manifests) == 3
        assert "The limit is 3 crons for each owner" in next(
            given["detail"] for status, given, _ in answers if status == 429
        )
        cron = await made(limited, BOB)  # whose limit is his own
        assert cron["user_id"] == "bob"

    async def test_a_deletion_makes_room(self, limited: Client) -> None:
        crons = [await made(limited, ADA) for _ in range(3)]
        await limited.call("DELETE", f"/runs/crons/{crons[0]['cron_id']}", headers=sent(ADA))
        await made(limited, ADA)

    async def test_too_dense_a_schedule_is_neither_made_nor_changed_to(
        self, limited: Client, store: MemoryStore
    ) -> None:
        cron = await made(limited, ADA)
        dense = {"schedule": "*/5 * * * *"}
        for method, path, body in (
            ("POST", "/runs/crons", MINIMAL | dense),
            ("PATCH", f"/runs/crons/{cron['cron_id']}", dense),
        ):
            status, given, _ = await limited.call(method, path, body, headers=sent(ADA))
            assert status == 422
            assert "fires again after 5 minutes, and the limit is once in 10 minutes" in given["detail"]
        assert [one["spec"]["schedule"] for one in store.manifests.values()] == [MINIMAL["schedule"]]

    async def test_one_that_was_too_dense_before_may_be_stopped_but_not_started(
        self, limited: Client, store: MemoryStore
    ) -> None:
        cron = await made(limited, ADA)
        store.manifests[cron["cron_id"]]["spec"]["schedule"] = "* * * * *"
        path = f"/runs/crons/{cron['cron_id']}"
        assert (await limited.call("PATCH", path, {"enabled": False}, headers=sent(ADA)))[0] == 200
        assert (await limited.call("PATCH", path, {"metadata": {"a": 1}}, headers=sent(ADA)))[0] == 200
        assert (await limited.call("PATCH", path, {"enabled": True}, headers=sent(ADA)))[0] == 422

    async def test_in_mode_open_everybody_is_one_owner(self, store: MemoryStore) -> None:
        async with serving(store, None, crons_per_owner=1) as url, aiohttp.ClientSession() as session:
            assert (await Client(url, session).call("POST", "/runs/crons", MINIMAL))[0] == 200
            assert (await Client(url, session).call("POST", "/runs/crons", MINIMAL, headers=sent(ADA)))[0] == 429


class TestWithoutAMode:
    @pytest.fixture
    async def closed(self, store: MemoryStore, upstream: UpstreamFake) -> AsyncIterator[Client]:
        url = await upstream.start()
        async with serving(store, url, Mode.CLOSED) as own, aiohttp.ClientSession() as session:
            yield Client(own, session)

    @pytest.mark.parametrize(("method", "path", "body"), CRON_CALLS)
    async def test_crons_are_403_with_the_value_to_set(
        self, closed: Client, upstream: UpstreamFake, method: str, path: str, body: object
    ) -> None:
        status, given, _ = await closed.call(method, path, body, headers=sent(ADA))
        assert status == 403
        assert method == "HEAD" or "facade.auth.mode" in given["detail"]
        assert upstream.seen == []

    async def test_probes_and_all_else_work(self, closed: Client) -> None:
        for path in ("/healthz", "/readyz", "/info"):
            assert (await closed.call("GET", path))[0] == 200

    async def test_no_deletion_takes_a_cron(self, closed: Client, store: MemoryStore) -> None:
        spec = {"assistantId": "agent", "schedule": "0 3 * * *"}
        await store.create({"metadata": {"name": "nightly"}, "spec": spec})
        assert (await closed.call("DELETE", f"/assistants/{AGENT}"))[0] == 204
        assert len(store.manifests) == 1


async def test_no_key_is_told_whatever_happens(
    client: Client, store: MemoryStore, upstream: UpstreamFake, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in a log at DEBUG, not in an answer, not in a GraphCron; right or wrong, in success and in failure."""
    caplog.set_level(logging.DEBUG)
    told = []
    for key in (ADA, STRANGER):
        for method, path, body in (*CRON_CALLS, ("GET", "/readyz", None)):
            told.append(str(await client.call(method, path, body, headers=sent(key))))
    store.manifests["broken"] = {
        "metadata": {"name": "broken", "uid": "x", "labels": {"graphcron.dev/owner": "ada"}},
        "spec": {},
    }
    status, *rest = await client.call("POST", "/runs/crons/search", {"assistant_id": AGENT}, headers=sent(ADA))
    assert status == 500
    await upstream.stop()
    status, *down = await client.call("GET", "/info", headers=sent(ADA))
    assert status == 502
    everything = f"{told} {rest} {down} {store.manifests} {caplog.text}"
    assert "KeyError" in everything
    assert "does not answer" in everything
    assert ADA not in everything
    assert STRANGER not in everything


def test_a_start_with_a_bad_secret_ends_with_one_sentence(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ada").write_text("hunter2")
    monkeypatch.setenv("GRAPHCRON_NAMESPACE", "team")
    monkeypatch.setenv("GRAPHCRON_AUTH_MODE", "apiKeys")
    monkeypatch.setenv("GRAPHCRON_API_KEYS_DIR", str(tmp_path))
    assert main(["facade"]) == 2
    said = capsys.readouterr().err
    assert "line 1 of 'ada' is too short for an API key" in said
    assert said.count("\n") == 1
    assert "hunter2" not in said
