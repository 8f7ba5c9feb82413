from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from support import FROZEN, REPOSITORY, tool_or_skip

from pystatic_tasks import packers
from pystatic_tasks.config.model import ImageConfig, Layout, PackerName
from pystatic_tasks.packers import all_packers, find_packer, form_of, packer_of, says_ended_by_term, unpacked_into_tmp
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import write_manifest
from pystatic_tasks.steps.pack.step import pack
from pystatic_tasks.steps.results import Packed

FOLDER = Path(packers.__path__[0])
PAGE = REPOSITORY / "docs" / "add-a-packer.md"


def one_file(root: Path) -> ImageConfig:
    return ImageConfig(root=root, project=root, name="shop", app="shop:app")


def test_the_list_names_the_modules_that_are_there() -> None:
    modules = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "packer"}
    assert set(get_args(PackerName)) == modules
    assert len(all_packers()) == len(modules)


@pytest.mark.parametrize("packer", all_packers())
def test_tools_are_pinned(packer: packers.Packer) -> None:
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", each) for each in packer.requirements)


def test_a_tree_needs_no_packer(tmp_path: Path) -> None:
    tree = replace(one_file(tmp_path), layout="tree")
    assert packer_of(tree) is None
    assert (form_of(tree), unpacked_into_tmp(tree)) == ("tree", "")


def test_each_takes_a_program_of_its_form(tmp_path: Path) -> None:
    assert form_of(one_file(tmp_path)) == "tree"
    assert form_of(replace(one_file(tmp_path), packer="staticx")) == "archive"


@pytest.mark.parametrize(
    ("output", "layout", "says"),
    [
        ("ready\nshop: Child exited for unknown reason! (wstatus == 15)\n", "onefile", True),
        ("ready\nshop: Child exited for unknown reason! (wstatus == 15)\n", "tree", False),
        ("shop: Child exited for unknown reason! (wstatus == 9)\n", "onefile", False),
        ("saw shop: Child exited for unknown reason! (wstatus == 15)\n", "onefile", False),
        ("", "onefile", False),
    ],
)
def test_staticx_tells_a_death_by_term_in_its_log_only(output: str, layout: Layout, says: bool, tmp_path: Path) -> None:
    assert says_ended_by_term(replace(one_file(tmp_path), packer="staticx", layout=layout), output) is says


def test_the_packer_of_the_page_packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in ("strip", "objcopy", "ldd"):
        tool_or_skip(tool)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "plain.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(packers, "__path__", [str(FOLDER), str(tmp_path / "more")])
    monkeypatch.setattr(ImageConfig, "used_packer", "plain")
    shop, said = one_file(tmp_path), list[str]()
    program = tmp_path / "program"
    program.write_bytes(b"p" * 20_000)
    write_manifest(shop, replace(FROZEN, program=program), inputs="", outputs=[program])
    assert pack(shop, StepContext(say=said.append)) == Packed(size_bytes=20_000, components=(), system={})
    assert (shop.dist / "shop").read_bytes() == program.read_bytes()
    assert (shop.dist / "shop").stat().st_mode & 0o777 == 0o755
    assert said == ["dist/pystatic/shop/shop: 0.02 MB, static, in 0 s"]
    assert find_packer("plain").requirements == ()  # type: ignore[arg-type]
