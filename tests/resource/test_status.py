"""The status: what others wrote into it is cut, and never refused, since the counts beside it would be lost."""

from graphcron.resource.fields import clipped
from graphcron.resource.status import MESSAGE_LIMIT, REASON_LIMIT, GraphCronStatus


def test_long_texts_are_cut() -> None:
    entry = {"scheduledTime": "2026-12-01T10:00:00Z", "outcome": "Failed", "runId": "r" * 5000, "threadId": "t"}
    condition = {"type": "Ready", "status": "False", "lastTransitionTime": "2026-12-01T10:00:00Z"}
    long = {"reason": "R" * 5000, "message": "m" * 500_000}
    status = GraphCronStatus.model_validate(
        {"firings": {"failed": 7}, "conditions": [condition | long], "history": [entry | long]}
    )
    assert status.firings
    assert status.firings.failed == 7
    written = status.to_dict()
    for part in (*written["conditions"], *written["history"]):
        assert len(part["reason"]) == REASON_LIMIT
        assert len(part["message"]) == MESSAGE_LIMIT
    assert len(written["history"][0]["runId"]) == 256
    assert len(str(written)) < 10_000


def test_what_is_cut_says_how_long_it_was() -> None:
    assert clipped("short", 100) == "short"
    assert clipped("x" * 101, 100) == "x" * 82 + "… (101 characters)"
