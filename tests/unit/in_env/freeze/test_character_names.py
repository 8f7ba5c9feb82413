from __future__ import annotations

import itertools
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from pystatic_tasks.in_env.freeze.character_names import find_tables, has_tables, without_names
from pystatic_tasks.in_env.probe import find_libpython

# All that there is to know of characters but their names; from 0x33480 to 0xE0000 there are none.
EVERYTHING = """
import hashlib, unicodedata
found = hashlib.sha256()
for one in map(chr, [*range(0x33480), *range(0xE0000, 0xE01F0)]):
    for module in (unicodedata, unicodedata.ucd_3_2_0):
        facts = [module.category(one), module.bidirectional(one), module.combining(one), module.mirrored(one)]
        facts += [module.east_asian_width(one), module.decomposition(one), module.numeric(one, None)]
        facts += [module.normalize(form, one) for form in ("NFC", "NFD", "NFKC", "NFKD")]
        found.update(repr(facts).encode("utf-8", "surrogatepass"))
    facts = [one.upper(), one.casefold(), one.isidentifier(), one.isalpha()]
    found.update(repr(facts).encode("utf-8", "surrogatepass"))
print(found.hexdigest(), unicodedata.name("A", "none"), unicodedata.name(chr(0xAC00), "none"))
"""


def file_with_tables() -> Path:
    """The module, or the interpreter that it is a part of."""
    return Path(getattr(unicodedata, "__file__", "") or find_libpython() or sys.executable).resolve()


def ask(folder: Path) -> list[str]:
    command = [sys.executable, "-Sc", f"import sys\nsys.path.insert(0, {str(folder)!r})\n{EVERYTHING}"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.split()


@pytest.mark.skipif(not has_tables(), reason="this Python has tables of another kind")
def test_all_tables_of_names_are_found_and_nothing_else_of_the_file_is_changed() -> None:
    content = file_with_tables().read_bytes()
    tables = sorted(find_tables(content))
    assert sum(end - begin for begin, end in tables) > 750_000
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(tables))
    changed = without_names(content)
    kept = [(0, 0), *tables, (len(content), len(content))]
    between = [slice(end, begin) for (_, end), (begin, _) in itertools.pairwise(kept)]
    assert [changed[each] for each in between] == [content[each] for each in between]
    assert not any(any(changed[begin:end]) for begin, end in tables)


@pytest.mark.skipif(not getattr(unicodedata, "__file__", ""), reason="it is a part of this interpreter")
@pytest.mark.skipif(not has_tables(), reason="this Python has tables of another kind")
def test_without_them_all_else_is_known_of_every_character(tmp_path: Path) -> None:
    path = file_with_tables()
    (tmp_path / "lean").mkdir()
    (tmp_path / "lean" / path.name).write_bytes(without_names(path.read_bytes()))
    whole, lean = ask(tmp_path), ask(tmp_path / "lean")
    assert lean[0] == whole[0]
    assert whole[1:] == ["LATIN", "CAPITAL", "LETTER", "A", "HANGUL", "SYLLABLE", "GA"]
    assert lean[1:] == ["none", "HANGUL", "SYLLABLE", "GA"]


@pytest.mark.skipif(not has_tables(), reason="this Python has tables of another kind")
def test_what_is_not_found_as_it_must_be_is_left_as_it_is() -> None:
    content = bytearray(file_with_tables().read_bytes())
    for begin, _ in sorted(find_tables(bytes(content)))[::500]:
        content[begin + 2] ^= 1
        assert without_names(bytes(content)) == content
        content[begin + 2] ^= 1
    assert without_names(b"") == b""


@pytest.mark.skipif(has_tables(), reason="this Python has the tables that are known")
def test_tables_of_another_kind_stay() -> None:
    content = file_with_tables().read_bytes()
    assert without_names(content) == content
