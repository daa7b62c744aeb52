"""When watching counts as dead, although the process lives."""

import pytest

from graphcron.kube.watch_health import Heartbeat, silent

NOW = 1000.0


@pytest.mark.parametrize(
    ("heard", "answering_since", "dead"),
    [
        pytest.param(NOW - 179, 0.0, False, id="a bookmark came not long ago"),
        pytest.param(NOW - 181, 0.0, True, id="nothing came for too long"),
        pytest.param(NOW - 900, NOW - 100, False, id="the apiserver has just come back"),
        pytest.param(NOW - 900, NOW - 181, True, id="the apiserver is back for long, and the watch is not"),
    ],
)
def test_when_a_watch_is_dead(heard: float, answering_since: float, dead: bool) -> None:
    found = silent({"pods": heard, "jobs": NOW}, 180, answering_since, NOW)
    assert found == (["pods"] if dead else [])


class Stream:
    total_bytes = 0
    ended = False

    def is_eof(self) -> bool:
        return self.ended


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_counts_is_what_comes_and_not_that_somebody_answers() -> None:
    clock, stream = Clock(), Stream()
    heartbeat = Heartbeat(["pods"], clock, wall=lambda: 1.8e9 + clock())
    clock.now = 100.0
    heartbeat.opened("pods", stream)
    heartbeat.listen()
    assert heartbeat.silent(90, 0.0) == ["pods"]
    assert heartbeat.last_heard == 0
    stream.total_bytes = 80
    heartbeat.listen()
    assert heartbeat.silent(90, 0.0) == []
    assert heartbeat.last_heard == 1.8e9 + 100
    clock.now = 200.0
    heartbeat.opened("pods", Stream())
    heartbeat.listen()
    assert heartbeat.silent(90, 0.0) == ["pods"]


def test_a_watch_that_the_apiserver_ends_in_time_is_alive_without_a_word() -> None:
    """Nothing has happened to that resource for long, and bookmarks are no promise."""
    clock, stream = Clock(), Stream()
    heartbeat = Heartbeat(["pods"], clock)
    heartbeat.opened("pods", stream)
    clock.now = 60.0
    stream.ended = True
    heartbeat.opened("pods", Stream())
    clock.now = 120.0
    assert heartbeat.silent(90, 0.0) == []
    clock.now = 151.0
    assert heartbeat.silent(90, 0.0) == ["pods"]


def test_while_the_apiserver_is_away_no_watch_is_blamed() -> None:
    clock = Clock()
    heartbeat = Heartbeat(["pods"], clock)
    clock.now = 9999.0
    assert heartbeat.silent(90, None) == []


def test_it_is_synced_when_each_resource_was_listed_and_is_watched() -> None:
    heartbeat = Heartbeat(["pods", "jobs"])
    heartbeat.opened("pods", Stream())
    heartbeat.opened("leases", Stream())
    assert not heartbeat.synced
    heartbeat.opened("jobs", Stream())
    assert heartbeat.synced
