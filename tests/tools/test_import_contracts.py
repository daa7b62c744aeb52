"""The contracts of import-linter refuse what they forbid: in each package, in a new module too."""

import os
import re
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


CASES = [
    ("facade/store/store.py", "import kopf", {KOPF, PURE}),
    ("facade/store/cached_store.py", "import kopf", {KOPF, PURE}),
    ("facade/proxy/upstream.py", "import kopf", {KOPF, PURE}),
    ("operator/reconcile.py", "import kubernetes", {KUBERNETES, PURE}),
    ("operator/controller.py", "import kopf", {KOPF, PURE}),
    ("operator/main.py", "import kopf", {KOPF, PURE}),
    ("kube/transport.py", "import kubernetes", {KUBERNETES, PURE}),
    ("kube/lease.py", "import time", {PURE}),
    ("schedule/next_runs.py", "import time", {PURE}),
    ("resource/spec.py", "import os", {PURE}),
    ("facade/translation.py", "import time", {PURE}),
    ("facade/request_log.py", "import prometheus_client", {PURE}),
    ("runner/attempt.py", "import aiohttp", {STANDARD_LIBRARY}),
    ("runner/retry.py", "import graphcron.resource.identity", {LAYERS, STANDARD_LIBRARY}),
    ("firing/order.py", "import pydantic", {STANDARD_LIBRARY}),
    ("firing/outcome.py", "import time", {PURE}),
    ("operator/cronjob.py", "import graphcron.facade.cors", {LAYERS}),
    ("facade/cors.py", "import graphcron.operator.drift", {LAYERS}),
    ("notifier/due.py", "import graphcron.operator.drift", {LAYERS}),
    ("notifier/message.py", "import time", {PURE}),
    ("kube/client.py", "import graphcron.operator.drift", {LAYERS}),
    ("kube/resources.py", "import graphcron.firing.formats", {KUBE}),
    ("facade/quota.py", "import graphcron.runner.retry", {RUNNER}),
    ("schedule/fields.py", "import graphcron.logs", {SETTINGS}),
]
"""Each is an import, and the contracts that refuse it."""

PACKAGES = tuple(
    "commands console facade facade/auth facade/proxy facade/store facade/v1 firing kube notifier operator resource "
    "runner schedule views".split()
)


def refused(folder: Path) -> dict[str, set[str]]:
    """What `lint-imports` refuses in a copy: by contract, the imports and the modules that it names."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environ = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    _, *sections = re.split(r"^(.+)\n-{5,}\n", done.stdout.partition("Broken contracts\n")[2], flags=re.M)
    found = {
        name: set(re.findall(r"graphcron[\w.]*(?: -> [\w.]+)?", text))
        for name, text in zip(sections[::2], sections[1::2], strict=True)
    }
    assert (done.returncode == 0) == (not found)
    return found


def copied(folder: Path) -> Path:
    """The package and its contracts, to be broken."""
    for source, name in ((ROOT / "operator/graphcron", "graphcron"), (ROOT / "tools", "tools")):
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")
    return folder


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What is refused in a copy that has each of the imports."""
    folder = copied(tmp_path_factory.mktemp("cases"))
    for file, line, _ in CASES:
        path = folder / "graphcron" / file
        path.write_text(f"{path.read_text()}\n{line}\n")
    return refused(folder)


@pytest.fixture(scope="module")
def novel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What is refused in a copy with a new module in each package, and one at the top."""
    folder = copied(tmp_path_factory.mktemp("novel"))
    for package in (*PACKAGES, "."):
        (folder / "graphcron" / package / "novel.py").write_text("import kopf\nimport kubernetes\nimport time\n")
    return refused(folder)


def test_the_package_as_it_is_breaks_none(tmp_path: Path) -> None:
    assert refused(copied(tmp_path)) == {}


@pytest.mark.parametrize(("file", "line", "contracts"), CASES, ids=[f"{file} {line}" for file, line, _ in CASES])
def test_a_forbidden_import_is_refused(broken: dict[str, set[str]], file: str, line: str, contracts: set[str]) -> None:
    importer = f"graphcron.{file.removesuffix('.py').replace('/', '.')}"
    found = {name for name, imports in broken.items() if f"{importer} -> {line.removeprefix('import ')}" in imports}
    assert found == contracts


def test_each_package_is_named_here() -> None:
    package = ROOT / "operator/graphcron"
    found = {file.parent.relative_to(package).as_posix() for file in package.glob("*/**/__init__.py")}
    assert found == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_new_module_may_do_no_more_than_the_others(novel: dict[str, set[str]], package: str) -> None:
    module = f"graphcron.{package.replace('/', '.')}.novel"
    assert f"{module} -> kopf" in novel[KOPF]
    assert f"{module} -> kubernetes" in novel[KUBERNETES]
    if package in ("firing", "runner"):
        assert f"{module} -> kopf" in novel[STANDARD_LIBRARY]
    if package != "runner":  # it waits, and asks the clock
        assert f"{module} -> time" in novel[PURE]


def test_a_new_module_at_the_top_has_to_find_its_place(novel: dict[str, set[str]]) -> None:
    assert "graphcron.novel -> kopf" in novel[KOPF]
    assert "graphcron.novel" in novel[LAYERS]
