"""The notifier's requests: fields of its own in a status, of that very object."""

import pytest

from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, KubeError, NotFound
from tests.support.apiserver_answers import Apiserver


async def test_notifications_are_set_and_nothing_else(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(200, {}), (200, {})]
    await kube.patch_notifications("team", "a", "u1", [{"event": "Failed"}])
    await kube.patch_notifications("team", "a", "u1", None)
    method, path, headers, body = apiserver.asked[0]
    assert method == "PATCH"
    assert path == "/apis/graphcron.dev/v1/namespaces/team/graphcrons/a/status?fieldManager=graphcron-notifier"
    assert headers["Content-Type"] == "application/merge-patch+json"
    assert body == {"metadata": {"uid": "u1"}, "status": {"notifications": [{"event": "Failed"}]}}
    assert apiserver.asked[1][3]["status"] == {"notifications": None}


async def test_of_a_channel_what_differs_is_sent(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(200, {})]
    await kube.patch_channel_status("team", "a", "u1", {"a": 1, "b": 2}, {"b": 3})
    assert apiserver.asked[0][1].startswith("/apis/graphcron.dev/v1/namespaces/team/graphcronchannels/a/status?")
    assert apiserver.asked[0][3]["status"] == {"a": None, "b": 3}


@pytest.mark.parametrize(("there", "kind"), [("u2", NotFound), ("u1", Conflict)], ids=["a namesake", "the same"])
async def test_a_namesake_is_not_written(kube: Kube, apiserver: Apiserver, there: str, kind: type[KubeError]) -> None:
    apiserver.answers = [(409, {"message": "Precondition failed"}), (200, {"metadata": {"uid": there}})]
    with pytest.raises(kind):
        await kube.patch_notifications("team", "a", "u1", [])


async def test_one_secret_is_read(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(200, {"data": {}})]
    assert await kube.get_secret("team", "slack") == {"data": {}}
    assert apiserver.asked[0][1] == "/api/v1/namespaces/team/secrets/slack"
