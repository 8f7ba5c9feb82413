from __future__ import annotations

from dataclasses import replace

import pages
import pytest
from pages import EVIDENCE, FILES, LIBRARY, PACKAGES, records

from pystatic_tasks.in_env.protocol import Use
from pystatic_tasks.report.largest import Large, largest
from pystatic_tasks.report.reasons import Reasons
from pystatic_tasks.report.records import Records
from pystatic_tasks.report.suggestions import suggest

INTERPRETER = "Python itself: the interpreter."
OF_LIBRARY = "The imported part of Python's standard library."
WHOLE = "Python itself: the interpreter and the imported part of the standard library."
NOTHING, LESS = (
    "Nothing to do: it runs everything else.",
    "The less of the standard library is imported, the smaller it is.",
)


def found(of: Records) -> dict[str, Large]:
    reasons = Reasons(of.evidence)
    return {each.component.name: each for each in largest(of, reasons, suggest(of, reasons))}


def test_the_largest_say_why_they_are_there_and_which_suggestion_is_about_them() -> None:
    three = found(records())
    assert list(three) == ["python", "libssl3", "libc6"]
    assert round(three["python"].share, 2) == 0.45
    assert three["python"].why == "Python itself: the interpreter and the imported part of the standard library."
    assert three["libssl3"].why == "OpenSSL, needed by _ssl."
    assert three["libc6"].why == "The C library, which everything is linked against."
    assert [each.suggestion for each in three.values()] == [1, 1, None]
    assert [each.is_most for each in three.values()] == [False, True, False]
    assert three["python"].saved_bytes == 200_000
    assert three["libc6"].remedy == "Nothing to do: no program starts without it."


def test_a_dependency_says_who_imports_and_requires_it_and_when_it_was_first_used() -> None:
    files = {"shop": FILES["shop"], "falcon": FILES["falcon"]}
    falcon = found(records(files))["falcon"]
    assert falcon.why == "Imported by shop.web."
    assert falcon.remedy == "It is left out together with shop. It is first used when the service starts."
    uses = (Use(occasion="GET /", modules=("falcon",), data=()),)
    later = found(records(files, evidence=replace(EVIDENCE, uses=uses)))["falcon"]
    assert later.remedy == "It is left out together with shop. It is first used by GET /."


def test_what_nobody_imports_was_asked_for() -> None:
    three = found(records({"plugin": [(f"{PACKAGES}plugin.pyc", "third-party", 40_000)], "shop": FILES["shop"]}))
    assert three["plugin"].why == "Requested by name or by the configuration."
    assert three["plugin"].remedy == "It is left out once nothing imports it."
    assert three["shop"].why == "The project itself, with its data."


def test_without_a_suggestion_python_says_what_makes_it_smaller() -> None:
    python = found(
        records({"python": FILES["python"]}, not_observed="it ended", evidence=replace(EVIDENCE, linked_by={}))
    )
    assert python["python"].remedy == "The less of the standard library is imported, the smaller it is."
    assert python["python"].suggestion is None


@pytest.mark.parametrize(
    ("paths", "kind", "why", "remedy"),
    [
        (["/shop!/bin/interpreter"], "system", INTERPRETER, NOTHING),
        (["/usr/local/bin/python3.13"], "system", INTERPRETER, NOTHING),
        (["/shop!/lib/libpython3.13.so.1.0"], "system", INTERPRETER, NOTHING),
        ([f"{LIBRARY}asyncio/__init__.pyc"], "system", OF_LIBRARY, LESS),
        ([f"{LIBRARY}lib-dynload/_ssl.cpython-313-x86_64-linux-gnu.so"], "system", OF_LIBRARY, LESS),
        (["/shop!/shop!/PYZ.pyz!/asyncio"], "system", OF_LIBRARY, LESS),
        ([f"{LIBRARY}os.pyc", "/shop!/bin/interpreter"], "system", WHOLE, LESS),
        ([f"{LIBRARY}os.pyc", "/shop!/bin/interpreter"], "interpreter", WHOLE, LESS),
    ],
)
def test_each_part_of_python_says_which_it_is(
    paths: list[str], kind: str, why: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "KINDS", {**pages.KINDS, "part": {"kind": kind, "type": "deb"}})
    parts = {"part": [(path, "python", 40_000) for path in paths]}
    part = found(records(parts, not_observed="it ended", evidence=replace(EVIDENCE, linked_by={})))["part"]
    assert (part.why, part.remedy) == (why, remedy)
