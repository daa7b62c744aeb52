"""The API client on a real socket: what it sends, and what an apiserver's answers become."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler
from kubernetes.aio.client import ApiClient, Configuration

from graphcron.kube.client import Kube, yaml_of
from graphcron.kube.errors import Conflict, KubeError, NotFound, Refused, Unavailable
from graphcron.kube.resources import PODS, proxy_of


class Apiserver:
    """Answers what the test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, str, Mapping[str, str], Any]] = []

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.asked.append((request.method, request.path_qs, request.headers, yaml.safe_load(body) if body else None))
        status, answer = self.answers.pop(0)
        if isinstance(answer, str):
            return web.Response(status=status, text=answer)
        return web.json_response(answer, status=status)


@pytest.fixture
async def apiserver() -> Apiserver:
    return Apiserver()


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[Kube]:
    """A client of what answers by that handler."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        configuration = Configuration()
        configuration.host = str(server.make_url("")).rstrip("/")
        configuration.api_key = {"BearerToken": "Bearer s3cret"}
        async with ApiClient(configuration) as client:
            yield Kube(client)


@pytest.fixture
async def kube(apiserver: Apiserver) -> AsyncIterator[Kube]:
    async with served(apiserver.handle) as kube:
        yield kube


class Pages:
    """An apiserver with objects of these sizes, in bytes."""

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes
        self.asked: list[int] = []

    async def handle(self, request: web.Request) -> web.Response:
        size, start = int(request.query["limit"]), int(request.query.get("continue", "0"))
        self.asked.append(size)
        chosen = self.sizes[start : start + size]
        items = [{"n": start + number, "x": "x" * wide} for number, wide in enumerate(chosen)]
        rest = str(start + size) if start + size < len(self.sizes) else ""
        return web.json_response(
            {"apiVersion": "v1", "kind": "PodList", "metadata": {"continue": rest}, "items": items}
        )


async def numbers(sizes: list[int]) -> tuple[list[int], list[int]]:
    """Which objects a list of all brought, and the sizes of the pages that were asked for."""
    server = Pages(sizes)
    async with served(server.handle) as kube:
        found = [item["n"] async for items, _ in kube.pages(PODS, None, "") for item in items]
    return found, server.asked


async def test_large_objects_are_listed_in_small_pages() -> None:
    """A page of 500 objects that an apiserver stores can have 750 MB."""
    found, asked = await numbers([1_000_000] * 20 + [10] * 2000)
    assert found == list(range(2020))
    assert asked[:5] == [500, 125, 31, 7, 1]
    assert max(asked[5:]) == 500, "larger ones again, once the objects are small"
    assert len(asked) < 80


async def test_an_object_that_is_larger_than_a_page_may_be_is_listed_alone() -> None:
    assert (await numbers([10, 6_000_000, 10]))[0] == [0, 1, 2]


async def test_small_objects_are_listed_in_pages_of_500() -> None:
    assert await numbers([1000] * 1200) == (list(range(1200)), [500, 500, 500])


async def test_of_an_error_the_beginning_is_read(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(422, {"message": "x" * 10_000}), (422, {"message": "x" * 10_000_000})]
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await kube.create_graphcron("team", {})
        assert len(str(refused.value)) <= 4096


async def test_apply_is_server_side_apply_under_our_name(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(200, {"metadata": {"name": "a"}})]
    await kube.apply_cron_job("team", {"metadata": {"name": "a"}, "spec": {}})
    method, path, headers, body = apiserver.asked[0]
    assert (method, path) == (
        "PATCH",
        "/apis/batch/v1/namespaces/team/cronjobs/a?fieldManager=graphcron&force=true",
    )
    assert headers["Content-Type"].partition(";")[0] == "application/apply-patch+yaml"
    assert headers["authorization"] == "Bearer s3cret"
    assert body == {"metadata": {"name": "a"}, "spec": {}}


async def test_what_is_made_anew_takes_over_nothing(kube: Kube, apiserver: Apiserver) -> None:
    """That a real apiserver reads it so is for tests/e2e (CronJobNameTaken)."""
    apiserver.answers = [(409, {"message": "the object has been modified"})]
    with pytest.raises(Conflict):
        await kube.apply_cron_job("team", {"metadata": {"name": "a"}, "spec": {}}, anew=True)
    assert apiserver.asked[0][3]["metadata"] == {"name": "a", "resourceVersion": "1"}


@pytest.mark.parametrize("code", [0x01, 0x22, 0x5C, 0x7F, 0x85, 0xA0, 0xE9, 0x2028, 0x2029, 0xFEFF, 0xFFFF, 0x1F30D])
def test_every_character_reaches_a_yaml_parser_as_it_is(code: int) -> None:
    """YAML folds some line breaks that JSON knows nothing of, and refuses JSON's two escapes for one emoji."""
    text = f"a{chr(code)}b {chr(code)}\n{chr(code)}"
    assert yaml.safe_load(yaml_of({"text": text, chr(code): 1})) == {"text": text, chr(code): 1}


async def test_a_long_list_is_read_page_by_page(kube: Kube, apiserver: Apiserver) -> None:
    listed = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCronList"}
    apiserver.answers = [
        (200, listed | {"items": [{"n": 1}], "metadata": {"continue": "more&more"}}),
        (200, listed | {"items": [{"n": 2}], "metadata": {}}),
    ]
    said = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCron"}
    assert await kube.list_graphcrons(None, dict) == [said | {"n": 1}, said | {"n": 2}]
    assert apiserver.asked[0][1] == "/apis/graphcron.dev/v1/graphcrons?limit=500"
    assert apiserver.asked[1][1].endswith("limit=500&continue=more%26more")


async def test_a_status_is_set_on_that_very_object(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(200, {})]
    await kube.patch_status("team", "a", "u1", {"active": 0})
    method, path, headers, body = apiserver.asked[0]
    assert (method, path.partition("?")[0]) == ("PATCH", "/apis/graphcron.dev/v1/namespaces/team/graphcrons/a/status")
    assert headers["Content-Type"] == "application/json-patch+json"
    assert body[0] == {"op": "test", "path": "/metadata/uid", "value": "u1"}


@pytest.mark.parametrize(("there", "kind"), [("u2", NotFound), ("u1", Refused)], ids=["a namesake", "the same"])
async def test_a_refused_status_of_a_namesake_is_not_found(
    kube: Kube, apiserver: Apiserver, there: str, kind: type[KubeError]
) -> None:
    """The apiserver answers a failed test of a patch with 422 and these words, whatever was tested."""
    apiserver.answers = [
        (422, {"message": "the server rejected our request due to an error in our request"}),
        (200, {"metadata": {"uid": there}}),
    ]
    with pytest.raises(kind):
        await kube.patch_status("team", "a", "u1", {})


ERRORS = {
    "not found": (404, NotFound),
    "conflict": (409, Conflict),
    "invalid": (422, Refused),
    "forbidden": (403, Refused),
    "an expired token": (401, Unavailable),
    "too many": (429, Unavailable),
    "a failure": (500, Unavailable),
}


@pytest.mark.parametrize(("status", "kind"), ERRORS.values(), ids=ERRORS)
async def test_an_error_says_what_the_apiserver_said(
    kube: Kube, apiserver: Apiserver, status: int, kind: type[KubeError]
) -> None:
    apiserver.answers = [(status, {"kind": "Status", "message": "because"})]
    with pytest.raises(kind) as raised:
        await kube.get_graphcron("team", "a")
    assert (raised.value.status, raised.value.message) == (status, "because")


async def test_a_proxys_page_is_no_crash(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(502, "<html>bad gateway</html>")]
    with pytest.raises(Unavailable, match="bad gateway"):
        await kube.ready()


async def test_no_answer_is_unavailable_and_names_no_secret() -> None:
    configuration = Configuration()
    configuration.host = "http://127.0.0.1:9"
    configuration.api_key = {"BearerToken": "Bearer s3cret"}
    async with ApiClient(configuration) as client:
        with pytest.raises(Unavailable) as raised:
            await asyncio.wait_for(Kube(client).ready(), 10)
    assert raised.value.status == 0
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://10.0.0.1:6443", None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "https://10.0.0.1:6443", "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128"}, "https://cluster.example", "http://proxy:3128"),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://127.0.0.1:8001", None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "10.0.0.1,.example"}, "https://10.0.0.1:6443", None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "10.0.0.1,.example"}, "https://cluster.example", None),
    ],
)
def test_a_proxy_of_the_environment_is_used_as_elsewhere(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, proxy: str | None
) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(url) == proxy


async def test_requests_go_through_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, apiserver: Apiserver, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "current-context": "it",
                "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
                "clusters": [{"name": "it", "cluster": {"server": "http://only-the-proxy-knows.invalid"}}],
                "users": [{"name": "it", "user": {"token": "s3cret"}}],
            }
        )
    )
    apiserver.answers = [(200, {"major": "1"})]
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", apiserver.handle)
    async with TestServer(app) as proxy:
        # kubernetes reads KUBECONFIG when it is imported, and looks for a pod's service account in the environment
        monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
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
    await counting.patch_status("team", "a", "u", {})
    with pytest.raises(NotFound):
        await counting.delete_graphcron("team", "a")
    await counting.review_token({"spec": {"token": "t"}})
    assert counted == [("Event", "create"), ("GraphCron", "patch"), ("TokenReview", "create")]
