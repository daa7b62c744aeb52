"""The shape of the source tree, where a mistake would not show by itself."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator/graphcron"


def test_operator_is_a_source_root_and_no_package() -> None:
    """An `operator/__init__.py` would shadow the standard library's `operator` for everything run from the root."""
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_no_file_of_the_package_is_longer_than_300_lines() -> None:
    lines = {file: len(file.read_text().splitlines()) for file in PACKAGE.rglob("*.py")}
    assert lines
    assert {file: number for file, number in lines.items() if number > 300} == {}


def test_no_test_file_imports_from_another() -> None:
    """What two of them need is in tests/support."""
    files = list((ROOT / "tests").rglob("*.py"))
    assert files
    foreign = re.compile(r"^\s*from tests\.[\w.]*\btest_\w+ import", re.M)
    assert [file for file in files if foreign.search(file.read_text())] == []


UNTESTED = {
    "__main__.py": "calls the command",
    "commands/options.py": "options; tests/commands/test_app.py starts the commands that have them",
    "console/source.py": "a protocol and its exceptions",
    "console/visit.py": "what a page gets; tests/console asks for pages",
    "facade/errors.py": "exceptions that hold a status and a sentence",
    "facade/operation.py": "what two descriptions share; tests/facade/test_openapi.py reads the document",
    "facade/store/store.py": "a protocol and its exceptions",
    "facade/v1/described.py": "descriptions; tests/facade/test_openapi_served.py asks for each status of them",
    "facade/v1/described_costs.py": "descriptions; tests/facade/v1/test_handlers.py reads answers by them",
    "facade/v1/links.py": "texts; tests/facade/v1/test_handlers.py follows them",
    "facade/v1/routes.py": "a table; tests/facade/v1/test_handlers.py and test_openapi_served.py ask for each route",
    "operator/run_pod_defaults.py": "constants; tests/chart/test_values.py compares them with those of the chart",
    "resource/backfill_guide.py": "texts, as those of resource/firing_guide.py",
    "resource/channel_guide.py": "texts, as those of resource/firing_guide.py",
    "resource/firing_guide.py": "texts; tests/tools/docs/test_spec_docs.py compares them with the reasons of the code",
    "resource/spec_parts.py": "fields; tests/resource/test_spec.py has what fits together",
}
"""Modules that decide nothing, and why there is nothing to test."""


def untested(package: Path, tests: Path) -> set[str]:
    """Modules without a test file of their name at the same place."""
    modules = {file.relative_to(package) for file in package.rglob("*.py") if file.name != "__init__.py"}
    return {module.as_posix() for module in modules if not (tests / module.parent / f"test_{module.name}").exists()}


def test_each_module_has_a_test_file_of_its_name_unless_it_decides_nothing() -> None:
    assert untested(PACKAGE, ROOT / "tests") == set(UNTESTED)


def test_a_module_without_its_test_file_is_named(tmp_path: Path) -> None:
    for file in ("package/a.py", "package/b/c.py", "package/b/__init__.py", "tests/test_a.py", "tests/test_c.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert untested(tmp_path / "package", tmp_path / "tests") == {"b/c.py"}


def test_an_init_file_holds_a_docstring_and_no_code() -> None:
    """A run pod imports the packages that it needs at each firing, and no more."""
    for file in PACKAGE.glob("*/**/__init__.py"):
        assert re.fullmatch(r'"""[^"]*"""\n', file.read_text()), file


def containing(pattern: str) -> set[str]:
    """The files of the package in which something like that is."""
    found = {str(file.relative_to(PACKAGE)): file.read_text() for file in PACKAGE.rglob("*.py")}
    return {name for name, text in found.items() if re.search(pattern, text)}


def test_pydantics_findings_are_read_where_their_number_is_bounded() -> None:
    """They take a kilobyte each, and a wrong list of a megabyte would have half a million of them."""
    assert containing(r"\.errors\(") == {"environ.py", "facade/schemas.py", "resource/spec_reader.py"}


def test_errors_are_answered_where_their_length_is_bounded() -> None:
    assert containing(r"[{]\"detail\": (?!\")") == {"facade/middleware.py", "http_server.py"}


def test_conditions_are_made_where_their_length_is_bounded() -> None:
    assert containing(r"\"lastTransitionTime\":") == {"operator/conditions.py"}
