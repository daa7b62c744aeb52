"""What a change of a GraphCron or a channel causes."""

from typing import Any

from graphcron.notifier.book import Book
from graphcron.notifier.cron import Name
from graphcron.notifier.handlers import ChannelHandler, GraphCronHandler
from tests.support.told_cron import manifest


class Listener:
    def __init__(self) -> None:
        self.book = Book("ops")
        self.heard: list[Any] = []

    def observed(self, name: Name) -> None:
        self.heard.append(name)

    def changed(self, namespace: str | None) -> None:
        self.heard.append(f"changed {namespace}")

    def wake(self, channel: Name) -> None:
        self.heard.append(f"wake {channel[1]}")


def channel(version: int, **spec: Any) -> dict[str, Any]:
    metadata = {"namespace": "team", "name": "c", "uid": "u", "generation": version, "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": {"kind": "Slack", "urlSecretRef": {"name": "x", "key": "y"}} | spec}


def test_each_new_version_of_a_cron_is_assessed_and_its_end_too() -> None:
    listener = Listener()
    handler = GraphCronHandler(listener)
    handler.on_page([manifest()])
    handler.on_update(manifest())
    assert listener.heard == [("team", "hello")]
    handler.on_replace(set(), 9)
    assert listener.heard == [("team", "hello")] * 2
    assert listener.book.names() == []


def test_a_channel_that_tells_by_default_concerns_all_crons() -> None:
    listener = Listener()
    handler = ChannelHandler(listener)
    handler.on_add(channel(1))
    handler.on_update(channel(1))
    assert listener.heard == ["wake c"]
    handler.on_update(channel(2, default={"events": ["Failed"]}))
    assert listener.heard[1:] == ["changed team", "wake c"]
    handler.on_update(channel(3))
    assert listener.heard[3:] == ["changed team", "wake c"], "it told before"
    handler.on_update(channel(4, default={"events": ["Failed"], "allNamespaces": True}))
    assert listener.heard[5:] == ["changed None", "wake c"]
    handler.on_replace(set(), 9)
    assert listener.heard[7:] == ["changed None", "wake c"]
    assert not listener.book.channels
