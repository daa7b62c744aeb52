"""IANA time zones, by the rules of Kubernetes."""

import re
from functools import lru_cache
from zoneinfo import ZoneInfo


class InvalidTimezone(ValueError):
    """A time zone that is not an IANA name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Invalid timezone: '{name}'. Use IANA timezone format (e.g. 'America/New_York').")


@lru_cache(maxsize=1024)
def read_timezone(name: str | None) -> ZoneInfo:
    """The zone of that IANA name; None means Etc/UTC. Names are case-sensitive, as in Kubernetes.

    Raises InvalidTimezone.
    """
    name = "Etc/UTC" if name is None else name
    # Kubernetes refuses "Local" and any part over 14 characters (validation of CronJob's timeZone); ZoneInfo would
    # also find the leap-second files and the machine's own zone.
    acceptable = re.fullmatch(r"[A-Za-z0-9_+-]{1,14}(/[A-Za-z0-9_+-]{1,14}){0,2}", name)
    if not acceptable or name.lower() in ("local", "localtime") or name.startswith(("posix/", "right/")):
        raise InvalidTimezone(name)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidTimezone(name) from None
