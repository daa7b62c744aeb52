"""Entries that are kept from one request to the next."""

from graphcron.console.index import Index
from tests.support.console_source import cron


def test_an_entry_is_made_anew_once_its_graphcron_has_changed() -> None:
    index, first = Index(), cron("a")
    (before,), (again,) = index.listed([first]), index.listed([first])
    assert before[0] is again[0]
    ((changed, manifest),) = index.listed([cron("a", metadata={"resourceVersion": "2"}, assistantId="other")])
    assert (changed.assistant, manifest["metadata"]["resourceVersion"]) == ("other", "2")


def test_the_number_of_entries_is_bounded() -> None:
    index, kept = Index(limit=2), cron("c")
    index.listed([cron("a"), cron("b"), kept])
    before = index.listed([kept])[0][0]
    index.listed([cron("d")])
    assert index.listed([kept])[0][0] is before
    assert len(index._entries) == 2
