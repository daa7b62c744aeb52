"""Prometheus' own tool, which evaluates alerts on series that a test writes down."""

from pathlib import Path

from cluster import commands, gotools, paths
from cluster.errors import ClusterError

SOURCE = paths.SOURCES / "promtool"
PROGRAM = "github.com/prometheus/prometheus/cmd/promtool"
WITHOUT_DISCOVERY = "-tags=remove_all_sd"
"""Of targets in clouds, whose libraries are most of it."""


def complaints(words: list[str | Path]) -> str:
    """What it says against something; empty when it has nothing to say."""
    try:
        commands.run([gotools.ensure(SOURCE, PROGRAM, WITHOUT_DISCOVERY), *words])
    except ClusterError as error:
        return str(error)
    return ""
