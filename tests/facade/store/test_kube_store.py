"""The store at the apiserver: the object of an id, and the translation of the apiserver's errors."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from graphcron.facade.store.kube_store import KubeStore
from graphcron.facade.store.store import Changed, Missing, Rejected, StoreError, StoreUnavailable
from graphcron.kube import errors
from graphcron.kube.client import Kube
from graphcron.kube.json_patch import add, require
from graphcron.kube.resources import Manifest
from tests.support.kube_memory import MemoryKube

ID = "01a204b8-45ea-7478-9566-03787570b0b8"
UID = "7d9f0f6e-91a8-4b0e-8a4c-0d8b8b6cf3a2"
OTHER = "00000000-0000-4000-8000-000000000000"


def manifest(name: str, uid: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": uid} | metadata, "spec": {}}


@pytest.fixture
def cluster() -> MemoryKube:
    return MemoryKube(manifest(ID, OTHER), manifest("nightly", UID))


@pytest.fixture
def crons(cluster: MemoryKube) -> KubeStore:
    return KubeStore(cast(Kube, cluster), "team")


async def test_an_id_is_a_name_or_the_uid_of_one_that_is_named_otherwise(crons: KubeStore) -> None:
    assert (await crons.get(ID))["metadata"]["name"] == ID
    assert (await crons.get(UID))["metadata"]["name"] == "nightly"
    with pytest.raises(Missing):
        await crons.get(OTHER)  # that one answers to its name


async def test_of_a_huge_one_an_id_finds_all_though_a_list_has_its_outline() -> None:
    """An update would write the outline back."""
    huge = manifest("huge", UID) | {"spec": {"input": "x" * 1_000_000}}
    crons = KubeStore(cast(Kube, MemoryKube(huge)), "team")
    assert await crons.get(UID) == huge
    assert len(str(await crons.list())) < 1000


@pytest.mark.parametrize("now", [{"uid": OTHER}, {"uid": UID, "deletionTimestamp": "2026-12-01T10:00:00Z"}], ids=str)
async def test_one_that_is_another_since_it_was_listed_is_gone(now: dict[str, Any]) -> None:
    class Meanwhile(MemoryKube):
        async def list_graphcrons(self, namespace: str | None, kept: Callable[[Manifest], Manifest]) -> list[Manifest]:
            listed = await super().list_graphcrons(namespace, kept)
            self.manifests["nightly"] = {"metadata": {"name": "nightly"} | now, "spec": {}}
            return listed

    with pytest.raises(Missing):
        await KubeStore(cast(Kube, Meanwhile(manifest("nightly", UID))), "team").get(UID)


async def test_delete_finds_it_as_get_does(crons: KubeStore, cluster: MemoryKube) -> None:
    await crons.delete(ID)
    await crons.delete(UID)
    assert cluster.manifests == {}
    with pytest.raises(Missing):
        await crons.delete(UID)


async def test_one_that_is_being_deleted_is_gone() -> None:
    """`kubectl delete --cascade=foreground` leaves it visible for a while."""
    going = manifest(ID, UID, deletionTimestamp="2026-11-22T19:00:00Z")
    crons = KubeStore(cast(Kube, MemoryKube(going)), "team")
    assert await crons.list() == []
    with pytest.raises(Missing):
        await crons.get(ID)


async def test_patching_what_was_deleted_meanwhile_is_missing(crons: KubeStore) -> None:
    with pytest.raises(Missing):
        await crons.patch(manifest("gone", OTHER), [])


async def test_a_patch_is_of_that_very_object_and_of_what_it_was_known_to_be(
    crons: KubeStore, cluster: MemoryKube
) -> None:
    with pytest.raises(Changed, match="/metadata/uid"):
        await crons.patch(manifest("nightly", OTHER), [])
    with pytest.raises(Changed, match="/spec/schedule"):
        await crons.patch(manifest("nightly", UID), [require(("spec", "schedule"), "0 3 * * *")])
    patched = await crons.patch(manifest("nightly", UID), [add(("spec", "schedule"), "0 3 * * *")])
    assert patched["spec"] == cluster.manifests["nightly"]["spec"] == {"schedule": "0 3 * * *"}


async def test_a_patch_that_applies_and_is_refused_is_wrong_in_itself(crons: KubeStore, cluster: MemoryKube) -> None:
    async def refuse(*_: object) -> dict[str, Any]:
        raise errors.Refused(422, 'GraphCron.graphcron.dev "x" is invalid: spec.webhook: Too long')

    cluster.patch_graphcron = refuse  # type: ignore[assignment,method-assign]
    with pytest.raises(Rejected, match=r"^spec\.webhook: Too long$"):
        await crons.patch(manifest("nightly", UID), [add(("spec", "webhook"), "x")])


FORBIDDEN = (
    'graphcrons.graphcron.dev is forbidden: User "system:serviceaccount:a:b" cannot create resource "graphcrons"'
)


@pytest.mark.parametrize(
    ("raised", "expected", "message"),
    [
        (errors.Conflict(409, "the object has been modified"), Changed, "modified"),
        (
            errors.Refused(422, 'GraphCron.graphcron.dev "x" is invalid: spec.webhook: Too long'),
            Rejected,
            "spec.w",
        ),
        (errors.Refused(403, FORBIDDEN), StoreUnavailable, "lacks a permission"),
        (errors.Unavailable(0, "connection refused"), StoreUnavailable, "connection refused"),
        (errors.Unavailable(429, "too many requests"), StoreUnavailable, "too many requests"),
        (errors.NotFound(404, "the server could not find the requested resource"), StoreUnavailable, "Is the CRD"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, Exception) else "",
)
async def test_errors_become_the_stores(
    crons: KubeStore, cluster: MemoryKube, raised: errors.KubeError, expected: type[StoreError], message: str
) -> None:
    cluster.raises = raised
    with pytest.raises(expected, match=message):
        await crons.create(manifest("new", OTHER))
    if expected is StoreUnavailable:
        with pytest.raises(expected, match=message):
            await crons.list()


async def test_what_was_read_is_deleted_and_nothing_else_that_answers_to_its_id(
    crons: KubeStore, cluster: MemoryKube
) -> None:
    read = await crons.get(UID)
    cluster.manifests[UID] = manifest(UID, "11111111-0000-4000-8000-000000000000")  # named like the other one's uid
    assert (await crons.get(UID))["metadata"]["name"] == UID
    await crons.delete(UID, read)
    assert set(cluster.manifests) == {ID, UID}
