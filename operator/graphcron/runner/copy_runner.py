"""`graphcron copy-runner`: copies the packages `firing` and `runner` into a volume of the user's container, with the
data of a time zone, which that may lack."""

import shutil
import zoneinfo
from importlib import resources
from pathlib import Path

from graphcron.firing.zones import ZONE_FILE

MAIN = """\
import sys

if sys.version_info < (3, 11):
    sys.exit(f"GraphCron needs Python 3.11 or later in the image, and python3 is {sys.version.split()[0]}")

import os

from graphcron.runner import in_pod_engine

code = in_pod_engine.main(os.environ)
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)  # a thread that the graph left behind must not keep the pod
"""


def copy_to(directory: str, zone: str | None = None) -> None:
    """What an init container does (`graphcron copy-runner DIRECTORY ZONE`)."""
    ours, theirs = Path(__file__).parents[1], Path(directory) / "graphcron"
    for room in ("firing", "runner"):
        shutil.copytree(
            ours / room,
            theirs / room,
            ignore=shutil.ignore_patterns("__pycache__"),
            copy_function=shutil.copyfile,
            dirs_exist_ok=True,
        )
    shutil.copyfile(ours / "__init__.py", theirs / "__init__.py")
    (Path(directory) / "__main__.py").write_text(MAIN, encoding="utf-8")
    if zone and (data := _data_of(zone)):
        (theirs / "firing" / ZONE_FILE).write_bytes(data)


def _data_of(zone: str) -> bytes | None:
    """From where `zoneinfo` takes it; None when there is none."""
    for folder in map(Path, zoneinfo.TZPATH):
        if (folder / zone).is_file():
            return (folder / zone).read_bytes()
    try:
        return resources.files("tzdata").joinpath("zoneinfo", *zone.split("/")).read_bytes()
    except (ImportError, OSError):
        return None
