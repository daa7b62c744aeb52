"""What an action writes to its GraphCron."""

from datetime import UTC, datetime, timedelta

from graphcron.views import actions

NOW = datetime(2026, 12, 1, 10, 5, 0, 123, tzinfo=UTC)


def test_requests_at_different_times_have_different_tokens() -> None:
    assert actions.token(NOW) == "2026-12-01T10:05:00.000123Z"
    assert actions.token(NOW + timedelta(microseconds=1)) != actions.token(NOW)


def test_run_now_sets_an_annotation_and_no_spec() -> None:
    assert actions.run_now("t") == {"metadata": {"annotations": {"graphcron.dev/run-requested": "t"}}}


def test_resume_enables_only_what_is_paused_and_always_counts_failures_anew() -> None:
    anew = {"metadata": {"annotations": {"graphcron.dev/resume-requested": "t"}}}
    assert actions.resume({"spec": {}}, "t") == anew
    assert actions.resume({"spec": {"enabled": True}}, "t") == anew
    paused = {"spec": {"enabled": False, "pauseReason": "holidays"}}
    assert actions.resume(paused, "t") == anew | {"spec": {"enabled": True, "pauseReason": None}}
    assert actions.pause("holidays") == {"spec": paused["spec"]}
