"""What the notifier knows: the newest version of each object, and which channels tell by default."""

from typing import Any

from graphcron.notifier.book import Book
from tests.support.told_cron import manifest


def versioned(version: int, uid: str = "u") -> dict[str, Any]:
    found = manifest()
    found["metadata"] |= {"resourceVersion": str(version), "uid": uid}
    return found


def channel(name: str, namespace: str, created: int, **default: Any) -> dict[str, Any]:
    spec = {"kind": "Slack", "urlSecretRef": {"name": "x", "key": "y"}, "default": {"events": ["Failed"]} | default}
    metadata = {"namespace": namespace, "name": name, "uid": name, "generation": 1, "resourceVersion": str(created)}
    return {"metadata": metadata | {"creationTimestamp": f"2026-11-0{created}T00:00:00Z"}, "spec": spec}


def test_an_older_version_changes_nothing() -> None:
    book = Book("ops")
    assert [book.put(versioned(version)) for version in (5, 4, 5, 6)] == [True, False, False, True]
    assert book.put_channel(channel("a", "team", 2))
    assert not book.put_channel(channel("a", "team", 1))


def test_a_namesake_stays_and_what_is_being_deleted_is_not_there() -> None:
    book = Book("ops")
    book.put(versioned(5, "new"))
    book.drop(("team", "hello"), "old")
    assert book.cron(("team", "hello"))
    assert book.missing({"new"}, 9) == []
    assert book.missing(set(), 4) == [], "made after that list"
    assert book.missing(set(), 5) == [(("team", "hello"), "new")]
    leaving = versioned(6, "new")
    leaving["metadata"]["deletionTimestamp"] = "2026-12-01T12:00:00Z"
    book.put(leaving)
    assert book.cron(("team", "hello")) is None


def test_default_channels_are_those_of_the_namespace_and_of_the_installation() -> None:
    book = Book("ops")
    for made in (
        channel("young", "team", 3),
        channel("old", "team", 1),
        channel("all", "ops", 2, allNamespaces=True),
        channel("ours", "ops", 2),
        channel("forged", "other", 2, allNamespaces=True),
    ):
        book.put_channel(made)
    assert [one.name[1] for one in book.defaults("team")] == ["old", "young", "all"]
    assert [one.name[1] for one in book.defaults("ops")] == ["ours", "all"]
    assert [one.name[1] for one in book.defaults("third")] == ["all"]
    book.drop_channel(("ops", "all"), "all")
    assert book.defaults("third") == []


def test_the_records_of_a_message_are_counted_by_its_id_and_by_nothing_else() -> None:
    book, known = Book("ops"), "00000000-0000-5000-8000-000000000001"
    record = {"event": "Failed", "channel": "team", "state": "Pending", "told": 0}
    for version, identity in enumerate((known, known, known.replace("1", "2")), 5):
        made = versioned(version)
        made["metadata"]["name"] = f"cron-{version}"
        made["status"]["history"] = [{"runId": known, "message": f'"id":"{known}"'}]
        made["status"]["notifications"] = [record | {"id": identity}]
        book.put(made)
    assert book.with_id(known) == 2
