from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import install_distribution

from pystatic_tasks.config.model import Freeze, ImageConfig, ImageOptions, Observe, Service, Smoke
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.freeze.inputs import UNKNOWN, freeze_inputs, sources, stamps_now, stamps_of_others
from pystatic_tasks.steps.freeze.install.project_files import hash_sources
from pystatic_tasks.steps.results import Interpreter

NO_ENVIRONMENT = Path("/nowhere/bin/python")


@pytest.fixture
def config(tmp_path: Path) -> ImageConfig:
    (tmp_path / "pyproject.toml").touch()
    return ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")


def names(config: ImageConfig) -> list[str]:
    """What is watched, from the project's folder."""
    return [path.removeprefix(str(config.root)) for path in sources(config, NO_ENVIRONMENT)]


def test_people_change_the_project_and_what_may_come_to_it(config: ImageConfig) -> None:
    assert names(config) == ["", "/gunicorn.conf.py", "/pyproject.toml", "/pystatic.lock"]


def test_what_the_configuration_names_is_among_it(config: ImageConfig) -> None:
    for name in ("reqs.txt", "more.txt", "load.sh", "db.sh", "outside/x"):
        (config.root / name).parent.mkdir(exist_ok=True)
        (config.root / name).touch()
    (config.root / "reqs.txt").write_text("-r more.txt\n", encoding="utf-8")
    changed = replace(
        config,
        app=None,
        script="job.py",
        requirements=("reqs.txt",),
        freeze=Freeze(data=("prices.csv:data",)),
        smoke=Smoke(command=("load.sh", "--all", "/etc/passwd")),
        observe=Observe(command=("load.sh",)),
        services=(Service(name="db", command=("db.sh", "nothing"), port=1),),
    )
    assert names(changed) == [
        "",
        "/db.sh",
        "/load.sh",
        "/more.txt",
        "/prices.csv",
        "/pyproject.toml",
        "/pystatic.lock",
        "/reqs.txt",
    ]


def test_what_a_build_backend_takes_from_elsewhere_is_among_it(config: ImageConfig) -> None:
    text = '[tool.hatch.build.targets.wheel.force-include]\n"../a.txt" = "shop/a.txt"\n'
    (config.root / "pyproject.toml").write_text(text, encoding="utf-8")
    (config.root.parent / "a.txt").touch()
    assert str(config.root.parent / "a.txt") in sources(config, NO_ENVIRONMENT)


def test_only_the_folder_that_is_installed_is_watched_whole(config: ImageConfig) -> None:
    backend = config.root / "backend"
    backend.mkdir()
    (backend / "pyproject.toml").touch()
    inner = replace(config, project=backend, install=("./backend[web]",))
    assert names(inner) == [
        "/backend",
        "/backend/pyproject.toml",
        "/gunicorn.conf.py",
        "/pyproject.toml",
        "/pystatic.lock",
    ]


NEVER = 2**62


@pytest.mark.parametrize("install", [(), (".",)])
@pytest.mark.parametrize("script", [None, "app.py"])
@pytest.mark.parametrize(
    ("folder", "marks"),
    [
        ("ext", ()),
        ("ext", ("CMakeCache.txt", "CMakeFiles")),
        ("ext", ("build.ninja", ".ninja_log")),
        ("ext", ("CACHEDIR.TAG",)),
        ("ext", ("pyvenv.cfg",)),
        (".git", ()),
        ("tiny.egg-info", ()),
        ("ext/__pycache__", ()),
        ("node_modules", ()),
        ("build/pystatic/other", ()),
        ("dist/pystatic/shop", ()),
    ],
)
def test_whatever_went_in_counts_in_whatever_folder(
    config: ImageConfig, install: tuple[str, ...], script: str | None, folder: str, marks: tuple[str, ...]
) -> None:
    image = replace(config, install=install, app=None if script else config.app, script=script)
    context = StepContext(say=print, python=config.root / ".nox/shop/bin/python")
    path = config.root / folder / "data.json"
    path.parent.mkdir(parents=True)
    for name in marks:
        (path.parent / name).touch()

    def counted() -> object:
        return hash_sources(config.root), stamps_of_others(image, context, [str(path)], NEVER, {})

    absent = counted()
    path.write_text("one", encoding="utf-8")
    there = counted()
    path.write_text("another", encoding="utf-8")
    changed = counted()
    path.chmod(0o755)
    assert absent != there != changed != counted()


def test_what_is_hashed_is_not_stamped(config: ImageConfig) -> None:
    """Its time may change while its content does not; folders get bytecode."""
    image = replace(config, app=None, script="app.py")
    context = StepContext(say=print, python=config.root / ".nox/shop/bin/python")
    counted = ["app.py", "ext", "ext/native.py", "ext/nowhere", "build/pystatic/shop/x.py"]
    paths = [str(config.root / name) for name in ("", *counted)]
    assert stamps_of_others(image, context, [*paths, "relative"], NEVER, {}) == {}
    outside = config.root.parent / "x.py"
    others = [str(outside), str(config.root / "pyproject.toml")]
    outside.touch()
    assert set(stamps_of_others(image, context, others, NEVER, {})) == set(others)
    assert stamps_of_others(image, context, [str(outside)], 0, {}) == {str(outside): UNKNOWN}


def test_what_no_package_brought_into_the_environment_counts_by_its_content(config: ImageConfig) -> None:
    """Whoever generates it there writes it anew for each build."""
    environment = config.root / ".nox/shop"
    site = environment / "lib/python3.12/site-packages"
    context = StepContext(say=print, python=environment / "bin/python")
    install_distribution(site, "falcon", "falcon/app.py", "../../../share/falcon/page.html")
    (site / "falcon/__pycache__").mkdir()
    (environment / "lib64").symlink_to("lib")
    generated = [str(site / "generated_pb2.py"), str(environment / "share/plugins.txt")]
    for path in map(Path, generated):
        path.write_text("A = 1", encoding="utf-8")
    missing = str(site / "missing.py")
    covered = [
        *("falcon/app.py", "falcon", "falcon/__pycache__", "falcon/__pycache__/app.cpython-312.pyc", "."),
        "__pycache__/missing.cpython-312.pyc",
    ]
    paths = [
        *generated,
        missing,
        *(str(site / name) for name in covered),
        str(environment / "share/falcon/page.html"),
        str(environment / "lib64/python3.12/site-packages/falcon/app.py"),
    ]
    before = stamps_of_others(config, context, paths, NEVER, {})
    assert set(before) == {*generated, missing}
    os.utime(generated[0], (1, 1))
    assert stamps_now(config, context, before) == before
    Path(generated[0]).write_text("A = 2", encoding="utf-8")
    os.utime(generated[0], (1, 1))
    Path(generated[1]).chmod(0o755)
    changed = stamps_now(config, context, before)
    assert [path for path in before if changed[path] != before[path]] == generated


@pytest.mark.parametrize(
    "change",
    [
        {"image": ImageOptions(env={"COLOUR": "red"})},
        {"image": ImageOptions(certificates=True)},
        {"smoke": Smoke(writable_tmp=True)},
        {"smoke": Smoke(env={"COLOUR": "red"})},
        {"observe": Observe(env={"COLOUR": "red"})},
    ],
)
def test_each_variable_that_the_program_is_observed_with_counts(config: ImageConfig, change: dict[str, Any]) -> None:
    context = StepContext(say=print, python=NO_ENVIRONMENT)
    interpreter = Interpreter(version="3.13.0", base_prefix="/usr", libpython="")
    before, after = (freeze_inputs(each, context, interpreter, "") for each in (config, replace(config, **change)))
    assert before != after


def test_packages_that_the_environment_has_from_elsewhere_count(config: ImageConfig, tmp_path: Path) -> None:
    """As those of its base Python, or in the folder of a .pth file."""
    context = StepContext(say=print, python=NO_ENVIRONMENT)
    base = str(tmp_path / "base")
    plain, more = (
        Interpreter(version="3.13.0", base_prefix="/usr", libpython="", import_path=path) for path in ((), (base,))
    )
    before = freeze_inputs(config, context, more, "")
    assert freeze_inputs(config, context, plain, "") != before
    install_distribution(Path(base), "falcon", "falcon/app.py")
    assert freeze_inputs(config, context, more, "") != before


def test_a_file_of_a_folder_that_the_program_imports_from_counts(config: ImageConfig) -> None:
    """Code may ask whether it is there before anything opens it."""
    image = replace(config, install=())
    context = StepContext(say=print, python=NO_ENVIRONMENT)
    interpreter = Interpreter(version="3.13.0", base_prefix="/usr", libpython="")
    before = freeze_inputs(image, context, interpreter, "")
    (config.root / ".env").write_text("BACKEND=csv", encoding="utf-8")
    assert freeze_inputs(image, context, interpreter, "") != before
