"""The shape of the source tree, where a mistake would not show by itself."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_operator_is_a_source_root_and_no_package() -> None:
    """An `operator/__init__.py` would shadow the standard library's `operator` for everything run from the root."""
    assert not (ROOT / "operator" / "__init__.py").exists()
