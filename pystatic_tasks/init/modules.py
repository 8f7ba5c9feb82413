"""Reads and parses a project's own modules without importing them."""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from keyword import iskeyword
from pathlib import Path

from pystatic_tasks.system.files import is_left_by_tools, read_source, walk

# Folders whose code is not served.
BESIDE_THE_CODE = {
    *("test", "tests", "testing", "doc", "docs", "example", "examples", "sample", "samples", "scripts"),
    *("bench", "benchmark", "benchmarks", "migrations", "alembic", "build", "dist", "site-packages", "venv"),
}
FILES_BESIDE_THE_CODE = {"setup.py", "noxfile.py", "conftest.py", "__main__.py"}
LARGEST_FILE = 1_000_000
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, kw_only=True, eq=False)
class Module:
    """One file of the project.

    Attributes:
        name: The name that it is imported by.
        path: Its path.
        tree: Its syntax tree.
        imports: The full name of each imported name, wherever in the file it is imported.
    """

    name: str
    path: Path
    tree: ast.Module
    imports: Mapping[str, str]

    @cached_property
    def bound(self) -> Mapping[str, Sequence[ast.expr | Definition]]:
        """What the module's names are bound to, in the order of the file."""
        return bound_names(self.tree.body)

    def dotted(self, node: ast.AST | None) -> str:
        """The full name that an expression of names and dots stands for, or ""."""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, f"{self.name}.{node.id}")
        if isinstance(node, ast.Attribute):
            before = self.dotted(node.value)
            return f"{before}.{node.attr}" if before else ""
        return ""


@dataclass(frozen=True, kw_only=True)
class Code:
    """All modules of a project by name, and a line for each file that could not be read."""

    modules: Mapping[str, Module]
    skipped: Sequence[str]

    def split(self, name: str) -> tuple[Module | None, str]:
        """The module that a full name lies in, and the rest of the name."""
        parts = name.split(".")
        for count in range(len(parts), 0, -1):
            module = self.modules.get(".".join(parts[:count]))
            if module is not None:
                return module, ".".join(parts[count:])
        return None, name

    def origin(self, name: str, steps: int = 8) -> str:
        """The full name under which something is defined, for a name that may be imported."""
        module, rest = self.split(name)
        first, dot, more = rest.partition(".")
        if module is None or not first or first in module.bound or first not in module.imports or not steps:
            return name
        return self.origin(module.imports[first] + dot + more, steps - 1)

    def find(self, name: str) -> tuple[Module | None, Sequence[ast.expr | Definition]]:
        """The module in which a full name is defined, and what the name is bound to there."""
        module, rest = self.split(self.origin(name))
        return module, module.bound.get(rest, ()) if module else ()


def read_code(root: Path, folders: Sequence[Path]) -> Code:
    """All modules that can be imported from `folders`, except for tests and other projects below the root.

    Args:
        root: The project's folder; the lines about unreadable files show paths relative to it.
        folders: Folders that modules are imported from.
    """
    modules: dict[str, Module] = {}
    skipped = []
    for folder in sorted(folders, key=lambda each: len(each.parts), reverse=True):
        others = [each for each in folders if each != folder and each.is_relative_to(folder)]
        for path in python_files(folder, others):
            name = module_name(path.relative_to(folder))
            if not name or name in modules:
                continue
            try:
                tree = parse(read_source(path))
            except SyntaxError as error:
                skipped.append(f"{path.relative_to(root)}, line {error.lineno or 1}: {error.msg}")
            except (OSError, ValueError, RecursionError, MemoryError) as error:
                skipped.append(f"{path.relative_to(root)}: {getattr(error, 'strerror', None) or error}")
            else:
                imports = imported_names(tree, name, is_package=path.name == "__init__.py")
                modules[name] = Module(name=name, path=path, tree=tree, imports=imports)
    return Code(modules=modules, skipped=skipped)


def python_files(folder: Path, others: Iterable[Path]) -> Iterator[Path]:
    """The Python files whose code may be served."""
    left_out = set(others)
    for path in walk(folder, leave_out=lambda each: each in left_out or is_beside_the_code(each)):
        is_test = path.name.startswith("test_") or path.name.endswith("_test.py")
        if path.suffix == ".py" and not is_test and path.name not in FILES_BESIDE_THE_CODE and path.is_file():
            try:
                is_small = path.stat().st_size <= LARGEST_FILE
            except OSError:
                continue
            if is_small:
                yield path


def is_beside_the_code(folder: Path) -> bool:
    """Whether a folder has no code to serve: tests, another project, or nothing readable."""
    if not os.access(folder, os.R_OK | os.X_OK):
        return True
    return folder.name in BESIDE_THE_CODE or is_left_by_tools(folder) or is_project(folder)


def is_project(folder: Path) -> bool:
    """Whether a folder is a project of its own; a package that contains a requirements file is not."""
    if (folder / "pyproject.toml").is_file():
        return True
    has_requirements = (folder / "requirements.txt").is_file() or (folder / "setup.py").is_file()
    return has_requirements and not (folder / "__init__.py").exists()


def module_name(path: Path) -> str:
    """The name that a file is imported by, or "" if it cannot be imported."""
    parts = path.with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(parts) if all(each.isidentifier() and not iskeyword(each) for each in parts) else ""


def parse(source: str | bytes) -> ast.Module:
    """The syntax tree of a file, without Python's warnings about the code.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is not valid Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def imported_names(tree: ast.Module, name: str, *, is_package: bool) -> dict[str, str]:
    """The full name of each name that is imported anywhere in a module."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                found[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            base = imported_from(node, name, is_package=is_package)
            found.update({alias.asname or alias.name: f"{base}.{alias.name}".lstrip(".") for alias in node.names})
    return found


def imported_from(node: ast.ImportFrom, name: str, *, is_package: bool) -> str:
    parts = name.split(".")
    above = parts[: len(parts) - node.level + is_package] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


def statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The statements of a body, including those inside `if`, `try` and `with`, but not below a main guard."""
    # Without recursion, since a chain of `elif` may be long.
    todo = [*body][::-1]
    while todo:
        each = todo.pop()
        yield each
        if not isinstance(each, DEFINITIONS) and not is_main_guard(each):
            parts = (getattr(each, part, ()) for part in ("body", "handlers", "orelse", "finalbody", "cases"))
            todo += [inner for part in parts for inner in part][::-1]


def is_main_guard(node: ast.AST) -> bool:
    """Whether it is `if __name__ == "__main__":`."""
    if not isinstance(node, ast.If):
        return False
    test = node.test
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def bound_names(body: Iterable[ast.AST]) -> dict[str, list[ast.expr | Definition]]:
    """What names are bound to by assignments and definitions."""
    found: dict[str, list[ast.expr | Definition]] = {}
    for each in statements(body):
        if isinstance(each, DEFINITIONS):
            found.setdefault(each.name, []).append(each)
        for name, value in assigned(each):
            found.setdefault(name, []).append(value)
    return found


def assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The names that a statement assigns to, each with the value."""
    if isinstance(node, ast.Assign):
        yield from ((each.id, node.value) for each in node.targets if isinstance(each, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        yield node.target.id, node.value


def literal(node: ast.AST | None) -> str | None:
    """The value of a string literal; None for other expressions."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    """The value of the first keyword argument that has one of these names."""
    return next((each.value for each in call.keywords if each.arg in names), None)
