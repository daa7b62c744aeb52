"""Requests to the apiserver on a real socket: their way, their errors, and what is counted."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from graphcron.kube.client import Kube
from graphcron.kube.errors import NotFound, Unavailable
from tests.support.apiserver_answers import Apiserver
from tests.support.kubeconfig import api_client, kubeconfig


async def test_a_proxys_page_is_no_crash(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(502, "<html>bad gateway</html>")]
    with pytest.raises(Unavailable, match="bad gateway"):
        await kube.ready()


async def test_no_answer_is_unavailable_and_names_no_secret() -> None:
    async with api_client("http://127.0.0.1:9", "s3cret") as client:
        with pytest.raises(Unavailable) as raised:
            await asyncio.wait_for(Kube(client).ready(), 10)
    assert raised.value.status == 0
    assert "s3cret" not in str(raised.value)


async def test_requests_go_through_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, apiserver: Apiserver, tmp_path: Path
) -> None:
    path = kubeconfig(tmp_path / "kubeconfig", {"server": "http://only-the-proxy-knows.invalid"}, {"token": "s3cret"})
    apiserver.answers = [(200, {"major": "1"})]
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", apiserver.handle)
    async with TestServer(app) as proxy:
        # kubernetes reads KUBECONFIG when it is imported, and looks for a pod's service account in the environment
        monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.setenv("http_proxy", str(proxy.make_url("")).rstrip("/"))
        async with Kube.connect() as kube:
            await kube.ready()
    assert [headers["Host"] for _, _, headers, _ in apiserver.asked] == ["only-the-proxy-knows.invalid"]


async def test_each_write_is_counted_by_kind_and_verb_also_one_of_no_namespace(
    apiserver: Apiserver, kube: Kube
) -> None:
    counted: list[tuple[str, str]] = []
    counting = Kube(kube._client, on_write=lambda *write: counted.append(write))
    apiserver.answers = [(201, {}), (200, {}), (404, {}), (201, {"status": {"authenticated": True}})]
    await counting.create_event("team", {"metadata": {"name": "a"}})
    await counting.patch_status("team", "a", "u", {}, {})
    with pytest.raises(NotFound):
        await counting.delete_graphcron("team", "a")
    await counting.review_token({"spec": {"token": "t"}})
    assert counted == [("Event", "create"), ("GraphCron", "patch"), ("TokenReview", "create")]
