"""Finds which of some names the project and its dependencies mention in their code.

The standard library imports some large parts of itself only for the use of one name
(`concurrent.futures` imports `multiprocessing` for ProcessPoolExecutor). If no code
mentions the name, the part is not needed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

DOTTED_NAME = re.compile(r"[\w.:]+")


def mentioned(names: Iterable[str], files: Iterable[Path]) -> set[str]:
    """Those of the names that the code of the files uses; comments and documentation do not count."""
    wanted = set(names)
    pattern = re.compile(rb"\b(" + "|".join(sorted(wanted)).encode() + rb")\b")
    literally = [name.encode() for name in wanted]
    sources = (file.read_bytes() for file in files)
    return {
        word
        for source in sources
        # Few files contain any name, and a substring is found faster than a pattern.
        if any(name in source for name in literally) and pattern.search(source)
        for word in words_of(source, pattern)
        if word in wanted
    }


def words_of(source: bytes, pattern: re.Pattern[bytes]) -> Iterator[str]:
    """Identifiers, and the parts of strings that look like dotted names; all matches in files that do not parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        # Sources for another Python, templates of sources, or binaries.
        yield from (word.decode() for word in pattern.findall(source))
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield from node.name.split(".")
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module or "").split(".")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and DOTTED_NAME.fullmatch(node.value):
            yield from re.split("[.:]", node.value)


def quoted(texts: Iterable[str], files: Iterable[Path]) -> set[str]:
    """Those of the texts that appear between quotes somewhere in the files."""
    wanted = sorted(map(re.escape, texts))
    if not wanted:
        return set()
    pattern = re.compile(rb"[\"'](" + "|".join(wanted).encode() + rb")[\"']")
    return {found.decode() for file in files for found in pattern.findall(file.read_bytes())}
