from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.freeze.install.addresses import check_requirements, check_settings

from ..conftest import write

# Passwords that end the address, or look like its port, and one that ends before a path.
CUT_OFF = [
    "s3cr3ta/b",
    "s3cr3ta\\b",
    "s3cr3ta b",
    "s3cr3ta?b",
    "s3cr3ta#b",
    "/s3cr3t",
    "#s3cr3t",
    "?s3cr3t",
    "80 s3cr3t",
]
WHOLE = [
    "https://bob:a%2Fb!,=@pypi.example:8080/simple?x=1",
    "https://bob:s3cr3t@[::1]:8080/simple",
    "https://tok-en@pypi.example/simple",
    "https://${INDEX_USER}:${INDEX_PASSWORD}@${INDEX_HOST}:${INDEX_PORT}/simple",
    "https://pypi.example:/simple",
    "git+ssh://git@git.example:team/dep.git@v1",
    "file:///srv/wheels@1",
    "../wheels@1",
    "",
]


def refused(where: str) -> str:
    return (
        f"An address in {where} has no valid host or port.\n"
        "If its password has special characters, escape them: %2F for a slash, %20 for a space, %40 for an @."
    )


@pytest.mark.parametrize("password", CUT_OFF)
@pytest.mark.parametrize(
    ("variable", "shown"),
    [
        ("UV_INDEX_URL", "UV_INDEX_URL"),
        ("UV_DEFAULT_INDEX", "UV_DEFAULT_INDEX"),
        ("UV_FIND_LINKS", "UV_FIND_LINKS"),
        ("UV_INDEX", "UV_INDEX"),
        ("UV_CONSTRAINT", "UV_CONSTRAINT"),
        ("PIP_EXTRA_INDEX_URL", "pip's setting extra-index-url"),
        ("PIP_CONSTRAINT", "pip's setting constraint"),
        ("PIP_PROXY", "pip's setting proxy"),
        ("PIP_PYPI_URL", "pip's setting pypi-url"),
        ("PIP_EDITABLE", "pip's setting editable"),
        ("UV_PUBLISH_URL", "UV_PUBLISH_URL"),
        *((name, name) for name in ("HTTP_PROXY", "https_proxy", "ALL_PROXY")),
    ],
)
def test_a_setting_that_a_password_cuts_off_is_refused(
    variable: str, shown: str, password: str, tmp_path: Path
) -> None:
    for named in ("", "own=") if variable == "UV_INDEX" else ("",):
        value = f"https://pypi.example/simple {named}https://bob:{password}@pypi.example/simple"
        with pytest.raises(ConfigError) as caught:
            check_settings({"HOME": str(tmp_path), variable: value})
        assert str(caught.value) == refused(shown)


def test_a_user_with_a_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        check_settings({"HOME": str(tmp_path), "UV_INDEX": "https://bob smith:s3cr3t@pypi.example/simple"})
    assert str(caught.value) == refused("UV_INDEX")


@pytest.mark.parametrize("file", ["home/.config/uv/uv.toml", "own.toml", "shop/uv.toml", "shop/pyproject.toml"])
def test_the_files_of_uv_are_looked_at(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "shop").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "shop")
    table = "[[tool.uv.index]]" if path.name == "pyproject.toml" else "[[index]]"
    path.write_text(f'{table}\nname = "own"\nurl = "https://bob:s3cr3t/b@pypi.example/simple"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check_settings({"HOME": str(tmp_path / "home"), "UV_CONFIG_FILE": str(tmp_path / "own.toml")})
    assert str(caught.value) == refused("the settings of uv")


@pytest.mark.parametrize("value", WHOLE)
def test_a_setting_that_is_whole_is_taken(value: str, tmp_path: Path) -> None:
    (tmp_path / "wheels@1").mkdir()
    more = f"{value} {tmp_path}/wheels@1"
    check_settings({"HOME": str(tmp_path), "UV_INDEX": more, "PIP_FIND_LINKS": more, "UV_INDEX_URL": f"own={value}"})


@pytest.mark.parametrize("password", CUT_OFF)
@pytest.mark.parametrize(
    "line",
    [
        *("--index-url {}", "--index-url={}", "-i {}", "-i{}", "--extra-index-url '{}'", '-f "{}"', "-r {}", "-c {}"),
        *("{}", "dep @ {}", "dep@{}", "dep @ git+{}#egg=dep", "-e git+{}@main", "dep @ {} ; python_version > '3'"),
    ],
)
def test_a_requirements_file_with_such_an_address_is_refused(shop: ImageConfig, line: str, password: str) -> None:
    address = f"https://bob:{password}@pypi.example/simple/dep.zip"
    write(shop.root, requirements_txt="-r more.txt\n")
    write(shop.root, more_txt=f"# https://bob:a/b@c\nfalcon\n{line.format(address)}\n")
    with pytest.raises(ConfigError) as caught:
        check_requirements(replace(shop, requirements=("requirements.txt",)))
    assert str(caught.value) == refused("more.txt")


@pytest.mark.parametrize("address", WHOLE)
def test_a_requirements_file_with_whole_addresses_is_taken(shop: ImageConfig, address: str) -> None:
    lines = [f"--extra-index-url {address}", f"-f '{address}'", f"dep @ {address} ; python_version > '3'"]
    lines += [f"dep @ {address} ; extra == 'a@b'", f"dep @ {address} --config-settings='a=b@c'"]
    lines += ["dep @ git+https://git.example/dep.git@v1.2#egg=dep", "git+ssh://git@git.example/dep.git", "a @ ./b@1"]
    write(shop.root, requirements_txt="\n".join(lines))
    check_requirements(replace(shop, requirements=("requirements.txt",)))


@pytest.mark.parametrize(
    "line", ["dep @ https://bob:{}@pypi.example/dep.zip", "dep[web]@git+https://bob:{}@h.example/d"]
)
@pytest.mark.parametrize("password", ["s3cr3t;b", "80;s3cr3t"])
def test_a_password_that_pip_takes_for_a_marker_is_refused(shop: ImageConfig, line: str, password: str) -> None:
    write(shop.root, requirements_txt=line.format(password))
    with pytest.raises(ConfigError) as caught:
        check_requirements(replace(shop, requirements=("requirements.txt",)))
    assert str(caught.value) == refused("requirements.txt")


def test_a_semicolon_that_pip_takes_for_none_is_not_refused(shop: ImageConfig) -> None:
    index = "--index-url https://bob:s3cr3t;b@pypi.example/simple"
    write(shop.root, requirements_txt=f"{index}\ndep @ https://h.example/d@1;python_version>'3'\n")
    check_requirements(replace(shop, requirements=("requirements.txt",)))


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ('[project]\ndependencies = ["{}"]', "pyproject.toml"),
        ('[project.optional-dependencies]\nweb = ["{}"]', "pyproject.toml"),
        ('[build-system]\nrequires = ["{}"]', "pyproject.toml"),
        ('[dependency-groups]\nweb = ["{}"]', "[dependency-groups]"),
    ],
)
def test_a_project_that_requires_such_an_address_is_refused(shop: ImageConfig, table: str, where: str) -> None:
    write(shop.root, pyproject_toml=table.format("dep @ git+https://bob:s3cr3t#b@git.example/dep.git"))
    groups = ("web",) if "groups" in table else ()
    with pytest.raises(ConfigError) as caught:
        check_requirements(replace(shop, groups=groups))
    assert str(caught.value) == refused(where)


NEEDED = "https://bob:s3cr3t/b@git.example/dep.git"


@pytest.mark.parametrize(
    ("files", "where"),
    [
        ({"pyproject_toml": f'[tool.poetry.dependencies]\ndep = {{ git = "{NEEDED}" }}'}, "pyproject.toml"),
        ({"pyproject_toml": f'[tool.poetry.group.web.dependencies]\ndep = {{ url = "{NEEDED}" }}'}, "pyproject.toml"),
        ({"setup_cfg": f"[options]\ninstall_requires =\n  a\n  dep @ {NEEDED}\n"}, "setup.cfg"),
        ({"setup_cfg": f"[options.extras_require]\nweb = dep @ {NEEDED}\n"}, "setup.cfg"),
        (
            {"setup_cfg": "[options]\ninstall_requires = file: a.txt, needs.in", "needs_in": f"dep @ {NEEDED}\n"},
            "needs.in",
        ),
        ({"pyproject_toml": f'[tool.flit.metadata]\nrequires = ["dep @ {NEEDED}"]'}, "pyproject.toml"),
        ({"pyproject_toml": f'[tool.hatch.build]\ndependencies = ["dep[x] @{NEEDED}"]'}, "pyproject.toml"),
        ({"pyproject_toml": f'[tool.uv.sources]\ndep = {{ git = "{NEEDED}" }}'}, "pyproject.toml"),
        ({"pyproject_toml": f'[[tool.poetry.source]]\nname = "own"\nurl = "{NEEDED}"'}, "pyproject.toml"),
        (
            {
                "pyproject_toml": '[tool.setuptools.dynamic]\ndependencies = { file = ["gone.txt", "needs.in"] }',
                "needs_in": f"dep @ {NEEDED}\n",
            },
            "needs.in",
        ),
    ],
)
def test_what_build_backends_read_is_looked_at(shop: ImageConfig, files: dict[str, str], where: str) -> None:
    write(shop.root, **files)
    with pytest.raises(ConfigError) as caught:
        check_requirements(shop)
    assert str(caught.value) == refused(where)


@pytest.mark.parametrize("text", ["[options]\ninstall_requires = a\nurl = http://{}:{}@/b", "install_requires = {}"])
def test_what_else_is_in_a_setup_cfg_does_not_matter(shop: ImageConfig, text: str) -> None:
    write(shop.root, setup_cfg=text)
    check_requirements(shop)


@pytest.mark.parametrize("table", ['dynamic.readme = { file = ["README.md"] }', "dynamic = 1"])
def test_a_readme_may_have_any_addresses(shop: ImageConfig, table: str) -> None:
    write(
        shop.root,
        README_md="See https://docs.example, or ask me@shop.example.\n",
        pyproject_toml=f"[tool.setuptools]\n{table}",
    )
    check_requirements(shop)


def test_other_local_projects_and_the_configuration_are_looked_at_too(shop: ImageConfig) -> None:
    asked = "dep @ https://bob:s3cr3t/b@git.example/dep.zip"
    write(shop.root.parent / "lib", pyproject_toml=f'[project]\ndependencies = ["{asked}"]')
    with pytest.raises(ConfigError) as caught:
        check_requirements(replace(shop, install=(".", "../lib")))
    assert str(caught.value) == refused(os.path.realpath(shop.root.parent / "lib/pyproject.toml"))
    with pytest.raises(ConfigError) as caught:
        check_requirements(replace(shop, install=(asked,)))
    assert str(caught.value) == refused("tool.pystatic-tasks.install")


def test_what_a_build_backend_fills_in_is_taken(shop: ImageConfig) -> None:
    texts = (
        '"a @ {root:uri}/../a", "b @ https://{env:GIT_HOST:git-1.example}/b.zip", "c @ https://{env:HOST}:8080/c.zip"'
    )
    write(shop.root, pyproject_toml=f"[project]\ndependencies = [{texts}]")
    check_requirements(shop)
