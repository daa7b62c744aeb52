"""A GraphCron's schedule in words. Pure."""

from functools import lru_cache

from graphcron.kube.resources import Manifest
from graphcron.schedule.description import in_words
from graphcron.schedule.expression import is_hashed, read
from graphcron.schedule.field_syntax import InvalidSchedule


def schedule_in_words(graphcron: Manifest) -> str:
    """The schedule in English, or what is wrong with it."""
    schedule = str((graphcron.get("spec") or {}).get("schedule", ""))
    return _in_words(schedule, graphcron["metadata"]["uid"] if is_hashed(schedule) else "")


@lru_cache(maxsize=4096)  # a description takes a millisecond, and a list has fifty of them
def _in_words(schedule: str, uid: str) -> str:
    try:
        return in_words(read(schedule, uid))
    except InvalidSchedule as invalid:
        return str(invalid)
