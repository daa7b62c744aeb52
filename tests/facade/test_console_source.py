"""The caller's own crons, for the console of the facade."""

from datetime import UTC, datetime
from typing import Any

import pytest

from graphcron.console.source import Away, Changed, Missing, NotAllowed, Refused, Verb
from graphcron.facade.auth.callers import EVERYBODY, Caller
from graphcron.facade.console_source import StoreSource, operations_of
from graphcron.facade.quota import Quota
from graphcron.facade.store.store import StoreUnavailable
from graphcron.kube.json_patch import add, apply, require
from graphcron.resource.lifetime import Lifetime
from graphcron.views import actions
from tests.support.console_source import cron
from tests.support.facade_console import WatchedMemoryStore

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ADA = Caller("ada")
MINE = {"labels": {"graphcron.dev/owner": "ada"}}


def source(store: WatchedMemoryStore, caller: Caller = ADA, quota: Quota | None = None) -> StoreSource:
    return StoreSource(store, caller, "team", quota or Quota(), lambda: NOW)


def stored(*names: str) -> WatchedMemoryStore:
    store = WatchedMemoryStore()
    for name in names:
        store.manifests[name] = cron(name, metadata=MINE | {"annotations": {"note": "kept"}})
    return store


def new(name: str, **spec: Any) -> dict[str, Any]:
    made = cron(name, **spec)
    return {"kind": "GraphCron", "metadata": {"name": name, "namespace": "team"}, "spec": made["spec"]}


async def test_what_is_made_is_the_callers_and_within_the_quota() -> None:
    store = stored()
    mine = source(store, quota=Quota(crons=1))
    assert (await mine.create(new("a")))["metadata"]["labels"] == MINE["labels"]
    with pytest.raises(Refused, match="limit is 1"):
        await mine.create(new("b"))


@pytest.mark.parametrize("field", ["server", "template", "inputFrom", "image", "engine", "webhook", "envFrom"])
async def test_nobody_chooses_secrets_servers_or_pods_by_the_console(field: str) -> None:
    mine = source(stored("a"))
    with pytest.raises(NotAllowed, match=rf"spec\.{field}: .*kubectl"):
        await mine.create(new("b", **{field: {}}))
    with pytest.raises(NotAllowed, match=field):
        await mine.patch(await mine.graphcron("team", "a"), {"spec": {field: None}})
    with pytest.raises(NotAllowed, match=field):
        await mine.edit(await mine.graphcron("team", "a"), [add(("spec", field), {})])


@pytest.mark.parametrize("path", [("metadata", "labels"), ("metadata", "labels", "graphcron.dev/owner"), ("spec",)])
async def test_nobody_gives_a_cron_away_by_an_edit(path: tuple[str, ...]) -> None:
    mine = source(stored("a"))
    with pytest.raises(NotAllowed, match="kubectl"):
        await mine.edit(await mine.graphcron("team", "a"), [add(path, {"graphcron.dev/owner": "bob"})])


async def test_an_edit_changes_what_it_names_and_keeps_to_the_interval() -> None:
    store = stored("a")
    mine = source(store, quota=Quota(interval=7200))
    known = await mine.graphcron("team", "a")
    with pytest.raises(Refused, match="limit is once"):
        await mine.edit(known, [add(("spec", "schedule"), "* * * * *")])
    await mine.edit(known, [add(("spec", "schedule"), "0 9 * * *"), add(("metadata", "annotations", "x"), "1")])
    assert store.manifests["a"]["spec"]["schedule"] == "0 9 * * *"


async def test_an_edit_keeps_to_what_callers_may_set_and_marks_its_time() -> None:
    store = stored("a")
    mine = source(store, quota=Quota(interval=7200))
    known = await mine.graphcron("team", "a")
    after = await mine.edit(known, [add(("spec", "input"), {"nothing": None})])
    assert after["spec"]["input"] == {"nothing": None}
    annotations = after["metadata"]["annotations"]
    assert annotations == {"note": "kept", "graphcron.dev/updated-at": "2026-11-27T12:00:00.000000+00:00"}
    with pytest.raises(NotAllowed, match=r"spec\.webhook: .*kubectl"):
        await mine.edit(known, [add(("spec", "webhook"), "https://hooks.example")])
    with pytest.raises(Refused, match="limit is once"):
        await mine.edit(known, [add(("spec", "schedule"), "*/5 * * * *")])
    with pytest.raises(Changed, match="/spec/retryLimit"):
        await mine.edit(known, [require(("spec", "retryLimit"), 7)])


async def test_a_schedule_that_is_set_or_enabled_keeps_to_the_interval() -> None:
    store = stored("a")
    mine = source(store, quota=Quota(interval=7200))
    known = await mine.graphcron("team", "a")
    for spec in ({"schedule": "* * * * *"}, {"enabled": True}):
        with pytest.raises(Refused, match="limit is once"):
            await mine.patch(known, {"spec": spec})
    with pytest.raises(Refused, match="limit is once"):
        await mine.create(new("b"))
    await mine.patch(known, actions.pause("why"))


async def test_an_end_that_is_set_keeps_to_the_lifetime() -> None:
    store = stored("a")
    mine = source(store, quota=Quota(lifetime=Lifetime(days=1)))
    known = await mine.graphcron("team", "a")
    far = "2036-01-01T00:00:00Z"
    with pytest.raises(Refused, match=r"guardrails\.maxLifetimeDays"):
        await mine.edit(known, [add(("spec", "endTime"), far)])
    with pytest.raises(Refused, match=r"guardrails\.maxLifetimeDays"):
        await mine.patch(known, {"spec": {"endTime": far}})


async def test_requests_change_no_annotation_of_others() -> None:
    store = stored("a")
    mine = source(store)
    await mine.patch(await mine.graphcron("team", "a"), actions.resume({"metadata": {}, "spec": {}}, "1"))
    marks = store.manifests["a"]["metadata"]["annotations"]
    assert (marks["note"], marks["graphcron.dev/resume-requested"]) == ("kept", "1")


async def test_a_patch_of_a_version_is_for_that_version() -> None:
    store = stored("a")
    mine = source(store)
    known = await mine.graphcron("team", "a")
    await mine.patch(known, actions.run_now(known, "1"))
    with pytest.raises(Changed):
        await mine.patch(known, actions.run_now(known, "2"))


async def test_a_cron_that_was_given_away_is_not_changed() -> None:
    store = stored("a")
    mine = source(store)
    known = await mine.graphcron("team", "a")
    store.manifests["a"]["metadata"]["labels"] = {"graphcron.dev/owner": "bob"}
    with pytest.raises(Changed):
        await mine.patch(known, actions.pause(None))
    with pytest.raises(Missing):
        await mine.delete(known)
    assert await mine.graphcrons() == []
    assert len(await source(store, EVERYBODY).graphcrons()) == 1


async def test_while_kubernetes_is_away_what_was_known_is_shown() -> None:
    store = stored("a")
    mine = source(store)
    known = await mine.graphcron("team", "a")
    store.fail_with = StoreUnavailable("The Kubernetes API does not serve this now")
    assert (await mine.graphcron("team", "a"))["spec"] == known["spec"]
    with pytest.raises(Away):
        await mine.graphcron("team", "b")
    with pytest.raises(Away):
        await mine.patch(known, actions.pause(None))
    with pytest.raises(Away):
        await mine.events(known)


async def test_a_backfill_is_of_a_cron_that_the_caller_may_see_and_has_its_owner() -> None:
    store = stored("a")
    store.manifests["b"] = cron("b", metadata={"labels": {"graphcron.dev/owner": "bob"}})
    mine = source(store)

    def backfill(of: str) -> dict[str, Any]:
        spec = {"graphCron": of, "from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}
        metadata = {"name": "again", "namespace": "team", "labels": {"graphcron.dev/owner": "bob"}}
        return {"apiVersion": "graphcron.dev/v1", "kind": "GraphCronBackfill", "metadata": metadata, "spec": spec}

    assert (await mine.create(backfill("a")))["metadata"]["labels"] == MINE["labels"]
    assert [one["spec"]["graphCron"] for one in await mine.backfills(await mine.graphcron("team", "a"))] == ["a"]
    with pytest.raises(Missing):
        await mine.create(backfill("b"))
    assert (await mine.may(Verb.BACKFILL, "team")).allowed


async def test_cronjobs_are_not_for_the_facade_to_see() -> None:
    with pytest.raises(NotAllowed):
        await source(stored("a")).cron_job(cron("a"))


def test_a_merge_patch_is_carried_out_member_by_member() -> None:
    known = cron("a", metadata={"annotations": {"x": "1", "y": "2"}}, config={"a": {"b": 1, "c": 2}}, endTime="t")
    body = {
        "metadata": {"annotations": {"x": None, "z": "3", "none": None}},
        "spec": {"config": {"a": {"b": None, "d": 4}}, "endTime": None, "maxFailures": None, "schedule": "0 9 * * *"},
    }
    changed = apply(operations_of(known, body, NOW), known)
    assert changed["spec"]["config"] == {"a": {"c": 2, "d": 4}}
    assert changed["spec"]["schedule"] == "0 9 * * *"
    assert not {"endTime", "maxFailures"} & changed["spec"].keys()
    marks = changed["metadata"]["annotations"]
    assert (marks["y"], marks["z"], marks.keys() & {"x", "none"}) == ("2", "3", set())
