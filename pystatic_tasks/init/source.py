"""Edits Python files as text: adds an import, and a call at the end."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

from pystatic_tasks.config.write import newline_of
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.init.changes import lines_in
from pystatic_tasks.init.modules import DEFINITIONS, Module, imported_names, is_main_guard, parse

IMPORTS = (ast.Import, ast.ImportFrom)


def read_module(path: Path, text: str) -> Module:
    """Parse a file as a module.

    Raises:
        ConfigError: it is not valid Python.
    """
    try:
        tree = parse(text.removeprefix("\ufeff"))
    except SyntaxError as error:
        raise ConfigError(
            f"{path}, line {error.lineno or 1}: {error.msg}; nothing was written.", "Correct it and run init again."
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"{path} is not valid Python ({error}); nothing was written.", "Correct it.") from None
    imports = imported_names(tree, path.stem, is_package=False)
    return Module(name=path.stem, path=path, tree=tree, imports=imports)


def with_import(path: Path, text: str, line: str, beside: str) -> str:
    """The text with an import added, unless it has it, sorted into the imports around that of `beside`.

    A module of the standard library goes to the others of the standard library instead.
    """
    [wanted] = parse(line).body
    body = read_module(path, text).tree.body
    if any(holds(each, wanted) for each in body):
        return text
    imports = [each for each in body if isinstance(each, IMPORTS) and not is_future(each)]
    if not imports:
        return with_first_import(text, body, line)
    if is_standard(wanted):
        near = [each for each in imports if is_standard(each)]
        if not near:
            return with_lines(text, imports[0].lineno - 1, [line, ""])
    else:
        near = [each for each in imports if names_in(each)[0].startswith(beside)]
    block = neighbours(imports, near[0] if near else imports[-1])
    before = [each for each in block if sort_key(each) < sort_key(wanted)]
    place = (before[-1].end_lineno or 0) if before else block[0].lineno - 1
    return with_lines(text, place, [line])


def holds(node: ast.stmt, wanted: ast.stmt) -> bool:
    """Whether an import covers another one."""
    if not isinstance(node, IMPORTS) or type(node) is not type(wanted) or names_in(node)[:1] != names_in(wanted):
        return False
    there = {(alias.name, alias.asname) for alias in node.names}
    return all((alias.name, alias.asname) in there for alias in getattr(wanted, "names", ()))


def is_standard(node: ast.stmt) -> bool:
    return names_in(node)[0].partition(".")[0] in sys.stdlib_module_names


def is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def names_in(node: ast.stmt) -> list[str]:
    """The modules that an import names."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def sort_key(node: ast.stmt) -> tuple[bool, str]:
    """The order of imports in isort and ruff: `import …` before `from …`."""
    return isinstance(node, ast.ImportFrom), names_in(node)[0]


def neighbours(imports: Sequence[ast.stmt], middle: ast.stmt) -> list[ast.stmt]:
    """The imports around one, up to the next line that is not an import."""
    place = imports.index(middle)
    first = last = place
    while first > 0 and imports[first].lineno - (imports[first - 1].end_lineno or 0) <= 1:
        first -= 1
    while last + 1 < len(imports) and imports[last + 1].lineno - (imports[last].end_lineno or 0) <= 1:
        last += 1
    return list(imports[first : last + 1])


def with_first_import(text: str, body: Sequence[ast.stmt], line: str) -> str:
    """The text with its first import, below the docstring and imports from `__future__`."""
    above = [each for number, each in enumerate(body) if is_future(each) or (number == 0 and is_docstring(each))]
    place = (above[-1].end_lineno or 0) if above else first_line_of_code(text, body)
    blank_before = [""] if above else []
    return with_lines(text, place, [*blank_before, line, *([] if above else [""])])


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def first_line_of_code(text: str, body: Sequence[ast.stmt]) -> int:
    """The number of lines above the first statement, including comments and a shebang."""
    if not body:
        return len(lines_in(text))
    first = body[0]
    decorators = first.decorator_list if isinstance(first, DEFINITIONS) else []
    return min([first.lineno, *(each.lineno for each in decorators)]) - 1


def with_last(path: Path, text: str, lines: Sequence[str], *, joined: bool = False) -> str:
    """The text with lines of code added at its end, but above `if __name__ == "__main__":`.

    Args:
        path: The file, for messages.
        text: Its text.
        lines: The lines to add.
        joined: Whether they belong to the statement above, so that no blank line is needed.
    """
    body = read_module(path, text).tree.body
    newline = newline_of(text)
    guard = body[-1] if body and is_main_guard(body[-1]) else None
    above = [each for each in body if each is not guard]
    blank = 0 if joined or not above else 2 if isinstance(above[-1], DEFINITIONS) else 1
    added = [*[""] * blank, *lines]
    if guard is None:
        kept = text.rstrip("\r\n \t")
        return (kept + newline if kept else "") + "".join(line + newline for line in added)
    all_lines = lines_in(text)
    place = guard.lineno - 1
    while place > 0 and all_lines[place - 1].lstrip().startswith("#"):
        place -= 1
    end = place
    while end > 0 and not all_lines[end - 1].strip():
        end -= 1
    middle = "".join(line + newline for line in [*added, ""])
    return "".join(all_lines[:end]) + middle + "".join(all_lines[place:])


def with_lines(text: str, place: int, lines: Sequence[str]) -> str:
    """The text with lines inserted after its first `place` lines."""
    newline = newline_of(text)
    there = lines_in(text)
    above = there[:place]
    if above and not above[-1].endswith("\n"):
        above[-1] += newline
    return "".join([*above, *(line + newline for line in lines), *there[place:]])
