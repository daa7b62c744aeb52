"""Events as people read them."""

from graphcron.views.events import SHOWN, EventLine, newest_first


def test_the_newest_comes_first_whoever_wrote_it() -> None:
    old = {"lastTimestamp": "2026-11-27T10:00:00Z", "type": "Normal", "reason": "RunFailed", "message": "m", "count": 3}
    new = {"eventTime": "2026-11-27T10:00:01.123456Z", "type": "Warning", "involvedObject": {"kind": "CronJob"}}
    series = {
        "eventTime": "2026-11-27T09:00:00.1Z",
        "series": {"count": 7, "lastObservedTime": "2026-11-27T11:00:00.1Z"},
    }
    assert newest_first([old, new, series, {}]) == [
        EventLine("2026-11-27T11:00:00Z", "", False, "", "", 7),
        EventLine("2026-11-27T10:00:01Z", "CronJob", True, "", "", 1),
        EventLine("2026-11-27T10:00:00Z", "", False, "RunFailed", "m", 3),
        EventLine("", "", False, "", "", 1),
    ]


def test_their_number_is_bounded() -> None:
    assert len(newest_first({"message": str(number)} for number in range(2 * SHOWN))) == SHOWN
