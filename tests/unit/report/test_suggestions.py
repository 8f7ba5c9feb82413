from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pages import EVIDENCE, FILES, LIBRARY, PACKAGES, START, configured, contents_of, records
from support import BUILT

from pystatic_tasks.config.model import Freeze, ImageOptions, Observe, Slim
from pystatic_tasks.in_env.protocol import Part, Use
from pystatic_tasks.report.reasons import Evidence, Reasons
from pystatic_tasks.report.records import Records
from pystatic_tasks.report.suggestions import Suggestion, suggest

Files = Mapping[str, Sequence[tuple[str, str, int]]]


def made(found: Records) -> dict[str, Suggestion]:
    return {each.title: each for each in suggest(found, Reasons(found.evidence))}


def suggested(files: Files = FILES, **changed: Any) -> dict[str, Suggestion]:
    return made(records(files, **changed))


def test_what_saves_most_of_the_image_stands_first_and_what_saves_traffic_last() -> None:
    assert list(suggested()) == [
        "Do without TLS",
        "Leave out sparepart",
        "Leave out what was never used",
        "Push only what changed",
    ]


def test_a_dependency_that_nothing_loaded_is_named_with_its_importers_and_its_line() -> None:
    found = suggested()["Leave out sparepart"]
    assert found.why == "No part of it was loaded, though shop can import it. Slim leaves it out too."
    assert found.line == 'freeze.excludes = ["sparepart"]'
    assert found.saved_bytes == 800_000
    # Half of it when it is compressed alone, scaled to the image.
    assert found.saved_of_image == round(400_000 * contents_of(FILES).scale)


def test_of_a_dependency_in_use_the_packages_are_named_that_nothing_loaded() -> None:
    files = [
        (f"{PACKAGES}falcon/app.pyc", "third-party", 60_000),
        (f"{PACKAGES}extras/x.pyc", "third-party", 70_000),
        (f"{PACKAGES}extras/data.txt", "third-party", 9_000),
    ]
    found = suggested({**FILES, "falcon": files})["Leave out sparepart and extras of falcon"]
    assert found.why == "No part of them was loaded, though shop can import them."
    assert (found.line, found.saved_bytes) == ('freeze.excludes = ["sparepart", "extras"]', 870_000)


def test_a_line_keeps_what_is_excluded_already() -> None:
    config = configured(freeze=Freeze(excludes=("tkinter",)))
    assert suggested(config=config)["Leave out sparepart"].line == 'freeze.excludes = ["tkinter", "sparepart"]'


def test_slim_saves_all_that_was_not_used_and_not_kept() -> None:
    found = suggested()["Leave out what was never used"]
    assert (found.line, found.is_command, found.saved_bytes) == ("nox -s slim", True, 800_000)
    assert found.why == (
        "1 file was not touched when the service started and answered its requests, mostly in sparepart."
    )
    assert "Leave out what was never used" not in suggested(config=configured(slim=Slim(keep=("sparepart",))))


def test_what_was_not_observed_to_the_end_is_not_called_unused() -> None:
    titles = {"Do without TLS", "Push only what changed"}
    assert set(suggested(not_observed="it ended")) == titles
    assert set(suggested(evidence=replace(EVIDENCE, uses=()))) == titles


def test_what_only_the_tests_loaded_is_said_to_be_so() -> None:
    uses = (*EVIDENCE.uses, Use(occasion="pytest tests", modules=("sparepart",), data=()))
    config = configured(observe=Observe(command=("pytest", "tests")))
    found = suggested(evidence=replace(EVIDENCE, uses=uses), config=config)["Leave out sparepart"]
    assert found.why == "No part of it was loaded except by pytest tests, though shop can import it."


def test_tls_can_go_where_only_pythons_own_modules_need_it() -> None:
    found = suggested()["Do without TLS"]
    assert (found.line, found.saved_bytes) == ("slim.tls = false", 5_600_000)
    assert found.components == {"libssl3": 5_400_000, "python": 200_000}


def test_tls_stays_where_something_else_asks_for_it() -> None:
    title = "Do without TLS"
    linked_by = {"libssl.so.3": ("/usr/local/lib/python3.13/site-packages/psycopg/pq.cpython-313-x86_64-linux-gnu.so",)}
    assert title not in suggested(evidence=replace(EVIDENCE, linked_by=linked_by))
    assert title not in suggested(evidence=replace(EVIDENCE, linked_by={}))
    assert title not in suggested(config=configured(slim=Slim(tls=False)))
    assert title not in suggested(config=configured(server={"certfile": "/cert.pem"}))


def test_a_large_interpreter_is_told_by_what_a_usual_one_would_save() -> None:
    path = f"{LIBRARY.removesuffix('python3.13/')}libpython3.13.so.1.0"
    part = Part(name="lib/libpython3.13.so.1.0", kind="binary", size_bytes=25_000_000)
    found = suggested({**FILES, "python": [(path, "python", 25_000_000)]}, parts=(part,))["Use a smaller Python"]
    assert found.saved_bytes == 18_000_000
    assert found.components == {"python": 18_000_000}
    assert found.why == (
        "libpython3.13.so.1.0 alone is 25.00 MB, as is usual for python-build-standalone; that of a distribution or of "
        "pyenv is at most 7.00 MB."
    )


def test_time_zones_need_not_be_there_twice() -> None:
    files = {
        **FILES,
        "tzdata": [(f"{PACKAGES}tzdata/zoneinfo/UTC", "third-party", 100)],
        "zones": [("/usr/share/zoneinfo/Europe/Berlin", "image", 400_000)],
    }
    zones = ImageOptions(timezones=True)
    found = suggested(files, config=configured(image=zones))["Include the time zones only once"]
    assert (found.line, found.saved_bytes) == ("image.timezones = false", 400_000)
    assert "Include the time zones only once" not in suggested(files)


def test_a_tree_saves_unpacking_as_long_as_that_was_seen_to_take() -> None:
    assert suggested()["Push only what changed"].why.endswith(" and a start would unpack nothing.")
    start = replace(START, parts=(("container", 40.0), ("unpacking", 61.6)))
    found = suggested(start=start)["Push only what changed"]
    assert found.why.endswith(" and a start would unpack nothing, which took 62 ms here.")


def test_a_tree_has_nothing_to_gain_by_becoming_one() -> None:
    assert "Push only what changed" in suggested()
    assert "Push only what changed" not in suggested(contents=contents_of(FILES, layout="tree"))


def test_layers_of_plain_files_get_smaller_by_zstd() -> None:
    tree = contents_of(FILES, layout="tree")
    found = suggested(contents=tree)["Compress layers with zstd"]
    assert (found.line, found.saved_of_image, found.saved_bytes) == ('image.compression = "zstd"', 600_000, 0)
    assert "Compress layers with zstd" not in suggested()
    assert "Compress layers with zstd" not in suggested(contents=tree, built=replace(BUILT, compression="zstd"))


def test_what_can_be_excluded_is_one_line_the_largest_first_without_crumbs() -> None:
    sizes = {"a": 90_000, "b": 60_000, "c": 80_000, "d": 70_000, "crumb": 9_000}
    files = {name: [(f"{PACKAGES}{name}/x.pyc", "third-party", size)] for name, size in sizes.items()}
    found = suggested({"shop": FILES["shop"], **files})["Leave out a, c, d and 1 more"]
    assert found.why == "No part of them was loaded."
    assert found.caution == "Only if no other request needs them."
    assert (found.line, found.saved_bytes) == ('freeze.excludes = ["a", "c", "d", "b"]', 300_000)


def test_there_are_at_most_five_and_none_for_crumbs() -> None:
    path = f"{LIBRARY.removesuffix('python3.13/')}libpython3.13.so.1.0"
    files = {
        **FILES,
        "python": [*FILES["python"], (path, "python", 25_000_000)],
        "tzdata": [(f"{PACKAGES}tzdata/zoneinfo/UTC", "third-party", 100)],
        "zones": [("/usr/share/zoneinfo/Europe/Berlin", "image", 400_000)],
    }
    part = Part(name="lib/libpython3.13.so.1.0", kind="binary", size_bytes=25_000_000)
    many = suggested(files, parts=(part,), config=configured(image=ImageOptions(timezones=True)))
    assert len(many) == 5
    assert "Push only what changed" not in many
    crumbs = {"shop": FILES["shop"], "crumb": [(f"{PACKAGES}crumb.pyc", "third-party", 900)]}
    assert list(suggested(crumbs, evidence=Evidence(uses=EVIDENCE.uses))) == ["Push only what changed"]
