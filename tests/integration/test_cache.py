"""What is kept from build to build never shows: changed at random, a project gives the same as built from nothing."""

from __future__ import annotations

import os
import platform
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support import Project, interpreters, tool_or_skip, write_project

from pystatic_tasks.oci.reading.images import read_saved

STEPS = int(os.environ.get("PYSTATIC_FUZZ_STEPS", "2"))
CHANGES_PER_STEP = 6
SEEDS = [int(seed) for seed in os.environ.get("PYSTATIC_FUZZ_SEEDS", "1").split(",")]
BUILD_ID_NOTE = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"
MODULES = ("csv", "fractions", "statistics", "colorsys", "sqlite3", "ctypes.util", "importlib.metadata")
PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "shop"
version = "1.0"
dependencies = ["idna=={idna}", "rates @ file://{root}/rates"]

[tool.setuptools.package-data]
"*" = ["*.txt", "*.sh", ".well-known/*", "node_modules/**/*"]

[tool.pystatic-tasks]
app = "shop.web:app"
install = [".", "./prices"]
requirements = ["requirements.txt"]
layout = "{layout}"
packer = "{packer}"
{python}
freeze.optimize = {optimize}
freeze.hidden-imports = {hidden_imports}
image.env = {{ COLOUR = "{colour}" }}
image.labels = {{ note = "{note}" }}
image.files = {{ "/etc/notes.txt" = "notes.txt" }}
"""
# A requirements file, which says no more than a file that it includes; it is a link, and that lies beside the link.
REQUIREMENTS = "-r more/included.txt\n"
# The server's configuration file, which follows from another file.
SERVER_CONFIG = """\
from pathlib import Path

threads = int(Path({threads!r}).read_text())
"""
WEB = """\
import shop.backend


def app(environ, start_response):
    shop.backend.load()
    start_response("200 OK", [])
    return [b"hello"]
"""
# Each change in a module that imports importlib is analysed again. A file elsewhere names what a request needs.
BACKEND = """\
import importlib
import os

importlib.import_module(os.environ.get("SHOP_BACKEND", "csv"))


def load():
    with open({plugin!r}) as file:
        importlib.import_module(file.read())
"""
FOLDER_PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "1.0"
"""


@dataclass
class Shop:
    """The project at hand, as its files are written from it."""

    imports: dict[str, list[str]] = field(default_factory=lambda: {"web": ["idna", "prices", "rates"], "__init__": []})
    numbers: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(
        default_factory=lambda: {
            "shop/hello.txt": "hello",
            "shop/run.sh": "true",
            "shop/.well-known/security.txt": "mail",
            "shop/node_modules/x/x.js": "x",
            "shop/notes.md": "notes",
            "../MANIFEST.in": "",
            "../notes.txt": "notes",
            "../../common/requirements.txt": REQUIREMENTS,
            "../more/included.txt": "",
        }
    )
    config: dict[str, str] = field(
        default_factory=lambda: {
            **{
                "idna": "3.10",
                "layout": "tree",
                "packer": "launcher",
                "python": "",
                "optimize": "2",
                "hidden_imports": "[]",
            },
            **{"colour": "red", "note": ""},
        }
    )
    moment: int = 1_000_000_000
    threads: int = 1
    plugin: str = "csv"
    mode: int = 0o644
    variables: dict[str, str] = field(default_factory=dict)
    installed_by_hand: str = ""
    library: bytes = bytes(20)

    def write(self, root: Path) -> None:
        """Write all files of the project, and none besides."""
        threads, plugin = root.parent / "threads.txt", root.parent / "plugin.txt"
        for path, content in ((threads, str(self.threads)), (plugin, self.plugin)):
            # What lies elsewhere counts by its time.
            if not path.exists() or path.read_text(encoding="utf-8") != content:
                path.write_text(content, encoding="utf-8")
        files = {
            "../pyproject.toml": PYPROJECT.format(root=root, **self.config),
            "../gunicorn.conf.py": SERVER_CONFIG.format(threads=str(threads)),
            **self.texts,
        }
        for name in ("prices", "rates"):
            files[f"../{name}/pyproject.toml"] = FOLDER_PROJECT.format(name=name)
            files[f"../{name}/{name}/__init__.py"] = f"NUMBER = {self.numbers.get(name, 0)}\n"
        if "shop.hidden" in self.config["hidden_imports"]:
            files["shop/hidden.py"] = ""
        for name, modules in self.imports.items():
            lines = [f"import {module}" for module in modules]
            files[f"shop/{name}.py"] = "\n".join([*lines, f"NUMBER = {self.numbers.get(name, 0)}", ""])
        files["shop/web.py"] += WEB
        files["shop/backend.py"] = BACKEND.format(plugin=str(plugin))
        paths = {(root / "src" / name).resolve(): content for name, content in files.items()}
        for path in (each for folder in ("src", "prices", "rates") for each in (root / folder).rglob("*")):
            if path.is_file() and path.suffix in (".py", ".txt") and path.resolve() not in paths:
                path.unlink()
        for path, content in paths.items():
            # Some count by their time.
            if not path.exists() or path.read_text(encoding="utf-8") != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
        (root / "src/shop/run.sh").chmod(self.mode)
        if not (root / "requirements.txt").is_symlink():
            (root / "requirements.txt").symlink_to("../common/requirements.txt")


def change_a_number(shop: Shop, choose: random.Random) -> None:
    shop.numbers[choose.choice([*shop.imports, "prices", "rates"])] = choose.randrange(10**9)


def change_imports(shop: Shop, choose: random.Random) -> None:
    modules = shop.imports[choose.choice(list(shop.imports))]
    name = choose.choice(MODULES)
    if name in modules:
        modules.remove(name)
    else:
        modules.append(name)


def change_modules(shop: Shop, choose: random.Random) -> None:
    name = choose.choice(["stock", "orders"])
    if name in shop.imports:
        del shop.imports[name]
        shop.imports["web"].remove(f"shop.{name}")
    else:
        shop.imports[name] = [choose.choice(MODULES)]
        shop.imports["web"].append(f"shop.{name}")


def change_data(shop: Shop, choose: random.Random) -> None:
    name = choose.choice(
        ["shop/hello.txt", "shop/more.txt", "shop/.well-known/security.txt", "shop/node_modules/x/x.js", "../notes.txt"]
    )
    if name == "shop/more.txt" and name in shop.texts:
        del shop.texts[name]
    else:
        shop.texts[name] = str(choose.random())


def change_config(shop: Shop, choose: random.Random) -> None:
    key, values = choose.choice(
        [
            ("optimize", ["0", "1", "2"]),
            ("hidden_imports", ["[]", '["csv"]', '["shop.hidden"]']),
            ("colour", ["red", "green"]),
            # In the code, it would be taken for a module that is asked for.
            ("note", ["", "zipfile"]),
        ]
    )
    shop.config[key] = choose.choice(values)


def change_dependencies(shop: Shop, choose: random.Random) -> None:
    shop.config["idna"] = choose.choice(["3.9", "3.10"])


def change_what_is_included(shop: Shop, choose: random.Random) -> None:
    shop.texts["../more/included.txt"] = choose.choice(["", "colorama==0.4.6\n"])


def change_what_setuptools_packs(shop: Shop, choose: random.Random) -> None:
    shop.texts["../MANIFEST.in"] = choose.choice(["", "include src/shop/notes.md\n"])
    if shop.texts.pop("../rates/rates/more.py", None) is None:
        shop.texts["../rates/rates/more.py"] = "NUMBER = 1\n"


def change_a_mode(shop: Shop, choose: random.Random) -> None:
    shop.mode = choose.choice([0o644, 0o654, 0o755])


def change_what_a_request_reads(shop: Shop, choose: random.Random) -> None:
    shop.plugin = choose.choice(["csv", "colorsys", "fractions"])


def change_what_a_test_names(shop: Shop, choose: random.Random) -> None:
    shop.texts["../tests/test_shop.py"] = choose.choice(["", "import tarfile\n"])


def change_what_the_servers_settings_follow_from(shop: Shop, choose: random.Random) -> None:
    shop.threads = choose.randrange(1, 5)


def change_the_callers_variables(shop: Shop, choose: random.Random) -> None:
    library = next(Path("/usr/lib").glob("*/libutil.so.1"))
    shop.variables = choose.choice(
        [{}, {"SHOP_BACKEND": "decimal"}, {"LD_PRELOAD": str(library)}, {"PYTHONOPTIMIZE": "1"}, {"LANG": "C"}]
    )


def change_the_environment(shop: Shop, choose: random.Random) -> None:
    shop.installed_by_hand = choose.choice(["idna==3.9", "idna==3.10", "pyinstaller-hooks-contrib==2026.8"])


def change_the_interpreter(shop: Shop, choose: random.Random) -> None:
    shop.config["python"] = choose.choice(["", *(f'python = "{path}"' for path in interpreters().values())])


def change_a_library_of_the_system(shop: Shop, choose: random.Random) -> None:
    shop.library = choose.randbytes(20)


def change_the_time(shop: Shop, choose: random.Random) -> None:
    shop.moment = choose.randrange(10**9)


WAYS = (("tree", "launcher"), ("onefile", "launcher"), ("onefile", "staticx"))
CHANGES: tuple[Callable[[Shop, random.Random], None], ...] = (
    change_a_number,
    change_imports,
    change_modules,
    change_data,
    change_config,
    change_dependencies,
    change_what_is_included,
    change_what_setuptools_packs,
    change_a_mode,
    change_what_a_request_reads,
    change_what_a_test_names,
    change_what_the_servers_settings_follow_from,
    change_the_callers_variables,
    change_the_environment,
    change_the_interpreter,
    change_a_library_of_the_system,
    change_the_time,
)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_kept_never_shows(tmp_path: Path, seed: int) -> None:
    tool_or_skip("uv")
    project = write_project(tmp_path / "project", {}, "shop", backend="uv")
    shop, choose = Shop(), random.Random(seed)
    for step in range(STEPS):
        chosen = choose.sample(CHANGES, CHANGES_PER_STEP) if step else []
        for change in chosen:
            change(shop, choose)
        shop.config["layout"], shop.config["packer"] = WAYS[step % len(WAYS)]
        shop.write(project.root)
        install_by_hand(project, shop)
        digest = build(project, shop)
        with nothing_kept(project, but=[".nox"] if shop.installed_by_hand else []):
            assert build(project, shop) == digest, (seed, step, [change.__name__ for change in chosen], shop)


@pytest.mark.parametrize("layout", ["tree", "onefile"])
def test_of_what_follows_from_a_changed_line_only_that_is_done(tmp_path: Path, layout: str) -> None:
    tool_or_skip("uv")
    project = write_project(tmp_path / "project", {}, "shop", backend="uv")
    shop = Shop()
    shop.config["layout"] = layout
    work = project.root / "build" / "pystatic" / "shop"
    shop.write(project.root)
    first = build(project, shop)
    kept = contents(work / "kept")
    shop.numbers["web"] = 1
    shop.write(project.root)
    assert build(project, shop) != first
    assert "The analysis of an earlier build is kept." in (work / "pyinstaller.log").read_text(encoding="utf-8")
    after = contents(work / "kept")
    sizes = {path: len(content) for path, content in after.items() if kept.get(path) != content}
    # Of a tree's layers the project's; of what the launcher packs the project's files.
    changed = [path for path in sizes if path.parts[0] in ("layers", "packed-launcher")]
    packed = [path for path in changed if path.parts[0] == "packed-launcher"]
    assert len(changed) - len(packed) == 1
    assert len(packed) == (layout == "onefile")
    assert all(sizes[path] < 10_000 for path in packed)
    # What the image alone follows from.
    shop.config["note"] = "zipfile"
    shop.write(project.root)
    printed = image(project, shop)
    assert "build environment is up to date\n" in printed
    assert "tree/shop is up to date\n" in printed
    assert "image.tar is up to date" not in printed
    assert read_saved(project.result("image.tar")).config["config"]["Labels"]["note"] == "zipfile"


# It builds another module than the project has, for as long as a file lies beside the project.
SETUP = """\
import atexit
from pathlib import Path
from setuptools import setup

module = Path("src/shop.py")
if Path("../disturbed").exists():
    own = module.read_bytes()
    module.write_text("def main():\\n    print('theirs')\\n")
    atexit.register(module.write_bytes, own)
setup()
"""


def test_what_changes_while_it_is_installed_and_changes_back_is_installed_again(tmp_path: Path) -> None:
    tool_or_skip("uv")
    declared = FOLDER_PROJECT.format(name="shop") + '[project.scripts]\nshop = "shop:main"\n'
    files = {
        "pyproject.toml": f'{declared}\n[tool.pystatic-tasks]\ncommand = "shop"\nlayout = "tree"\n',
        "src/shop.py": "def main():\n    print('ours')\n",
        "setup.py": SETUP,
        "../disturbed": "",
    }
    project = write_project(tmp_path / "project", files, "shop", backend="uv")
    session = ("-s", "freeze", "--", "--no-observe")
    project.nox(*session)
    program = project.root / "build/pystatic/shop/tree/shop"
    assert texts_in(program) == ["theirs"]
    (tmp_path / "disturbed").unlink()
    project.nox(*session)
    assert texts_in(program) == ["ours"]
    assert "tree/shop is up to date\n" in project.nox(*session)


def texts_in(program: Path) -> list[str]:
    """Which of the two texts the module of a frozen program prints."""
    code = next(program.rglob("shop.pyc")).read_bytes()
    return [text for text in ("ours", "theirs") if text.encode() in code]


def contents(folder: Path) -> dict[Path, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): path.read_bytes() for path in files}


def build(project: Project, shop: Shop) -> str:
    """Build the image; its digest."""
    image(project, shop)
    digest: str = project.manifest("image.json")["digest"]
    return digest


def image(project: Project, shop: Shop) -> str:
    """What is printed while it is built."""
    libraries, moment = str(place_library(project, shop)), str(shop.moment)
    variables: dict[str, Any] = {"LD_LIBRARY_PATH": libraries, "SOURCE_DATE_EPOCH": moment, **shop.variables}
    return project.nox("-s", "image", "--", "--engine", "sandbox", **variables)


def install_by_hand(project: Project, shop: Shop) -> None:
    """Into the build environment as it is, which may be made anew afterwards."""
    environment = project.root / ".nox" / "freeze"
    if shop.installed_by_hand and environment.exists():
        project.run("uv", "pip", "install", "--quiet", "--python", str(environment), shop.installed_by_hand)


def place_library(project: Project, shop: Shop) -> Path:
    """A folder with the system's libm, under a build ID of its own; it is written only where that is another."""
    system = Path(f"/lib/{platform.machine()}-linux-gnu/libm.so.6")
    content = system.read_bytes()
    place = content.index(BUILD_ID_NOTE) + len(BUILD_ID_NOTE)
    copy = project.root.parent / "libraries" / system.name
    changed = content[:place] + shop.library + content[place + len(shop.library) :]
    if not copy.exists() or copy.read_bytes() != changed:
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(changed)
    return copy.parent


@contextmanager
def nothing_kept(project: Project, but: Sequence[str]) -> Iterator[None]:
    """While nothing of earlier builds is there but these folders; afterwards all is as before."""
    assert not list((project.root / "src").glob("*.egg-info"))
    aside = project.root.parent / "aside"
    aside.mkdir()
    names = {"build", "dist", ".nox"} - set(but)
    for name in names:
        (project.root / name).rename(aside / name)
    try:
        yield
    finally:
        for name in names:
            shutil.rmtree(project.root / name)
            (aside / name).rename(project.root / name)
        aside.rmdir()
