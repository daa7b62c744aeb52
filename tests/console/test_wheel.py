"""The wheel has the pages with all that they need."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = ROOT / "operator/graphcron/console"


def test_templates_styles_scripts_and_licences_are_in_the_wheel(tmp_path: Path) -> None:
    built = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.iterdir()
    expected = {
        str(file.relative_to(ROOT / "operator"))
        for folder in ("templates", "static")
        for file in (HERE / folder).rglob("*")
        if file.is_file()
    }
    assert {"graphcron/console/templates/layout.html", "graphcron/console/static/vendor/htmx.LICENSE"} <= expected
    assert expected <= set(zipfile.ZipFile(wheel).namelist())
