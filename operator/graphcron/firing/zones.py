"""Time zones in run pods. A user's image may have no data of them: then the runner brings that of the schedule's zone.

Standard library only; `zoneinfo` takes a few milliseconds, which only those pay who ask for a zone.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

ZONE_FILE = "zone.tzif"
"""Beside this module in a copied runner (`copy_runner`): the data of the schedule's zone."""


@lru_cache(maxsize=64)
def zone_of(name: str) -> "ZoneInfo":
    """The zone of that IANA name, which is the schedule's. Raises KeyError for a name that is none."""
    from zoneinfo import ZoneInfo

    try:
        with open(f"{__file__.rpartition('/')[0]}/{ZONE_FILE}", "rb") as data:  # noqa: PTH123  pathlib costs start-up time
            return ZoneInfo.from_file(data, key=name)
    except FileNotFoundError:
        return ZoneInfo(name)
