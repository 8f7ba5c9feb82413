from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from pystatic_tasks.config.model import Freeze, ImageConfig, Smoke
from pystatic_tasks.fronts.container.inside import keep, remember_also, renew_copy
from pystatic_tasks.fronts.container.written import WrittenHere, written_here
from pystatic_tasks.in_env.records import from_json, to_json
from pystatic_tasks.steps.secrets.written import Written, remember, remembered


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageConfig:
    """A project in a repository, which the program wrote into; the value of a variable is in the name of a file."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("SHOP_KEY", "SHOP_KEY")
    root = tmp_path / "repository/shop"
    root.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", root.parent], check=True, timeout=20)
    for name in ("made", "changed", "tracked", "own", "SHOP_KEY", "../beside"):
        (root / name).write_text("x", encoding="utf-8")
    subprocess.run(["git", "add", "tracked"], cwd=root, check=True, timeout=20)
    image = at(root)
    made = frozenset(str(root / name) for name in ("made", "tracked", "SHOP_KEY"))
    changed = frozenset([str(root / "changed"), str(root.parent / "beside")])
    remember(image, Written(made=made, changed=changed))
    return image


def at(root: Path) -> ImageConfig:
    return ImageConfig(
        root=root,
        project=root,
        name="shop",
        app="shop:app",
        install=(),
        smoke=Smoke(env={"KEY": "$SHOP_KEY"}),
        freeze=Freeze(data=("../beside:data",)),
    )


def test_what_the_program_wrote_here_counts_as_written_in_a_container(image: ImageConfig, tmp_path: Path) -> None:
    written = from_json(WrittenHere, json.loads(json.dumps(to_json(written_here(image)))))
    assert written == WrittenHere(made=("SHOP_KEY", "made", "tracked"), changed=("../beside", "changed"))
    root = renew_copy(image, tmp_path / "kept", written)
    remember_also(at(root), written.at(root))
    assert sorted(path.name for path in root.iterdir() if path.is_file()) == ["changed", "own", "tracked"]
    there = remembered(at(root))
    assert there.is_made(root / "tracked")
    assert there.changed == {str(root / "changed"), str(root.parent / "beside")}


def test_what_it_wrote_in_the_container_counts_too(image: ImageConfig, tmp_path: Path) -> None:
    root = renew_copy(image, tmp_path / "kept", WrittenHere())
    remember(at(root), Written(changed=frozenset([str(root / "own")])))
    keep(root, tmp_path / "kept")
    renew_copy(image, tmp_path / "kept", WrittenHere())
    remember_also(at(root), WrittenHere(changed=("changed",)).at(root))
    assert remembered(at(root)).changed == {str(root / "own"), str(root / "changed")}


def test_nothing_was_written_where_nothing_was_built(tmp_path: Path) -> None:
    assert written_here(at(tmp_path)) == WrittenHere()
