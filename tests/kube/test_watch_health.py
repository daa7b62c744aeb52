"""When watching counts as dead, although the process lives."""

import pytest

from graphcron.kube.resources import JOBS, LEASES, PODS
from graphcron.kube.watch_health import WatchHealth

NOW = 1000.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


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
    clock = Clock()
    clock.now = heard
    watches = WatchHealth([PODS], clock)
    clock.now = NOW
    assert watches.silent(180, answering_since) == ([PODS] if dead else [])


class Stream:
    total_bytes = 0
    ended = False

    def is_eof(self) -> bool:
        return self.ended


def test_what_counts_is_what_comes_and_not_that_somebody_answers() -> None:
    clock, stream = Clock(), Stream()
    watches = WatchHealth([PODS], clock, wall=lambda: 1.8e9 + clock())
    clock.now = 100.0
    watches.opened(PODS, stream)
    watches.sample()
    assert watches.silent(90, 0.0) == [PODS]
    assert watches.last_heard == 0
    stream.total_bytes = 80
    watches.sample()
    assert watches.silent(90, 0.0) == []
    assert watches.last_heard == 1.8e9 + 100
    clock.now = 200.0
    watches.opened(PODS, Stream())
    watches.sample()
    assert watches.silent(90, 0.0) == [PODS]


def test_a_watch_that_the_apiserver_ends_in_time_is_alive_without_an_event() -> None:
    """Nothing has happened to that resource for long, and bookmarks are no promise."""
    clock, stream = Clock(), Stream()
    watches = WatchHealth([PODS], clock)
    watches.opened(PODS, stream)
    clock.now = 60.0
    stream.ended = True
    watches.opened(PODS, Stream())
    clock.now = 120.0
    assert watches.silent(90, 0.0) == []
    clock.now = 151.0
    assert watches.silent(90, 0.0) == [PODS]


def test_while_the_apiserver_is_away_no_watch_is_blamed() -> None:
    clock = Clock()
    watches = WatchHealth([PODS], clock)
    clock.now = 9999.0
    assert watches.silent(90, None) == []


def test_it_is_synced_when_each_resource_was_listed_and_is_watched() -> None:
    watches = WatchHealth([PODS, JOBS])
    watches.opened(PODS, Stream())
    watches.opened(LEASES, Stream())
    assert not watches.synced
    watches.opened(JOBS, Stream())
    assert watches.synced


def test_a_watch_that_is_expected_later_counts_from_then_on() -> None:
    """That of backfills: their CRD may be missing."""
    clock = Clock()
    watches = WatchHealth([PODS], clock)
    clock.now = NOW
    watches.expect(JOBS)
    watches.expect(JOBS)
    clock.now = NOW + 100
    assert watches.silent(180, 0.0) == [PODS]
    assert not watches.synced
    clock.now = NOW + 181
    assert watches.silent(180, 0.0) == [PODS, JOBS]
