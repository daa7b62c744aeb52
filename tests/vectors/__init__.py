"""What robfig/cron v3.0.1 answers to thousands of schedules, committed as `vectors.xz`; `make vectors` asks anew.

A vector is a line: the schedule as written, the CronJob's spelling when it is another, the zone, the start in minutes
since 1970, and the minutes from one firing to the next. The first line names the zone data that were used.
"""

import lzma
from collections.abc import Iterator
from importlib import metadata, resources
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

FILE = Path(__file__).parent / "vectors.xz"


class Vector(NamedTuple):
    written: str
    spelled: str
    zone: str
    start: int
    """Minutes since 1970."""
    steps: tuple[int, ...]
    """Minutes from the start to the first firing, and from each to the next; at most five."""


def zone_data() -> str:
    """The zone data that both sides use: PyPI's, never the machine's, which may be older or newer."""
    return f"tzdata {metadata.version('tzdata')}"


def zone(name: str) -> ZoneInfo:
    """The zone by those data."""
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def write(vectors: list[Vector]) -> None:
    lines = [zone_data()]
    for vector in vectors:
        spelled = "" if vector.spelled == vector.written else vector.spelled
        lines.append(
            "|".join([vector.written, spelled, vector.zone, str(vector.start), " ".join(map(str, vector.steps))])
        )
    FILE.write_bytes(lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME))


def load() -> tuple[str, Iterator[Vector]]:
    """The zone data that were used, and the vectors."""
    header, *lines = lzma.decompress(FILE.read_bytes()).decode().split("\n")
    return header, map(_read, lines)


def _read(line: str) -> Vector:
    written, spelled, zone_name, start, steps = line.split("|")
    return Vector(written, spelled or written, zone_name, int(start), tuple(map(int, steps.split())))
