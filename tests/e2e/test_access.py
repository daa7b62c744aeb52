"""Who may do what through the facade, with the release's own means: a Secret of API keys, the cluster's tokens, and two
replicas of which each knows what the other wrote."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient
from langgraph_sdk.errors import AuthenticationError, NotFoundError

from cluster import deploy
from cluster.paths import HERE
from examples.demo.session import Session
from tests.e2e import conftest

KEYS = {"ada": "ada-" + "a" * 32, "bob": "bob-" + "b" * 32}
FACADE = f"deployment/{deploy.RELEASE}-facade"
YEARLY = "0 0 1 1 *"


@contextmanager
def release(session: Session, *values: str) -> Iterator[list[str]]:
    """The release with other values; yields the URL of each replica of the facade, and brings the old values back."""
    words = ("upgrade", deploy.RELEASE, HERE.root / deploy.CHART, "--namespace", session.namespace)
    sets = [word for value in values for word in ("--set", value)]
    deploy.helm(HERE, *words, "--reset-then-reuse-values", *sets, "--wait", "--timeout", "120s")
    session.kubectl("rollout", "status", FACADE, "--timeout=90s")
    pods = session.get("pods", "-l", "app.kubernetes.io/component=facade", "--field-selector=status.phase=Running")
    names = [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    try:
        with ExitStack() as forwarding:
            yield [forwarding.enter_context(session.forward(f"pod/{name}", 8080)) for name in names]
    finally:
        conftest.release(session)


def count(client: SyncLangGraphClient) -> int:
    return int(client.crons.count())


@pytest.fixture(scope="class")
def replicas(session: Session) -> Iterator[list[str]]:
    words = [f"--from-literal={owner}={key}" for owner, key in KEYS.items()]
    session.kubectl("create", "secret", "generic", "facade-keys", *words)
    values = ("facade.auth.mode=apiKeys", "facade.auth.existingSecret=facade-keys", "facade.replicas=2")
    with release(session, *values) as urls:
        yield urls
    session.kubectl("delete", "secret", "facade-keys")


class TestApiKeys:
    def test_an_owner_sees_their_own_crons_alone_through_either_replica(self, replicas: list[str]) -> None:
        one, other = replicas
        with (
            get_sync_client(url=one, api_key=KEYS["ada"]) as here,
            get_sync_client(url=other, api_key=KEYS["ada"]) as there,
            get_sync_client(url=other, api_key=KEYS["bob"]) as bob,
        ):
            for number in range(10):  # what one replica wrote, the other shows at once
                cron: Any = here.crons.create("agent", schedule=YEARLY)
                assert (count(here), count(there), count(bob)) == (number + 1, number + 1, 0)
            assert cron["user_id"] == "ada"
            with pytest.raises(NotFoundError):
                bob.crons.delete(cron["cron_id"])
            there.crons.update(cron["cron_id"], enabled=False)
            assert [found["cron_id"] for found in here.crons.search(enabled=False)] == [cron["cron_id"]]
            here.crons.delete(cron["cron_id"])
            assert (count(there), count(bob)) == (9, 0)

    def test_nobody_without_a_key_sees_anything(self, replicas: list[str]) -> None:
        for key in (None, "stranger-" + "s" * 32):
            with get_sync_client(url=replicas[0], api_key=key) as stranger:
                with pytest.raises(AuthenticationError):
                    stranger.crons.search()
                with pytest.raises(AuthenticationError):
                    stranger.threads.create()

    def test_no_key_is_in_the_log(self, session: Session, replicas: list[str]) -> None:
        said = session.kubectl("logs", "-l", "app.kubernetes.io/component=facade", "--tail=-1")
        assert '"owner": "ada"' in said
        assert not any(key in said for key in KEYS.values())


def test_a_service_account_is_the_owner_of_what_its_token_made(session: Session) -> None:
    token = session.kubectl("create", "token", "default", "--audience", "graphcron").strip()
    session_of = {"Authorization": f"Bearer {token}"}
    with release(session, "facade.auth.mode=tokenReview", "facade.auth.tokenAudience=graphcron") as (url,):
        with get_sync_client(url=url, api_key=None, headers=session_of) as client:
            cron: Any = client.crons.create("agent", schedule=YEARLY)
            assert cron["user_id"].startswith(f"{session.namespace}-default-")
            assert count(client) == 1
        made = session.one("graphcron", cron["cron_id"])
        assert made
        assert made["metadata"]["labels"]["graphcron.dev/owner"] == cron["user_id"]
        apiservers = session.kubectl("create", "token", "default").strip()
        for headers in (None, {"Authorization": f"Bearer {apiservers}"}):
            with (
                get_sync_client(url=url, api_key=None, headers=headers) as stranger,
                pytest.raises(AuthenticationError),
            ):
                stranger.crons.search()
