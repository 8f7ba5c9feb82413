from __future__ import annotations

from pathlib import Path

import pytest
from support import tool_or_skip

from pystatic_tasks.config.model import Image, Layout, Staticx
from pystatic_tasks.errors import ConfigError, PystaticError
from pystatic_tasks.host import Host
from pystatic_tasks.pipeline import write_manifest
from pystatic_tasks.staticx import staticx

PYTHON = """\
#!/bin/sh
# Stands where the build environment's Python stands: makes a file, and says which library it took.
echo program > "$(sed 's/.*"output": "\\([^"]*\\)".*/\\1/' "$4")"
echo '{{"components": [], "system": ["{library}"]}}' > "$5"
"""


def make_image(root: Path, layout: Layout, *libraries: str) -> Image:
    return Image(
        root=root, project=root, name="shop", app="shop:app", layout=layout, staticx=Staticx(libraries=libraries)
    )


@pytest.fixture(autouse=True)
def _tools() -> None:
    for tool in ("strip", "objcopy", "ldd"):
        tool_or_skip(tool)


def test_a_tree_has_no_static_executable_and_needs_none(tmp_path: Path) -> None:
    said: list[str] = []
    assert staticx(make_image(tmp_path, "tree", "/nowhere.so"), Host(say=said.append)) is None
    assert said == ["the tree layout has no static executable"]
    assert list(tmp_path.iterdir()) == []


def test_an_executable_is_made_of_what_was_frozen(tmp_path: Path) -> None:
    with pytest.raises(PystaticError, match=r"^What freeze leaves for shop is not in "):
        staticx(make_image(tmp_path, "onefile"), Host(say=print))


def test_a_library_is_looked_for_before_anything_is_made(tmp_path: Path) -> None:
    shop = make_image(tmp_path, "onefile", "/nowhere/libx.so")
    write_manifest(shop, "freeze", inputs="", outputs=[], facts={})
    with pytest.raises(ConfigError) as caught:
        staticx(shop, Host(say=print))
    assert str(caught.value) == (
        'tool.pystatic-tasks.staticx.libraries names "/nowhere/libx.so", and there is no such file.\n'
        "Write the absolute path of a shared library of this machine."
    )
    assert not shop.dist.exists()


def test_a_library_of_the_system_that_changed_makes_a_new_executable(tmp_path: Path) -> None:
    shop = make_image(tmp_path, "onefile")
    library = tmp_path / "libc.so.6"
    library.touch()
    python = tmp_path / "python"
    python.write_text(PYTHON.format(library=library), encoding="utf-8")
    python.chmod(0o755)
    facts = {"program": "/shop", "own_packages": [], "environment_python": str(python)}
    write_manifest(shop, "freeze", inputs="", outputs=[], facts=facts)
    said: list[str] = []
    for _ in range(2):
        staticx(shop, Host(say=said.append))
    assert said[1] == "dist/pystatic/shop/shop is up to date"
    library.write_text("newer", encoding="utf-8")
    staticx(shop, Host(say=said.append))
    assert said[2].startswith("dist/pystatic/shop/shop: ")
