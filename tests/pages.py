"""What is on record of an image that nobody built, for tests of its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from support import BUILT

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.in_env.protocol import Component, Use
from pystatic_tasks.report.contents import Contents, list_contents
from pystatic_tasks.report.page import Page, make_page
from pystatic_tasks.report.reasons import Evidence
from pystatic_tasks.report.records import Proof, Records, Seen, Trial
from pystatic_tasks.report.start import Start, nested

LIBRARY = "/shop!/lib/python3.13/"
PACKAGES = f"{LIBRARY}site-packages/"
# Files by component: place, layer and bytes.
FILES: Mapping[str, Sequence[tuple[str, str, int]]] = {
    "libc6": [("/shop!/lib/libc.so.6", "libc", 1_900_000)],
    "libssl3": [("/shop!/lib/libcrypto.so.3", "python", 4_700_000), ("/shop!/lib/libssl.so.3", "python", 700_000)],
    "python": [
        ("/shop!/bin/interpreter", "python", 6_800_000),
        (f"{LIBRARY}lib-dynload/_ssl.cpython-313-x86_64-linux-gnu.so", "python", 200_000),
        (f"{LIBRARY}asyncio/__init__.pyc", "python", 2_000),
        (f"{LIBRARY}asyncio/base_events.pyc", "python", 60_000),
        (f"{LIBRARY}os.pyc", "python", 30_000),
    ],
    "falcon": [
        (f"{PACKAGES}falcon/__init__.pyc", "third-party", 3_000),
        (f"{PACKAGES}falcon/app.pyc", "third-party", 500_000),
        (f"{PACKAGES}falcon/static/logo.svg", "third-party", 9_000),
    ],
    "sparepart": [(f"{PACKAGES}sparepart/__init__.pyc", "third-party", 800_000)],
    "shop": [(f"{PACKAGES}shop/web.pyc", "project", 12_000)],
}
KINDS: Mapping[str, Mapping[str, Any]] = {
    "libc6": {"kind": "system", "type": "deb", "namespace": "debian"},
    "libssl3": {"kind": "system", "type": "deb", "namespace": "debian"},
    "python": {"kind": "interpreter", "type": "generic"},
    "shop": {"kind": "project", "type": "generic", "requires": ("falcon", "sparepart")},
}
OF_PYPI = {"kind": "distribution", "type": "pypi", "licenses": ("MIT",)}
USES = (
    Use(occasion="start", modules=("asyncio", "asyncio.base_events", "os", "_ssl", "falcon", "shop.web"), data=()),
    Use(occasion="GET /", modules=("falcon.app",), data=("falcon/static",)),
)
EVIDENCE = Evidence(
    imported_by={
        "falcon": ("", "shop.web"),
        "falcon.app": ("", "falcon"),
        "sparepart": ("shop.web",),
        "_ssl": ("ssl",),
        "shop.web": ("",),
    },
    linked_by={
        "libcrypto.so.3": (
            "/lib/libssl.so.3",
            "/usr/local/lib/python3.13/lib-dynload/_ssl.cpython-313-x86_64-linux-gnu.so",
        ),
        "libssl.so.3": ("/usr/local/lib/python3.13/lib-dynload/_ssl.cpython-313-x86_64-linux-gnu.so",),
    },
    uses=USES,
    optional=("asyncio", "asyncio.base_events", "falcon", "falcon.app", "sparepart"),
)
PROOF = Proof(
    engine="docker (27.1)",
    trials=(
        Trial(title="The image at rest", checks=(Seen(name="no shell", passed=True, seen="7 files"),)),
        Trial(title="Run as user 65535:65535", checks=(Seen(name="GET /", passed=True, seen="200 in 1 ms"),)),
    ),
    unchecked=("the memory limit",),
)
START = Start(
    engine="docker",
    first_answer_ms=300,
    measured_ms=320,
    imports=nested(
        [
            ("os", 4_000, 4_000, 0),
            ("falcon.app", 30_000, 30_000, 2),
            ("falcon", 6_000, 36_000, 1),
            ("shop.web", 10_000, 46_000, 0),
        ]
    ),
)


def configured(**options: Any) -> ImageConfig:
    places = {"root": Path("/p"), "project": Path("/p")}
    return ImageConfig(**{**places, "name": "shop", "app": "shop.web:app", **options})


def component(name: str) -> Component:
    files = tuple(path for path, _, _ in FILES.get(name, ()))
    return Component(**{"name": name, "version": "1.0", "files": files, **KINDS.get(name, OF_PYPI)})


def contents_of(files: Mapping[str, Sequence[tuple[str, str, int]]], **changed: Any) -> Contents:
    """What lies in an image of these files by component; each component takes half of its size alone."""
    components = [replace(component(name), files=tuple(path for path, _, _ in files[name])) for name in files]
    sizes = {path: (size, layer) for each in files.values() for path, layer, size in each}
    alone = {each.identity: sum(sizes[path][0] for path in each.files) // 2 for each in components}
    built = replace(BUILT, size_bytes=5_000_000, compressed_bytes=4_000_000)
    contents = list_contents(built, components, sizes, alone, frozen_bytes=15_000_000, executable_bytes=4_900_000)
    return replace(contents, **changed)


def records(files: Mapping[str, Sequence[tuple[str, str, int]]] = FILES, **changed: Any) -> Records:
    """All that is on record of an image of these files."""
    found = Records(
        config=configured(),
        built=replace(BUILT, size_bytes=5_000_000, compressed_bytes=4_000_000),
        components=[replace(component(name), files=tuple(path for path, _, _ in files[name])) for name in files],
        contents=contents_of(files),
        before=None,
        parts=(),
        evidence=EVIDENCE,
        not_observed="",
        proof=PROOF,
        start=START,
    )
    return replace(found, **changed)


def page(**changed: Any) -> Page:
    return make_page(records(**changed))
