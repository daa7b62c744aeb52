"""Our next firings are those of robfig/cron, for every vector (see tests/vectors)."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from graphcron.schedule.expression import read
from graphcron.schedule.next_runs import next_times
from tests import vectors
from tests.support.extent import Extent

SAMPLE = 3_000


def test_every_schedule_fires_when_robfig_cron_does(extent: Extent) -> None:
    data, lines = vectors.load()
    expected = list(lines)
    assert data == vectors.zone_data(), "the zone data are others now: run make vectors, and look at what changed"
    wrong, compared = [], Counter[str]()
    zones: dict[str, ZoneInfo] = {}
    assert len(expected) >= 20_000
    for vector in extent.choose(expected, SAMPLE):
        if vector.zone not in zones:
            zones[vector.zone] = vectors.zone(vector.zone)
        zone, schedule = zones[vector.zone], read(vector.written)
        start = datetime.fromtimestamp(vector.start * 60, UTC)
        moments = [start, *next_times(schedule, zone, start, 5)]
        steps = tuple((later - earlier) // timedelta(minutes=1) for earlier, later in pairwise(moments))
        if steps != vector.steps or schedule.kubernetes != vector.spelled:
            wrong.append((vector, schedule.kubernetes, steps))
        compared[vector.zone] += 1
    assert not wrong, f"{len(wrong)} differ, the first: {wrong[:3]}"
    assert compared.total() == extent.count(len(expected), SAMPLE)
    assert {"Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia", "America/Sao_Paulo", "Asia/Kolkata"} <= set(compared)
    assert len(compared) >= 12
