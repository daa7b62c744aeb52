"""The dialect layer: what is accepted, how it is spelled for Kubernetes, and what a refusal says."""

import pytest

from graphcron.dialect import InvalidSchedule, read

REWRITTEN = {
    "what Kubernetes reads stays as it was": ("*/5 9-17 1,15 jan-mar mon-fri", "*/5 9-17 1,15 jan-mar mon-fri"),
    "white space is one blank": ("  0\t0 *  * * ", "0 0 * * *"),
    "Sunday may be 7": ("0 0 * * 7", "0 0 * * 0"),
    "a range up to Sunday as 7": ("0 0 * * 5-7", "0 0 * * 0,5,6"),
    "hours run over midnight": ("0 22-2 * * *", "0 0,1,2,22,23 * * *"),
    "weekdays run over the week's end": ("0 0 * * fri-mon", "0 0 * * 0,1,5,6"),
    "a named schedule becomes fields": ("@daily", "0 0 * * *"),
    "names in any case": ("0 0 * JAN Mon", "0 0 * jan mon"),
}


@pytest.mark.parametrize(("written", "spelled"), REWRITTEN.values(), ids=REWRITTEN)
def test_a_schedule_is_spelled_for_kubernetes(written: str, spelled: str) -> None:
    assert read(written).kubernetes == spelled


REFUSED = {
    "no schedule at all": ("banana", "standard cron format"),
    "nothing": ("", "standard cron format"),
    "seconds": ("*/30 * * * * *", "Seconds and years are not supported: write five fields"),
    "a zone inside": ("TZ=Europe/Berlin 0 9 * * *", "name it in 'timezone'"),
    "an interval": ("@every 5m", "Write five fields"),
    "a name that is none": ("@reboot", "Known are @yearly"),
    "the last day": ("0 0 L * *", "'L' in the day of month is not supported"),
    "the nearest weekday": ("0 0 15W * *", "'W' in the day of month"),
    "the second Friday": ("0 0 * * 5#2", "'#' in the day of week"),
    "a random minute": ("R * * * *", "'R' in the minute"),
    "an hour that is none": ("0 24 * * *", "'24' is no valid hour: it goes from 0 to 23"),
    "a month that is none": ("0 0 1 13 *", "'13' is no valid month: it goes from 1 to 12"),
    "a step of none": ("*/0 * * * *", "must be 1 or more"),
    "a day that never comes": ("0 0 31 2 *", "It never fires"),
    "all question marks": ("? ? ? ? ?", "standard cron format"),
}


@pytest.mark.parametrize(("written", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_schedule_is_refused_with_its_text_and_a_reason(written: str, reason: str) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        read(written)
    assert str(refused.value).startswith(f"Invalid cron schedule: '{written}'. Reason: ")
    assert reason in str(refused.value)
