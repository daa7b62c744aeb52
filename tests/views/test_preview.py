"""What a schedule means, while somebody writes it."""

from datetime import UTC, datetime

from graphcron.views.preview import EXAMPLE, preview

NOW = datetime(2026, 11, 27, 13, 30, 20, tzinfo=UTC)


def test_words_and_next_times_in_the_zone() -> None:
    found = preview("30 8 * * mon-fri", "Europe/Berlin", NOW)
    assert found.words == "At 08:30, Monday through Friday"
    assert [f"{time:%a %d %H:%M %Z}" for time in found.times][:2] == ["Mon 30 08:30 CET", "Tue 01 08:30 CET"]
    assert (len(found.times), found.fault, found.zone_fault, found.notes) == (5, "", "", ())


def test_a_wrong_schedule_is_told_in_the_words_of_kubectl() -> None:
    found = preview("61 * * * *", "", NOW)
    assert found.fault == (
        "Invalid cron schedule: '61 * * * *'. Reason: '61' is no valid minute: it goes from 0 to 59."
    )
    assert found.times == ()


def test_a_wrong_zone_leaves_the_words() -> None:
    found = preview("0 9 * * *", "Mars/Base", NOW)
    assert found.words == "At 09:00"
    assert found.zone_fault.startswith("Invalid timezone: 'Mars/Base'.")
    assert found.times == ()


def test_nothing_yet_is_no_mistake() -> None:
    assert preview("  ", "", NOW).fault == ""


def test_h_of_a_new_cron_is_an_example_and_that_of_a_known_one_its_own() -> None:
    assert preview("H * * * *", "", NOW).notes == (EXAMPLE,)
    assert preview("H * * * *", "", NOW, seed="uid").notes == ()


def test_a_step_that_does_not_do_what_it_seems_to_is_told() -> None:
    assert any("'*/90'" in note for note in preview("*/90 * * * *", "", NOW).notes)


def test_a_megabyte_is_not_read() -> None:
    assert len(preview("9" * 1_000_000, "", NOW).fault) < 3000
