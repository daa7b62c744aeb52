"""The examples of each released version of the chart."""

from pathlib import Path

RELEASED = Path(__file__).parents[1] / "chart/released"
FILES = sorted(RELEASED.glob("*/*.yaml"))
