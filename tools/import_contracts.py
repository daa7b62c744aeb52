"""Contracts of import-linter that it has not itself (`contract_types` in pyproject.toml)."""

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class StandardLibraryOnly(Contract):
    """The source packages import each other and the standard library. `except_packages` may be imported besides."""

    type_name = "standard_library_only"

    source_modules = fields.SetField(subfield=fields.ModuleField())
    except_packages = fields.SetField(subfield=fields.StringField(), required=False, default=set())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        sources: Any = self.source_modules
        packages = [source.name for source in sources]
        missing = [name for name in packages if name not in graph.modules]
        if missing:
            raise ValueError(f"there are no packages {', '.join(missing)}")
        inside = {name for package in packages for name in (package, *graph.find_descendants(package))}
        external = sys.stdlib_module_names | set(self.except_packages)  # type: ignore[call-overload]
        found = [
            (importer, imported, detail["line_number"])
            for importer in sorted(inside)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if imported not in inside and imported.partition(".")[0] not in external
            for detail in graph.get_import_details(importer=importer, imported=imported)
        ]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported, line in check.metadata["found"]:
            output.print_error(f"- {importer} -> {imported} (l.{line})", bold=False)
        output.new_line()
