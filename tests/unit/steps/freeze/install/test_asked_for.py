from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.freeze.install.asked_for import (
    asked_by_name,
    declared,
    declaring_paths,
    group_requirements,
    local_path,
    project_requirements,
)
from pystatic_tasks.system.files import LARGEST_TEXT

from ..conftest import PYPROJECT, TOOLS, Environment, write


@pytest.mark.parametrize("entry", ["falcon", "falcon[x]>=4", "falcon @ https://example.org/falcon.whl", "backend"])
def test_a_requirement_stays_as_it_is(tmp_path: Path, entry: str) -> None:
    (tmp_path / "backend").mkdir()
    assert local_path(tmp_path, entry) == entry


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        (".", ""),
        (".[web,db]", "[web,db]"),
        ("./backend", "/backend"),
        ("./backend[web]", "/backend[web]"),
        ("packages/core", "/packages/core"),
        ("backend/..", ""),
    ],
)
def test_a_path_starts_from_the_projects_folder_and_keeps_its_extras(tmp_path: Path, entry: str, path: str) -> None:
    for folder in ("backend", "packages/core"):
        (tmp_path / folder).mkdir(parents=True)
    assert local_path(tmp_path, entry) == f"{tmp_path}{path}"


def test_an_absolute_path_stays_as_it_is(tmp_path: Path) -> None:
    assert local_path(Path("/nowhere"), f"{tmp_path}[web]") == f"{tmp_path}[web]"


@pytest.mark.parametrize(("entry", "folder"), [("./backend[web]", "backend"), ("packages/core", "packages/core")])
def test_a_path_that_is_not_there_is_named(tmp_path: Path, entry: str, folder: str) -> None:
    with pytest.raises(ConfigError) as caught:
        local_path(tmp_path, entry)
    assert str(caught.value) == (
        f'tool.pystatic-tasks.install names "{entry}", and {tmp_path / folder} is not there.\nCorrect the path.'
    )


def test_an_app_is_installed_with_its_server(shop: ImageConfig) -> None:
    assert project_requirements(shop) == [str(shop.root), "gunicorn"]
    assert project_requirements(replace(shop, server={"kind": "uvicorn"})) == [str(shop.root), "uvicorn"]


def test_a_program_without_an_app_needs_no_server(shop: ImageConfig) -> None:
    assert project_requirements(replace(shop, app=None, script="run.py")) == [str(shop.root)]
    assert project_requirements(replace(shop, app=None, script="run.py", install=())) == []


def test_requirements_and_groups_are_installed_too(shop: ImageConfig) -> None:
    write(shop.root, pyproject_toml=f"{PYPROJECT}[dependency-groups]\nweb = ['redis>=5']\n", more__base_txt="x\n")
    image = replace(shop, install=(".", "gevent"), requirements=("more/base.txt",), groups=("web",))
    assert project_requirements(image) == [
        str(shop.root),
        "gevent",
        "-r",
        str(shop.root / "more/base.txt"),
        "redis>=5",
        "gunicorn",
    ]


def test_a_project_that_is_editable_for_a_requirements_file_is_so_for_us(shop: ImageConfig, tmp_path: Path) -> None:
    """Of two projects of one name pip installs none."""
    rates = write(tmp_path / "rates", rates_py="")
    write(shop.root, base_txt="-e .\n-e ../rates\n")
    image = replace(shop, install=(".[web]", "../rates", "gevent"), requirements=("base.txt",))
    assert project_requirements(image) == [
        *("-e", f"{shop.root}[web]", "-e", str(rates), "gevent"),
        *("-r", str(shop.root / "base.txt"), "gunicorn"),
    ]


@pytest.mark.parametrize("name", ["base.txt", "src"])
def test_a_requirements_file_that_is_not_there_is_named(shop: ImageConfig, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        project_requirements(replace(shop, requirements=(name,)))
    assert str(caught.value) == (
        f'tool.pystatic-tasks.requirements names "{name}", which is not a file in {shop.root}.\nCorrect the name.'
    )


def test_a_requirements_file_with_hashes_is_installed_by_itself(shop: ImageConfig, environment: Environment) -> None:
    write(shop.root, base_txt="falcon==4.0.1 --hash=sha256:1\n", more_txt="x\n")
    image = replace(shop, requirements=("base.txt", "more.txt"))
    hashed, more = (str(shop.root / name) for name in image.requirements)
    assert environment.fill(image) == [["-r", hashed], [str(shop.root), "-r", more, "gunicorn"], TOOLS]


def test_a_group_brings_those_that_it_includes(shop: ImageConfig) -> None:
    groups = "[dependency-groups]\nbase = ['redis']\nWeb-UI = ['jinja2', { include-group = 'base' }]\n"
    write(shop.root, pyproject_toml=PYPROJECT + groups)
    assert group_requirements(replace(shop, groups=("web_ui",))) == ("jinja2", "redis")


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ("", "Dependency group 'web' not found"),
        ("other = []", "Dependency group 'web' not found"),
        ("web = 3", "Dependency group 'web' is not a sequence"),
        ("web = [{ include-group = 'base' }]", "Dependency group 'base' not found"),
        (
            "web = [{ include-group = 'web' }]",
            "Cyclic dependency group include while resolving web: web includes itself",
        ),
    ],
)
def test_a_wrong_group_is_named_with_the_reason(shop: ImageConfig, groups: str, reason: str) -> None:
    write(shop.root, pyproject_toml=f"{PYPROJECT}[dependency-groups]\n{groups}\n")
    with pytest.raises(ConfigError) as caught:
        group_requirements(replace(shop, groups=("web",)))
    assert str(caught.value) == f"tool.pystatic-tasks.groups = ['web']: {reason}.\nCorrect [dependency-groups]."


# What decides whether it is asked again.


@pytest.mark.parametrize(
    "text",
    [
        '[project]\nname = "shop"\ndependencies = ["flask"]\n',
        f'{PYPROJECT}[build-system]\nrequires = ["hatchling"]\n',
        f'{PYPROJECT}[dependency-groups]\nweb = ["redis"]\n',
    ],
)
def test_a_change_of_the_dependencies_is_seen(shop: ImageConfig, text: str) -> None:
    before = declared(shop)
    write(shop.root, pyproject_toml=text)
    assert declared(shop) != before


@pytest.mark.parametrize(
    "text",
    [
        '[tool.uv.sources]\nredis = { path = "../redis" }\n',
        '[tool.uv]\nconstraint-dependencies = ["redis<5"]\n',
        '[[tool.uv.index]]\nurl = "https://index.example/simple"\n',
    ],
)
def test_a_change_of_where_uv_takes_packages_from_is_seen(shop: ImageConfig, tmp_path: Path, text: str) -> None:
    backend = write(tmp_path / "backend", pyproject_toml='[project]\nname = "backend"\n')
    image = replace(shop, install=(".", str(backend)))
    found = [declared(image)]
    for folder in (shop.root, backend):
        before = (folder / "pyproject.toml").read_text(encoding="utf-8")
        write(folder, pyproject_toml=f"{before}\n{text}")
        found.append(declared(image))
    write(shop.root, uv_toml="exclude-newer = '2026-01-01T00:00:00Z'\n")
    found.append(declared(image))
    assert all(found.count(each) == 1 for each in found)


def test_a_change_of_a_tools_table_is_not_one_of_the_dependencies(shop: ImageConfig) -> None:
    before = declared(shop)
    write(shop.root, pyproject_toml=f"{PYPROJECT}[tool.ruff]\nline-length = 100\n")
    assert declared(shop) == before


@pytest.mark.parametrize("name", ["setup_py", "setup_cfg", "base_txt", "more__web_txt", "more__constraints_txt"])
def test_a_change_of_a_declaring_file_is_seen(shop: ImageConfig, name: str) -> None:
    image = replace(shop, requirements=("base.txt",))
    write(
        shop.root,
        base_txt="-r more/web.txt\n",
        more__web_txt="-r ../base.txt\nredis -c other\n  --constraint=constraints.txt\n",
    )
    write(shop.root, **{name: "one"} if name != "more__web_txt" else {})
    before = declared(image)
    write(shop.root, **{name: "two"})
    assert declared(image) != before


def test_both_the_root_and_the_project_declare(shop: ImageConfig, tmp_path: Path) -> None:
    image = replace(shop, project=write(tmp_path / "backend", pyproject_toml=PYPROJECT))
    before = declared(image)
    write(image.project, pyproject_toml='[project]\nname = "backend"\n')
    after = declared(image)
    assert after != before
    write(image.root, pyproject_toml='[project]\nname = "root"\n')
    assert declared(image) != after


@pytest.mark.parametrize("registry", ["../shelf", "{root}/../shelf"])
@pytest.mark.parametrize("archive", ['wheels = [{ path = "falcon.whl" }]', 'sdist = { path = "falcon.whl" }'])
def test_a_change_of_an_archive_that_a_lock_names_is_seen(shop: ImageConfig, archive: str, registry: str) -> None:
    """Its path is relative to the index."""
    lock = f"""
[[package]]
name = "shop"
version = "1"
source = {{ editable = "." }}
dependencies = [{{ name = "falcon" }}]
metadata.requires-dist = [{{ name = "falcon" }}]

[[package]]
name = "falcon"
version = "1"
source = {{ registry = "{registry.format(root=shop.root)}" }}
{archive}
"""
    write(shop.root, uv_lock=lock)
    wheel = write(shop.root.parent / "shelf", falcon_whl="one") / "falcon.whl"
    before = declared(shop)
    wheel.write_text("another", encoding="utf-8")
    assert declared(shop) != before
    assert wheel in map(Path.resolve, declaring_paths(shop))


@pytest.mark.parametrize("place", ["shelf", "shelf/index.html", "file://{root}/shelf"])
@pytest.mark.parametrize("link", ["../pool/falcon%2B1.whl", "file://{root}/pool/falcon+1.whl"])
def test_a_change_of_an_archive_that_a_page_links_to_is_seen(shop: ImageConfig, place: str, link: str) -> None:
    page = f'<a href="{link}#egg=falcon">falcon</a> <a href="https://index.example/x.whl"> <a HREF=../>'
    write(
        shop.root,
        requirements_txt=f"--find-links {place}\n".format(root=shop.root),
        shelf__index_html=page.format(root=shop.root),
    )
    wheel = write(shop.root, **{"pool__falcon+1_whl": "one"}) / "pool/falcon+1.whl"
    image = replace(shop, requirements=("requirements.txt",))
    before = declared(image)
    assert declared(image) == before
    wheel.write_text("another", encoding="utf-8")
    assert declared(image) != before


@pytest.mark.parametrize("link", ["x%00.whl", "x%00/x.whl", "file://[x", f"data:,{'x' * 300}"])
def test_links_of_a_page_that_are_no_paths_are_left_out(shop: ImageConfig, link: str) -> None:
    page = f'<link href="{link}"> <a href="falcon.whl">'
    write(shop.root, requirements_txt="--find-links shelf\n", shelf__index_html=page)
    image = replace(shop, requirements=("requirements.txt",))
    assert shop.root / "shelf/falcon.whl" in declaring_paths(image)
    assert declared(image) == declared(image)


def test_a_page_that_is_too_large_has_no_links(shop: ImageConfig) -> None:
    write(shop.root, requirements_txt="--find-links shelf\n", shelf__index_html='<a href="falcon.whl">')
    os.truncate(shop.root / "shelf/index.html", LARGEST_TEXT + 1)
    found = list(declaring_paths(replace(shop, requirements=("requirements.txt",))))
    assert shop.root / "shelf/index.html" in found
    assert shop.root / "shelf/falcon.whl" not in found


def test_what_is_asked_for_by_name_is_known_with_its_extras(shop: ImageConfig) -> None:
    lines = "packaging>=20  # versions\n-r more.txt\nhttpx[zstd, http2]==0.28.1; python_version > '3'\n"
    more = "-e .\n--no-index\nzstandard @ https://me:word@host/zstandard-1-py3-none-any.whl\n./rates\n"
    write(shop.root, requirements_txt=lines, more_txt=more)
    wanted = replace(shop, requirements=("requirements.txt",), install=(".[web]", "rich>=9"))
    assert asked_by_name(wanted) == ["httpx[http2,zstd]", "packaging", "rich", "zstandard"]


def test_packages_of_a_pylock_are_asked_for_by_name(shop: ImageConfig) -> None:
    lock = 'lock-version = "1.0"\ncreated-by = "pip"\n[[packages]]\nname = "zstandard"\n'
    write(shop.root, pylock_toml=lock + 'directory = { path = "../zstandard" }\n')
    assert asked_by_name(replace(shop, install=())) == ["zstandard"]
