from __future__ import annotations

from dataclasses import replace

from pages import START

from pystatic_tasks.report.start import Import, all_in, nested, phases


def test_imports_lie_in_those_that_they_were_imported_by() -> None:
    python, shop = START.imports
    assert python == Import(name="os", own_ms=4, ms=4)
    assert (shop.name, shop.own_ms, shop.ms) == ("shop.web", 10, 46)
    assert [each.name for each in all_in(START.imports)] == ["os", "shop.web", "falcon", "falcon.app"]


def test_what_begins_in_the_middle_of_an_import_is_left_out() -> None:
    """A log whose end is missing says nothing of what imported its last modules."""
    assert nested([("deep", 1, 1, 2)]) == ()


def test_the_phases_are_imports_by_layer_and_the_rest() -> None:
    layers = {"falcon": "third-party", "falcon.app": "third-party", "shop.web": "project"}
    found = [(each.name, each.ms) for each in phases(START, lambda name: layers.get(name, ""))]
    assert found == [
        ("container, unpacking, interpreter and server", 270),
        ("imports of the standard library", 4),
        ("imports of dependencies", 36),
        ("imports of the project", 10),
    ]


def test_parts_that_were_told_come_one_after_the_other_and_imports_by_layer() -> None:
    layers = {"falcon": "third-party", "falcon.app": "third-party", "shop.web": "project"}
    # Of the 4 ms of Python's own, 1 passed in the interpreter.
    parts = (("container", 40.0), ("unpacking", 60.0), ("interpreter", 20.0), ("imports", 49.0), ("server", 151.0))
    found = list(phases(replace(START, parts=parts), lambda name: layers.get(name, "")))
    assert [(each.name, each.begun_ms, each.ms, each.layer) for each in found] == [
        ("the container", 0, 40, ""),
        ("unpacking", 40, 60, ""),
        ("the interpreter", 100, 20, ""),
        ("imports of the standard library", 120, 3, "Python"),
        ("imports of dependencies", 123, 36, "dependencies"),
        ("imports of the project", 159, 10, "the project"),
        ("the application itself and the server", 169, 151, ""),
    ]


def test_without_measured_imports_there_are_no_phases() -> None:
    assert list(phases(replace(START, measured_ms=None, imports=()), lambda _: "")) == []
