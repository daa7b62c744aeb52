"""What a field of a schedule may hold, and what a refusal says."""

import pytest

from graphcron.schedule.expression import read
from graphcron.schedule.field_syntax import InvalidSchedule, oversized_steps

REFUSED = {
    "no schedule at all": ("banana", "standard cron format"),
    "nothing": ("", "standard cron format"),
    "seconds": ("*/30 * * * * *", "Seconds and years are not supported: write five fields"),
    "a zone inside": ("TZ=Europe/Berlin 0 9 * * *", "name it in 'timezone'"),
    "an interval": ("@every 5m", "Write five fields"),
    "a name that is none": ("@reboot", "Known are @yearly"),
    "a day before the last": ("0 0 L-3 * *", "write 'L' for the last day"),
    "the last weekday": ("0 0 LW * *", "write 'L' for the last day"),
    "the nearest weekday among others": ("0 0 15W,20 * *", "'15W' can only stand alone"),
    "a last Friday as others write it": ("0 0 * * 5L", "write 'L5' for the month's last Friday"),
    "a sixth Friday": ("0 0 * * 5#6", "'5#2' for the second one"),
    "a range of numbers": ("0 0 * * 1-5#1", "'5#2' for the second one"),
    "a range of a number and a name": ("0 0 * * 1-fri#1", "'5#2' for the second one"),
    "a no-break space at the end": ("0 0 * * *\u00a0", "standard cron format"),
    "a no-break space between fields": ("0 0 * *\u00a0*", "standard cron format"),
    "numbered weekdays among plain ones": ("0 0 * * 5#2,1", "are all numbered"),
    "days that exclude each other": ("0 0 15W * 5#1", "It never fires"),
    "days that croniter never finds": ("0 0 1 * 5#2", "It never fires"),
    "the last hour": ("0 L * * *", "'L' in the hour is not supported"),
    "a hash in a list": ("H,30 * * * *", "'H,30' is no valid minute: 'H' is the whole field"),
    "a hash beyond the field": ("H(0-60) * * * *", "The range of 'H(0-60)' in the minute must lie within 0 and 59"),
    "a hash that runs backwards": ("H(30-10) * * * *", "must lie within 0 and 59, and run forwards"),
    "a hash without a step": ("H/0 * * * *", "The step of 'H/0' in the minute must be 1 or more"),
    "a random value": ("R * * * *", "'R' in the minute is not supported"),
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


@pytest.mark.parametrize(
    ("spec", "piece", "larger"),
    [
        ("*/90 * * * *", "'*/90' in the minute", "hour"),
        ("0 */36 * * *", "'*/36' in the hour", "day"),
        ("0 0 1-31/40 * *", "'1-31/40' in the day of month", "month"),
        ("0 22-2/5 * * *", "'22-2/5' in the hour", "day"),
        ("0 0 * jan-mar/3 *", "'jan-mar/3' in the month", "year"),
        ("H(0-9)/10 * * * *", "'H(0-9)/10' in the minute", "hour"),
        ("0,50/10 * * * *", "'50/10' in the minute", "hour"),
    ],
)
def test_a_step_that_is_larger_than_its_range_is_warned_of(spec: str, piece: str, larger: str) -> None:
    (said,) = oversized_steps(spec)
    assert f"The step of {piece} is larger than its range" in said
    assert said.endswith(f"in each {larger}.")


@pytest.mark.parametrize("spec", ["*/59 * * * *", "0 0 1-31/30 * *", "0 22-2/4 * * *", "H/15 * * * *", "@daily"])
def test_a_step_that_leads_to_a_second_value_is_not_warned_of(spec: str) -> None:
    assert oversized_steps(spec) == []
