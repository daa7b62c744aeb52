"""The contracts of import-linter refuse what they forbid: in each package, in a new module too."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LAYERS = "Each package imports only those below it"
KOPF = "Only operator.kopf_adapter imports kopf"
KUBERNETES = "Only kube.client imports kubernetes"
PURE = "Decisions import no framework, no clock and no environment"
STANDARD_LIBRARY = "firing and runner import the standard library alone"
RUNNER = "Nothing but the command imports runner"
KUBE = "kube imports resource alone"
SETTINGS = "resource, schedule, firing and runner read no settings and set up no log"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its contracts, to be broken."""
    shutil.copytree(ROOT / "operator/graphcron", tmp_path / "graphcron", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def broken(copy: Path) -> set[str]:
    """The contracts that `lint-imports` finds broken."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environ = os.environ | {"PYTHONPATH": str(copy), "COLUMNS": "200"}
    done = subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True)
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    found = {line.partition(" BROKEN")[0] for line in done.stdout.splitlines() if " BROKEN" in line}
    assert (done.returncode == 0) == (not found)
    return found


def test_the_package_as_it_is_breaks_none(copy: Path) -> None:
    assert broken(copy) == set()


@pytest.mark.parametrize(
    ("file", "line", "contracts"),
    [
        ("facade/store/store.py", "import kopf", {KOPF, PURE}),
        ("facade/store/cached_store.py", "import kopf", {KOPF, PURE}),
        ("facade/proxy/upstream.py", "import kopf", {KOPF, PURE}),
        ("operator/reconcile.py", "from kubernetes.aio import client", {KUBERNETES, PURE}),
        ("operator/controller.py", "import kopf", {KOPF, PURE}),
        ("operator/main.py", "import kopf", {KOPF, PURE}),
        ("kube/transport.py", "import kubernetes", {KUBERNETES, PURE}),
        ("kube/lease.py", "import time", {PURE}),
        ("schedule/next_runs.py", "import time", {PURE}),
        ("resource/spec.py", "from os import environ", {PURE}),
        ("facade/translation.py", "from time import time", {PURE}),
        ("runner/attempt.py", "import aiohttp", {STANDARD_LIBRARY}),
        ("firing/order.py", "import pydantic", {STANDARD_LIBRARY}),
        ("firing/order.py", "import time", {PURE}),
        ("operator/cronjob.py", "from graphcron.facade import cors", {LAYERS}),
        ("facade/cors.py", "from graphcron.operator import drift", {LAYERS}),
        ("kube/client.py", "from graphcron.operator import drift", {LAYERS}),
        ("kube/client.py", "from graphcron.firing import formats", {KUBE}),
        ("facade/cors.py", "from graphcron.runner import retry", {RUNNER}),
        ("runner/attempt.py", "from graphcron.resource import identity", {LAYERS, STANDARD_LIBRARY}),
        ("schedule/fields.py", "from graphcron import logs", {SETTINGS}),
    ],
)
def test_a_forbidden_import_is_refused(copy: Path, file: str, line: str, contracts: set[str]) -> None:
    path = copy / "graphcron" / file
    path.write_text(f"{path.read_text()}\n{line}\n")
    assert broken(copy) == contracts


PACKAGES = (
    "facade",
    "facade/auth",
    "facade/proxy",
    "facade/store",
    "firing",
    "kube",
    "operator",
    "resource",
    "runner",
    "schedule",
)


def test_each_package_is_named_here() -> None:
    found = {
        file.parent.relative_to(ROOT / "operator/graphcron").as_posix()
        for file in ROOT.glob("operator/graphcron/**/__init__.py")
    }
    assert found - {"."} == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_new_module_may_do_no_more_than_the_others(copy: Path, package: str) -> None:
    (copy / "graphcron" / package / "novel.py").write_text("import kopf\nimport kubernetes\nimport time\n")
    pure = {STANDARD_LIBRARY} if package == "runner" else {PURE, STANDARD_LIBRARY} if package == "firing" else {PURE}
    assert broken(copy) == {KOPF, KUBERNETES} | pure


def test_a_new_module_or_package_at_the_top_has_to_find_its_place(copy: Path) -> None:
    (copy / "graphcron/novel.py").write_text("import kopf\nimport time\nfrom graphcron.facade import cors\n")
    assert broken(copy) == {KOPF, LAYERS}
