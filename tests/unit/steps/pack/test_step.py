from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support import FROZEN, tool_or_skip

from pystatic_tasks.config.model import ImageConfig, Layout, Staticx
from pystatic_tasks.errors import ConfigError, PystaticError, StaticxError
from pystatic_tasks.in_env.protocol import TreeFile
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import write_manifest
from pystatic_tasks.steps.pack.step import make_job, pack

PYTHON = """\
#!/bin/sh
# Stands where the build environment's Python stands: makes a file, and says which library it took.
echo program > "$(sed 's/.*"output": "\\([^"]*\\)".*/\\1/' "$4")"
echo '{{"components": [], "system": ["{library}"]}}' > "$5"
"""
ANSWERS = """\
#!/bin/sh
# Answers whatever it is asked for with what is prepared.
echo "größe failed"
[ ! -f "{answer}" ] || cp "{answer}" "$5"
"""


def make_image(root: Path, layout: Layout, *libraries: str) -> ImageConfig:
    return ImageConfig(
        root=root,
        project=root,
        name="shop",
        app="shop:app",
        layout=layout,
        packer="staticx",
        staticx=Staticx(libraries=libraries),
    )


@pytest.fixture(autouse=True)
def _tools() -> None:
    for tool in ("strip", "objcopy", "ldd"):
        tool_or_skip(tool)


def test_a_tree_has_no_static_executable_and_needs_none(tmp_path: Path) -> None:
    said: list[str] = []
    assert pack(make_image(tmp_path, "tree", "/nowhere.so"), StepContext(say=said.append)) is None
    assert said == ["the tree layout has no static executable"]
    assert list(tmp_path.iterdir()) == []


def test_an_executable_is_made_of_what_was_frozen(tmp_path: Path) -> None:
    with pytest.raises(PystaticError, match=r"^The results of freeze for shop are not in "):
        pack(make_image(tmp_path, "onefile"), StepContext(say=print))


def test_a_library_is_looked_for_before_anything_is_made(tmp_path: Path) -> None:
    shop = make_image(tmp_path, "onefile", "/nowhere/libx.so")
    write_manifest(shop, FROZEN, inputs="", outputs=[])
    with pytest.raises(ConfigError) as caught:
        pack(shop, StepContext(say=print))
    assert str(caught.value) == (
        'tool.pystatic-tasks.staticx.libraries names "/nowhere/libx.so", which is not a file.\n'
        "Set the absolute path of a shared library on this machine."
    )
    assert not shop.dist.exists()


def test_a_library_of_the_system_that_changed_makes_a_new_executable(tmp_path: Path) -> None:
    shop = make_image(tmp_path, "onefile")
    library = tmp_path / "libc.so.6"
    library.touch()
    python = tmp_path / "python"
    python.write_text(PYTHON.format(library=library), encoding="utf-8")
    python.chmod(0o755)
    write_manifest(shop, replace(FROZEN, environment_python=python), inputs="", outputs=[])
    said: list[str] = []
    for _ in range(2):
        pack(shop, StepContext(say=said.append))
    assert said[1] == "dist/pystatic/shop/shop is up to date"
    library.write_text("newer", encoding="utf-8")
    pack(shop, StepContext(say=said.append))
    assert said[2].startswith("dist/pystatic/shop/shop: ")


def test_a_library_that_changes_and_changes_back_meanwhile_is_packed_again(tmp_path: Path) -> None:
    shop = make_image(tmp_path, "onefile")
    library, python = tmp_path / "libx.so", tmp_path / "python"
    library.touch()
    to_and_fro = f"sleep 0.02; mv {library} {library}.aside; mv {library}.aside {library}\n"
    said: list[str] = []
    for meanwhile in (to_and_fro, "", ""):
        python.write_text(PYTHON.format(library=library) + meanwhile, encoding="utf-8")
        python.chmod(0o755)
        frozen = replace(FROZEN, environment_python=python, libraries=(str(library),))
        write_manifest(shop, frozen, inputs="", outputs=[])
        pack(shop, StepContext(say=said.append))
    assert ["is up to date" in line for line in said] == [False, False, True]


def test_files_of_another_owner_and_other_code_make_a_new_executable(tmp_path: Path) -> None:
    shop = make_image(tmp_path, "onefile")
    python = tmp_path / "python"
    python.write_text(PYTHON.format(library=tmp_path / "x.so"), encoding="utf-8")
    python.chmod(0o755)
    said: list[str] = []
    kept = shop.work / "kept/packed-staticx/of older code"
    kept.mkdir(parents=True)
    for owner in ("third-party", "project", "project"):
        files = (TreeFile(path="/x", owner=owner),)
        write_manifest(shop, replace(FROZEN, environment_python=python, files=files), inputs="", outputs=[])
        pack(shop, StepContext(say=said.append))
    assert ["is up to date" in line for line in said] == [False, False, True]
    assert not kept.exists()


def test_nothing_is_kept_that_the_libraries_of_another_interpreter_compressed(tmp_path: Path) -> None:
    shop = make_image(tmp_path, "onefile")
    same = replace(FROZEN.interpreter, import_path=("/elsewhere",))
    interpreters = (FROZEN.interpreter, same, replace(FROZEN.interpreter, version="3.13.0"))
    programs = [replace(FROZEN, interpreter=interpreter) for interpreter in interpreters]
    kept = [make_job(shop, StepContext(say=print), program, (), []).cache for program in programs]
    assert kept[0] == kept[1] != kept[2]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            '{"problem": "Unexpected line in ldd output: x", "remedy": "", "details": []}',
            "StaticX failed: Unexpected line in ldd output: x; its output is in build/pystatic/shop/staticx.log.\n"
            "  größe failed\n"
            "Look for the first error in it.",
        ),
        (
            "",
            "StaticX failed: it returned no result; its output is in build/pystatic/shop/staticx.log.\n"
            "  größe failed\n"
            "Look for the first error in it.",
        ),
        (
            '{"missing": [["x.so", "libnowhere.so.1"]]}',
            "This machine lacks libraries that shop needs:\n"
            "  libnowhere.so.1, needed by x.so\n"
            "Install them here, or leave out what needs them: freeze.excludes.",
        ),
    ],
    ids=["refused", "none", "missing"],
)
def test_what_staticx_cannot_do_is_told(tmp_path: Path, answer: str, expected: str) -> None:
    shop = make_image(tmp_path, "onefile")
    prepared, python = tmp_path / "answer.json", tmp_path / "python"
    if answer:
        prepared.write_text(answer, encoding="utf-8")
    python.write_text(ANSWERS.format(answer=prepared), encoding="utf-8")
    python.chmod(0o755)
    write_manifest(shop, replace(FROZEN, environment_python=python), inputs="", outputs=[])
    with pytest.raises(StaticxError) as caught:
        pack(shop, StepContext(say=print))
    assert str(caught.value) == expected
    assert not (shop.dist / "shop").exists()
