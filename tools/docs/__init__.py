"""Generators of reference pages: docs/spec.md, docs/reasons.md, and the README and schema of the chart."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The repository."""
