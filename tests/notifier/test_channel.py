"""A channel's conditions move only when they change, and its wishes count as far as the installation lets them."""

from datetime import timedelta
from typing import Any

from graphcron.notifier.channel import Channel, pause
from tests.support.told_cron import START


def channel(namespace: str = "team", **spec: Any) -> Channel:
    metadata = {"namespace": namespace, "name": "team", "uid": "u", "generation": 3}
    return Channel.read(
        {"metadata": metadata, "spec": {"kind": "Slack", "urlSecretRef": {"name": "x", "key": "y"}} | spec}
    )


def test_a_transition_time_moves_when_the_status_does() -> None:
    later, latest = START + timedelta(hours=1), START + timedelta(hours=2)
    first = channel().with_ready(None, START)
    same = first.with_ready(None, later)
    failing = same.with_ready(("SecretMissing", "no"), latest)
    times = [one.status.conditions[0].last_transition_time for one in (first, same, failing) if one.status.conditions]
    assert times == [START, START, latest]
    assert first.status.observed_generation == 3
    assert [one.is_failing for one in (first, failing)] == [False, True]


def test_what_became_of_messages_is_in_the_status() -> None:
    found = channel().with_delivery("example.com answered HTTP 500", START).with_test("t", None, START).status.to_dict()
    assert found["lastDelivery"] == {
        "state": "Failed",
        "at": "2026-12-01T12:00:00Z",
        "message": "example.com answered HTTP 500",
    }
    assert found["lastTest"] == {"state": "Delivered", "at": "2026-12-01T12:00:00Z", "token": "t"}
    assert (found["conditions"][0]["type"], found["conditions"][0]["status"]) == ("Delivering", "False")


def test_the_installation_bounds_the_number_of_messages() -> None:
    assert [channel().limit(60), channel(messagesPerMinute=30).limit(60), channel(messagesPerMinute=30).limit(5)] == [
        10,
        30,
        5,
    ]


def test_only_a_channel_of_the_installation_is_for_all_namespaces() -> None:
    default = {"default": {"events": ["Failed"], "allNamespaces": True}}
    for namespace, everywhere in (("ops", True), ("team", False)):
        found = channel(namespace, **default).default("ops")
        assert found
        assert bool(found.default.all_namespaces) is everywhere
    assert channel().default("ops") is None


def test_a_spec_that_cannot_be_read_has_a_sentence() -> None:
    assert channel(kind="Pigeon").fault
    fault = channel(digest={"every": "Day", "at": "08:00", "timezone": "Mars/Base"}).fault
    assert fault
    assert fault[0] == "InvalidTimezone"


def test_pauses_grow_to_a_minute_or_five() -> None:
    assert [pause(number, lasting=False).total_seconds() for number in (1, 7, 100)] == [1, 60, 60]
    assert [pause(number, lasting=True).total_seconds() for number in (1, 7)] == [1, 300]
