"""Authentication over HTTP, by API keys and by bearer tokens, also with the unchanged SDK."""

import logging
from collections.abc import AsyncIterator
from typing import Any, cast

import aiohttp
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.errors import AuthenticationError
from multidict import CIMultiDict

from graphcron.cli import main
from graphcron.facade.auth.callers import Mode, owner_of_user, read_keys
from graphcron.facade.auth.token_review import TokenReviews
from graphcron.facade.errors import RestError
from graphcron.kube.client import Kube
from graphcron.kube.errors import Refused
from tests.support.api_keys import ADA, BOB, STRANGER, known, made, sent
from tests.support.facade_server import MINIMAL, Client, serving
from tests.support.store_memory import MemoryStore
from tests.support.upstream_fake import AGENT, UpstreamFake

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


@pytest.fixture
async def client(store: MemoryStore, upstream: UpstreamFake) -> AsyncIterator[Client]:
    """Of a facade in mode apiKeys, without a key."""
    url = await upstream.start()
    async with serving(store, url, Mode.API_KEYS, {"keys": known}) as own, aiohttp.ClientSession() as session:
        yield Client(own, session)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


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
    assert main(["facade"]) == 1
    said = capsys.readouterr().err
    assert "line 1 of 'ada' is too short for an API key" in said
    assert said.count("\n") == 1
    assert "hunter2" not in said
