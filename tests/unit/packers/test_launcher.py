from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.config.model import Freeze, ImageConfig
from pystatic_tasks.errors import StaticxError
from pystatic_tasks.in_env.protocol import (
    Component,
    LauncherQuestion,
    Refusal,
    RefusedError,
    StaticExecutable,
    TreeFile,
)
from pystatic_tasks.packers.launcher import FOLDER, PACKER
from pystatic_tasks.packers.packer import Job, Packing

OURS = Component(kind="distribution", type="pypi", name="pystatic-tasks", version="1.0")


def shop(root: Path, **options: Any) -> ImageConfig:
    return ImageConfig(root=root, project=root, name="shop", **{"app": "shop:app", **options})


def job(root: Path, answer: StaticExecutable | Refusal | None, asked: list[LauncherQuestion]) -> Job:
    def ask(module: Any, question: Any, *, log: Path, **options: Any) -> Any:
        asked.append(question)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("größe failed\n", encoding="utf-8")
        if isinstance(answer, Refusal):
            raise RefusedError(answer.problem, answer.remedy)
        return answer

    files = (TreeFile(path="/usr/local/lib/a.pyc", owner="python"), TreeFile(path="/srv/shop.pyc", owner="project"))
    return Job(
        program=root / "tree",
        files=files,
        output=root / "static",
        libraries=(),
        own_packages=("shop",),
        cache=root / "kept",
        tools=root / "bin",
        ours=OURS,
        ask=ask,
    )


def test_the_program_is_packed_as_it_is_configured(tmp_path: Path) -> None:
    asked: list[LauncherQuestion] = []
    config = shop(tmp_path, freeze=Freeze(optimize=1))
    PACKER.pack(config, job(tmp_path, StaticExecutable(), asked))
    assert asked == [
        LauncherQuestion(
            name="shop",
            program=str(tmp_path / "tree"),
            output=str(tmp_path / "static"),
            machine=platform.machine(),
            launcher=str(FOLDER),
            options=("-ISuO",),
            optimize=1,
            has_health_check=True,
            own_files=("srv/shop.pyc",),
            kept=str(tmp_path / "kept"),
        )
    ]


def test_a_command_has_no_health_check(tmp_path: Path) -> None:
    asked: list[LauncherQuestion] = []
    PACKER.pack(shop(tmp_path, app=None, command="shop"), job(tmp_path, StaticExecutable(), asked))
    assert not asked[0].has_health_check


def test_what_is_in_the_launcher_is_on_record(tmp_path: Path) -> None:
    packing = PACKER.pack(shop(tmp_path), job(tmp_path, StaticExecutable(), []))
    assert packing == Packing(components=packing.components, system=())
    assert packing.components[0] == replace(OURS, files=("/shop", "/shop!/launched.pyc"))
    assert [(each.name, each.licenses) for each in packing.components[1:]] == [
        ("zstd", ("BSD-3-Clause",)),
        ("musl", ("MIT",)),
    ]


def test_what_is_refused_is_told(tmp_path: Path) -> None:
    with pytest.raises(StaticxError) as caught:
        PACKER.pack(shop(tmp_path), job(tmp_path, Refusal(problem="It is too old.", remedy="Take a newer one."), []))
    assert str(caught.value) == "It is too old.\nTake a newer one."


def test_an_end_without_an_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(StaticxError) as caught:
        PACKER.pack(shop(tmp_path), job(tmp_path, None, []))
    assert str(caught.value) == (
        "Cannot pack the program; the output is in build/pystatic/shop/launcher.log:\n"
        "  größe failed\n"
        "If the cause is not in the project, please report it."
    )


def test_there_is_a_launcher_for_usual_machines_and_none_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(PACKER.findings()) == []
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(StaticxError) as caught:
        PACKER.pack(shop(tmp_path), job(tmp_path, StaticExecutable(), []))
    assert str(caught.value) == ('There is no launcher for riscv64.\nSet packer = "staticx" or layout = "tree".')
    [finding] = PACKER.findings()
    assert (finding.state, finding.seen, finding.cure) == (
        "warning",
        "riscv64, for which there is no launcher",
        'Set packer = "staticx" or layout = "tree".',
    )


def test_what_decides_the_file(tmp_path: Path) -> None:
    config = shop(tmp_path)
    inputs = PACKER.inputs(config)
    assert PACKER.inputs(shop(tmp_path, image=config.image)) == inputs
    assert PACKER.inputs(shop(tmp_path, freeze=Freeze(optimize=1))) != inputs
    assert PACKER.inputs(shop(tmp_path, app=None, command="shop")) != inputs
