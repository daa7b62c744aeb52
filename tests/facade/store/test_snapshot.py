"""The snapshot: a list of GraphCrons, and the watch events after it."""

from typing import Any

from graphcron.facade import sort_keys
from graphcron.facade.schemas import CronCount
from graphcron.facade.search import matching
from graphcron.facade.store.snapshot import Snapshot
from graphcron.kube import jsontext
from graphcron.views.glance import GLANCE, STATUS, glance, opened

NAMED = "01a204b8-45ea-7478-9566-03787570b0b8"


def cron(name: str, version: int, uid: str | None = None, **metadata: Any) -> dict[str, Any]:
    metadata = {"name": name, "uid": uid or f"uid-{name}", "resourceVersion": str(version)} | metadata
    return {"metadata": metadata, "spec": {"schedule": f"{version} 0 1 1 *"}, "status": {"active": 1, "enabled": True}}


def event(kind: str, about: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": about}


def held(snapshot: Snapshot) -> dict[str, str]:
    return {manifest["metadata"]["name"]: manifest["spec"]["schedule"] for manifest in snapshot.manifests()}


def test_events_add_change_and_remove() -> None:
    snapshot = Snapshot([cron("a", 3), cron("b", 4)], 5)
    snapshot.apply(event("ADDED", cron("c", 6)))
    snapshot.apply(event("MODIFIED", cron("a", 7)))
    snapshot.apply(event("DELETED", cron("b", 8)))
    assert held(snapshot) == {"a": "7 0 1 1 *", "c": "6 0 1 1 *"}
    assert snapshot.version == 8


def test_a_bookmark_moves_the_version_and_changes_nothing() -> None:
    snapshot = Snapshot([cron("a", 3)], 5)
    snapshot.apply(event("BOOKMARK", {"metadata": {"resourceVersion": "90"}}))
    assert (snapshot.version, len(snapshot.manifests())) == (90, 1)


def test_one_that_is_being_deleted_is_gone() -> None:
    going = cron("a", 6, deletionTimestamp="2026-11-22T19:00:00Z")
    assert Snapshot([going], 6).manifests() == []
    snapshot = Snapshot([cron("a", 3)], 5)
    snapshot.apply(event("MODIFIED", going))
    assert (snapshot.manifests(), snapshot.holds("uid-a")) == ([], False)


def test_a_namesake_that_is_made_anew_replaces_it_in_whichever_order_they_are_told() -> None:
    snapshot = Snapshot([cron(NAMED, 3, "old")], 5)
    snapshot.apply(event("ADDED", cron(NAMED, 7, "new")))
    snapshot.apply(event("DELETED", cron(NAMED, 6, "old")))
    found = snapshot.find(NAMED)
    assert found
    assert found["metadata"]["uid"] == "new"
    assert snapshot.holds("new")
    assert not snapshot.holds("old")


def test_it_is_found_by_the_id_that_rest_knows() -> None:
    uid = "7d9f0f6e-91a8-4b0e-8a4c-0d8b8b6cf3a2"
    snapshot = Snapshot([cron(NAMED, 3), cron("nightly", 4, uid)], 5)
    assert (snapshot.find(NAMED) or {})["metadata"]["name"] == NAMED
    assert (snapshot.find(uid) or {})["metadata"]["name"] == "nightly"
    assert snapshot.find("nightly") is None
    snapshot.apply(event("DELETED", cron("nightly", 6, uid)))
    assert snapshot.find(uid) is None


def test_what_no_search_reads_is_not_kept() -> None:
    noisy = cron(
        "a", 3, managedFields=[{}], annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}", "x": "1"}
    )
    kept = Snapshot([noisy], 5).manifests()[0]
    assert kept.keys() == {"metadata", "spec", "status", GLANCE, STATUS, sort_keys.MEMBER}
    assert kept["status"] == {"enabled": True}
    assert kept["metadata"]["annotations"] == {"x": "1"}
    assert "managedFields" not in kept["metadata"]
    assert noisy["metadata"]["managedFields"] == [{}], "what it was given stays as it was"


def test_an_event_that_changes_nothing_but_the_status_is_taken_in() -> None:
    snapshot = Snapshot([cron("a", 3)], 3)
    snapshot.apply(event("MODIFIED", cron("a", 4) | {"status": {"active": 7, "firings": {"failed": 2}}}))
    (kept,) = snapshot.manifests()
    assert glance(kept).active == 7
    assert opened(kept)["status"]["firings"]["failed"] == 2


def having(snapshot: Snapshot, **metadata: Any) -> set[str]:
    return {manifest["metadata"]["name"] for manifest in snapshot.manifests(metadata)}


def test_those_with_some_metadata_are_looked_up() -> None:
    def tagged(name: str, version: int, **metadata: Any) -> dict[str, Any]:
        made = cron(name, version)
        return made | {"spec": made["spec"] | {"metadata": metadata}}

    snapshot = Snapshot([tagged("a", 3, team="x", n=1), tagged("b", 4, team="x", n=None), cron("c", 5)], 5)
    assert having(snapshot, team="x") == {"a", "b"}
    assert having(snapshot, team="x", n=1) == {"a"}, "the rarest of them"
    assert having(snapshot, n=None) == {"b"}
    assert having(snapshot, team="y") == having(snapshot, team="x", other=1) == set()
    assert having(snapshot, team={"x": 1}) == having(snapshot) == {"a", "b", "c"}, "whoever asks looks for himself"
    snapshot.apply(event("MODIFIED", tagged("a", 6, team="y")))
    snapshot.apply(event("DELETED", cron("b", 7)))
    assert having(snapshot, team="x") == set()
    assert having(snapshot, team="y") == {"a"}


def test_of_two_with_the_same_id_the_one_of_that_name_is_found_and_the_other_is_not_forgotten() -> None:
    nightly, namesake = cron("nightly", 1, uid=NAMED), cron(NAMED, 2)
    for items in ([nightly, namesake], [namesake, nightly]):
        snapshot = Snapshot(items, 5)
        assert (snapshot.find(NAMED) or {})["metadata"]["name"] == NAMED
        snapshot.apply(event("DELETED", namesake))
        assert (snapshot.find(NAMED) or {})["metadata"]["name"] == "nightly"
        snapshot.apply(event("DELETED", nightly))
        assert snapshot.find(NAMED) is None


def test_a_name_that_python_would_read_as_a_uuid_is_none() -> None:
    shuffled = NAMED.replace("-", "", 1)[:8] + NAMED[9:11] + "-" + NAMED[11:13] + NAMED[13:]
    assert (len(shuffled), shuffled.replace("-", "")) == (36, NAMED.replace("-", ""))
    assert Snapshot([cron(shuffled, 1)], 1).find(NAMED) is None


def test_of_one_that_is_too_large_to_run_little_is_kept() -> None:
    """A few of them, parsed, would fill the facade's memory."""
    huge = cron("a", 3, labels={"graphcron.dev/owner": "ada", **{f"label-{number}": "" for number in range(50_000)}})
    huge["spec"] |= {"assistantId": "agent", "input": [{}] * 400_000, "endTime": "2030-01-01T00:00:00Z"}
    (shown,) = Snapshot([huge], 5).manifests()
    assert shown["spec"] == {
        "schedule": "3 0 1 1 *", "assistantId": "agent", "endTime": "2030-01-01T00:00:00Z"
    }  # fmt: skip
    assert shown["metadata"]["labels"] == {"graphcron.dev/owner": "ada"}


def test_free_json_is_kept_as_a_text_and_written_as_it_was() -> None:
    given = cron("a", 3)
    free = {
        "input": [{"a": [1, None]}],
        "config": {"tags": ["x"]},
        "context": {"ü": 1.5},
        "metadata": {"k": "v" * 9000},
    }
    given["spec"] |= free
    (shown,) = Snapshot([given], 5).manifests()
    assert {type(shown["spec"][name]) for name in free} == {jsontext.Packed}
    assert jsontext.loads(jsontext.dumps(shown["spec"])) == given["spec"]


def test_metadata_that_are_too_many_to_be_indexed_are_found_all_the_same() -> None:
    many = {f"key-{number}": number for number in range(1000)}
    crons = [cron("few", 3), cron("many", 4), cron("other", 5)]
    crons[0]["spec"]["metadata"] = {"team": "blue", "key-1": 1}
    crons[1]["spec"]["metadata"] = {"team": "blue"} | many
    crons[2]["spec"]["metadata"] = {"team": "red"}
    snapshot = Snapshot(crons, 5)
    for metadata, expected in (({"team": "blue"}, ["few", "many"]), ({"key-1": 1, "key-2": 2}, ["many"])):
        hinted = snapshot.manifests(metadata)
        found = matching(hinted, CronCount(metadata=metadata))
        assert sorted(one["metadata"]["name"] for one in found) == expected
        assert len(hinted) < 3, "the index leaves out what has none of it"
    snapshot.apply(event("DELETED", crons[1]))
    assert snapshot.manifests({"key-2": 2}) == []
