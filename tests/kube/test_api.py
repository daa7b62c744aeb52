"""The requests to the apiserver on a real socket: what is sent, and what its answers become."""

import pytest
import yaml
from aiohttp import web

from graphcron.kube.api import yaml_of
from graphcron.kube.client import Kube
from graphcron.kube.errors import Conflict, KubeError, NotFound, Refused
from graphcron.kube.resources import PODS
from tests.support.apiserver_answers import Apiserver, served


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


async def test_a_status_is_set_on_that_very_object_and_fields_of_others_stay(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(200, {})]
    await kube.patch_status(
        "team", "a", "u1", {"active": 1, "enabled": True, "timezone": "UTC"}, {"active": 0, "enabled": True}
    )
    method, path, headers, body = apiserver.asked[0]
    assert (method, path.partition("?")[0]) == ("PATCH", "/apis/graphcron.dev/v1/namespaces/team/graphcrons/a/status")
    assert headers["Content-Type"] == "application/merge-patch+json"
    assert body == {"metadata": {"uid": "u1"}, "status": {"active": 0, "timezone": None}}


@pytest.mark.parametrize(("there", "kind"), [("u2", NotFound), ("u1", Conflict)], ids=["a namesake", "the same"])
async def test_a_refused_status_of_a_namesake_is_not_found(
    kube: Kube, apiserver: Apiserver, there: str, kind: type[KubeError]
) -> None:
    """The apiserver answers another uid with 409, and says so too when writers are in each other's way."""
    apiserver.answers = [
        (409, {"message": "Precondition failed: UID in precondition: u1, UID in object meta: u2"}),
        (200, {"metadata": {"uid": there}}),
    ]
    with pytest.raises(kind):
        await kube.patch_status("team", "a", "u1", {}, {})


async def test_a_touch_of_a_job_changes_an_annotation_alone(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(200, {"metadata": {"name": "a-1"}})]
    await kube.touch_job("team", {"metadata": {"name": "a-1", "uid": "u", "resourceVersion": "7"}}, "now")
    method, path, headers, body = apiserver.asked[0]
    assert (method, path) == ("PATCH", "/apis/batch/v1/namespaces/team/jobs/a-1?fieldManager=graphcron")
    assert headers["Content-Type"] == "application/merge-patch+json"
    assert body == {"metadata": {"uid": "u", "annotations": {"graphcron.dev/touched": "now"}}}


async def test_a_job_is_ended_by_its_deadline_only_as_it_was_observed(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(200, {"metadata": {"name": "a-1"}})]
    await kube.end_job("team", {"metadata": {"name": "a-1", "uid": "u", "resourceVersion": "7"}}, "NotStarting: quota")
    method, path, headers, body = apiserver.asked[0]
    assert (method, path) == ("PATCH", "/apis/batch/v1/namespaces/team/jobs/a-1?fieldManager=graphcron")
    assert headers["Content-Type"] == "application/merge-patch+json"
    assert body == {
        "metadata": {
            "uid": "u",
            "resourceVersion": "7",
            "annotations": {"graphcron.dev/ended": "NotStarting: quota"},
        },
        "spec": {"activeDeadlineSeconds": 1},
    }


async def test_a_cronjob_is_suspended_by_no_more_than_that_and_only_that_very_one(
    kube: Kube, apiserver: Apiserver
) -> None:
    apiserver.answers = [(200, {"metadata": {"name": "a"}})]
    await kube.suspend_cron_job("team", "a", "u1")
    method, path, headers, body = apiserver.asked[0]
    assert (method, path) == ("PATCH", "/apis/batch/v1/namespaces/team/cronjobs/a?fieldManager=graphcron")
    assert headers["Content-Type"] == "application/merge-patch+json"
    assert body == {"metadata": {"uid": "u1"}, "spec": {"suspend": True}}


UNTYPED = (
    "failed to create typed patch object (team/a; batch/v1, Kind=CronJob): .spec.x: expected map, got &{[]}",
    "failed to convert new object (team/a; batch/v1, Kind=CronJob) to proper version: quantities must match",
)


@pytest.mark.parametrize("message", UNTYPED)
async def test_an_object_of_other_types_is_refused_although_the_status_says_otherwise(
    kube: Kube, apiserver: Apiserver, message: str
) -> None:
    apiserver.answers = [(500, {"kind": "Status", "message": message})]
    with pytest.raises(Refused) as raised:
        await kube.apply_cron_job("team", {"metadata": {"name": "a"}})
    assert (raised.value.status, raised.value.message) == (500, message)


async def test_events_are_listed_by_field_and_to_a_limit(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(200, {"items": [{"n": n}], "metadata": {"continue": "more"}}) for n in range(20)]
    found = await kube.list_events("team", "reason=FailedCreate")
    assert found == [{"n": n} for n in range(10)]
    first, second = (path for _, path, _, _ in apiserver.asked[:2])
    assert first == "/api/v1/namespaces/team/events?fieldSelector=reason%3DFailedCreate&limit=500"
    assert second == f"{first}&continue=more"


async def test_the_pods_of_a_job_are_listed_as_they_are_now(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(200, {"items": [{"metadata": {"name": "a-1-x"}}], "metadata": {}})]
    assert await kube.list_pods_of_job("team", "a-1") == [{"metadata": {"name": "a-1-x"}}]
    assert apiserver.asked[0][1].endswith("/pods?labelSelector=batch.kubernetes.io%2Fjob-name%3Da-1")


async def test_managed_fields_are_taken_over_of_that_very_version(kube: Kube, apiserver: Apiserver) -> None:
    apiserver.answers = [(200, {"metadata": {}})]
    await kube.take_over_cron_job("team", {"metadata": {"name": "a", "resourceVersion": "7"}}, [{"manager": "x"}])
    assert apiserver.asked[0][3] == [
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "replace", "path": "/metadata/managedFields", "value": [{"manager": "x"}]},
    ]
