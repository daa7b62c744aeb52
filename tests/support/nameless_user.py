"""The environment of a user id that has no name and no home, as in an image that does not know the user."""

from pathlib import Path

OPERATOR = Path(__file__).parents[2] / "operator"

_WITHOUT_NAME = """\
import pwd

def nobody(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")

pwd.getpwuid = nobody
"""


def nameless(folder: Path) -> dict[str, str]:
    """Variables with which a Python of ours finds no name for its user, and no home; more are in the caller's hand."""
    (folder / "sitecustomize.py").write_text(_WITHOUT_NAME)
    return {"PYTHONPATH": f"{folder}:{OPERATOR}"}
