"""What `graphcron console` shows and does, at a real apiserver with users of different rights."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from cluster.control_plane import ControlPlane
from graphcron.commands.cluster import UserKube
from graphcron.commands.console_source import ClusterSource, seen
from graphcron.console.source import Away, Changed, Missing, NotAllowed, Refused, Verb
from graphcron.facade.store.watched_snapshot import WatchedSnapshot, running
from graphcron.kube.json_patch import add, require
from graphcron.kube.reflector import Reflector
from graphcron.kube.resources import GRAPHCRONS
from graphcron.views import actions
from tests.support.graphcron_apiserver import graphcron_apiserver
from tests.support.manifests import graphcron
from tests.support.plane_client import VIEW, account, user_kube
from tests.support.until import until


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with graphcron_apiserver(tmp_path_factory.mktemp("plane"), "team", "other") as plane:
        yield plane


@pytest.fixture(scope="module")
def viewer(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return account(plane, tmp_path_factory.mktemp("viewer"), "viewer", "team", VIEW)


@asynccontextmanager
async def sourced(kube: UserKube, namespace: str | None = None) -> AsyncIterator[ClusterSource]:
    cache = WatchedSnapshot()
    reflector = Reflector(kube, GRAPHCRONS, namespace, "", cache)
    async with running(reflector.run()):
        await reflector.listed.wait()
        yield ClusterSource(kube, cache, reflector, namespace, "team")


@pytest.fixture
async def kube(plane: ControlPlane) -> AsyncIterator[UserKube]:
    async with user_kube(plane.kubeconfig) as kube:
        yield kube


async def test_all_namespaces_are_shown_and_each_change_is_told(kube: UserKube) -> None:
    async with sourced(kube) as source, aclosing(source.changes()) as changes:
        coming = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0)
        for namespace in ("team", "other"):
            await kube.create_graphcron(namespace, graphcron("shown"))
        assert ("team", "shown") in await coming
        await until(lambda: len(_names(source)) == 2)
        assert _names(source) == {("team", "shown"), ("other", "shown")}
        assert await source.namespaces() == ["team", "other"]


def _names(source: ClusterSource) -> set[tuple[str, str]]:
    return {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in source._cache.manifests()}


async def test_a_cron_has_its_own_backfills(kube: UserKube) -> None:
    spec = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z"}
    backfill = {"apiVersion": "graphcron.dev/v1", "kind": "GraphCronBackfill"}
    async with sourced(kube) as source:
        for of in ("mine", "other"):
            metadata = {"name": f"of-{of}", "namespace": "team"}
            await source.create(backfill | {"metadata": metadata, "spec": spec | {"graphCron": of}})
        found = await source.backfills({"metadata": {"name": "mine", "namespace": "team"}})
    assert [one["metadata"]["name"] for one in found] == ["of-mine"]


async def test_a_change_goes_to_that_very_object(kube: UserKube) -> None:
    async with sourced(kube) as source:
        made = await source.create(graphcron("changed") | {"metadata": {"name": "changed", "namespace": "team"}})
        paused = await source.patch(made, actions.pause("a fair"))
        assert paused["spec"]["pauseReason"] == "a fair"
        assert (await source.patch(made, actions.resume(made, "1")))["metadata"]["annotations"]
        with pytest.raises(Changed):
            await source.patch(made, {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}})
        with pytest.raises(Refused, match="exists"):
            await source.create(graphcron("changed") | {"metadata": {"name": "changed", "namespace": "team"}})
        await source.delete(made)
        assert ("team", "changed") not in _names(source)
        with pytest.raises(Missing, match="has no GraphCron changed"):
            await source.graphcron("team", "changed")
        await kube.create_graphcron("team", graphcron("changed"))
        with pytest.raises(Refused):
            await source.delete(made)
        with pytest.raises(Refused):
            await source.patch(made, actions.pause(None))


async def test_an_edit_is_written_whole_and_only_while_its_fields_are_as_they_were(kube: UserKube) -> None:
    async with sourced(kube) as source:
        known = await kube.create_graphcron("team", graphcron("edited", input={"a": {"b": 1}}))
        path = ("spec", "input")
        edit = [require(path, known["spec"]["input"]), add(path, {"c": None})]
        assert (await source.edit(known, edit))["spec"]["input"] == {"c": None}
        with pytest.raises(Changed, match=r"Somebody changed /spec/input meanwhile"):
            await source.edit(known, edit)
        with pytest.raises(Refused, match=r"spec\.retryLimit"):
            await source.edit(known, [add(("spec", "retryLimit"), 101)])
        await kube.delete_graphcron("team", "edited")
        with pytest.raises(Missing):
            await source.edit(known, edit)
        await kube.create_graphcron("team", graphcron("edited"))
        with pytest.raises(Refused, match="/metadata/uid"):
            await source.edit(known, edit)


async def test_what_is_invalid_is_refused_in_the_words_of_the_apiserver(kube: UserKube) -> None:
    async with sourced(kube) as source:
        with pytest.raises(Refused, match="assistantId"):
            await source.create(graphcron("wrong", assistantId=5) | {"metadata": {"name": "w", "namespace": "team"}})


async def test_an_admin_may_do_everything_and_a_viewer_nothing(kube: UserKube, viewer: Path) -> None:
    async with sourced(kube) as source:
        assert [(await source.may(verb, "team")).allowed for verb in (Verb.CREATE, Verb.PATCH, Verb.DELETE)] == [
            True
        ] * 3
    async with user_kube(viewer) as limited, sourced(limited, "team") as source:
        for verb in (Verb.CREATE, Verb.PATCH, Verb.DELETE):
            right = await source.may(verb, "team")
            assert (right.allowed, f"You may not {verb} graphcrons in namespace team" in right.why) == (False, True)
        known = await kube.create_graphcron("team", graphcron("viewed"))
        with pytest.raises(NotAllowed, match="you may not do this"):
            await source.patch(known, actions.pause(None))
        with pytest.raises(NotAllowed):
            await source.events(known)
        with pytest.raises(NotAllowed):
            await source.cron_job(known)


async def test_events_and_the_cronjob_are_those_of_the_graphcron(kube: UserKube) -> None:
    async with sourced(kube) as source:
        known = await kube.create_graphcron("team", graphcron("eventful"))
        about = {"kind": "GraphCron", "name": "eventful", "namespace": "team", "uid": known["metadata"]["uid"]}
        event = {"metadata": {"generateName": "e-"}, "involvedObject": about, "reason": "RunFailed", "message": "m"}
        await kube.create_event("team", event)
        assert [one["reason"] for one in await source.events(known)] == ["RunFailed"]
        assert await source.cron_job(known) is None


async def test_who_may_not_see_all_namespaces_sees_that_of_the_kubeconfig(kube: UserKube, viewer: Path) -> None:
    assert await seen(kube, None, "team") is None
    assert await seen(kube, "other", "team") == "other"
    async with user_kube(viewer) as limited:
        assert await seen(limited, None, "team") == "team"
        with pytest.raises(NotAllowed, match="namespace other"):
            await seen(limited, "other", "team")


async def test_without_an_apiserver_what_was_known_is_shown_and_said_to_be_old(tmp_path: Path) -> None:
    with graphcron_apiserver(tmp_path, "team") as plane:
        async with user_kube(plane.kubeconfig) as kube, sourced(kube) as source:
            known = await kube.create_graphcron("team", graphcron("kept"))
            await until(lambda: _names(source))
            assert source.silent_seconds() is None
            plane.stop()
            await until(lambda: source.silent_seconds() is not None)
            assert [one["metadata"]["name"] for one in await source.graphcrons()] == ["kept"]
            assert (await source.graphcron("team", "kept"))["spec"] == known["spec"]
            with pytest.raises(Away, match="does not answer"):
                await source.patch(known, actions.pause(None))
