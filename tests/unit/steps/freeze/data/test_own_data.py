from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import install_distribution

from pystatic_tasks.config.model import Freeze, ImageConfig, Smoke
from pystatic_tasks.config.project import parse_toml
from pystatic_tasks.errors import ConfigError, MissingToolError
from pystatic_tasks.steps.freeze.data import own_data
from pystatic_tasks.steps.freeze.data.origins import repository_settings
from pystatic_tasks.steps.freeze.data.own_data import (
    check_own_data,
    check_own_modules,
    of_project,
    origins_of,
    without_written,
)
from pystatic_tasks.steps.secrets.written import Written, remember

BASE = "/opt/python3.13"
INSTALLED = ("shop/.env", "shop/page.html")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return tmp_path / "project"


@pytest.fixture
def site(root: Path) -> Path:
    """The packages of a build environment below the project, with the project's and somebody else's."""
    site = root / ".nox/freeze/lib/python3.13/site-packages"
    install_distribution(site, "shop", *INSTALLED, origin=root.as_uri())
    install_distribution(site, "certifi", "certifi/private.key")
    return site


def python(site: Path) -> Path:
    return site.parents[2] / "bin" / "python"


def make_image(root: Path, *data: str, install: tuple[str, ...] = (".",), **freeze: Any) -> ImageConfig:
    return ImageConfig(
        root=root, project=root, name="shop", app="shop:app", install=install, freeze=Freeze(data=data, **freeze)
    )


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x", encoding="utf-8")


def refused(image: ImageConfig, python: Path, *data: tuple[Path, str]) -> list[str]:
    """What is refused, and the entries that would let it in."""
    try:
        check_own_data(image, python, [(str(path), folder) for path, folder in data])
    except ConfigError as error:
        return [*error.details, error.remedy.rpartition("freeze.data: ")[2]]
    return []


def test_package_data_is_named_as_it_lies_in_the_project(root: Path, site: Path) -> None:
    write(root, "src/shop/.env", "src/shop/page.html")
    data = [(site / name, "shop") for name in INSTALLED]
    assert refused(make_image(root), python(site), *data) == [
        "src/shop/.env: a file of variables",
        '"src/shop/.env:shop".',
    ]


def test_package_data_of_unknown_origin_is_named_as_it_lies_in_the_program(root: Path, site: Path) -> None:
    assert refused(make_image(root), python(site), (site / "shop/.env", "shop")) == [
        "shop/.env: a file of variables",
        "Nothing can be listed for shop/.env: change what a build makes it of, such as pyproject.toml, or its name.",
    ]


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ('shop/a\'b/x "y".key', '"shop/a\'b/x \\"y\\".key:shop/a\'b".'),
        ("shop/back\\slash.key", '"shop/back\\\\slash.key:shop".'),
        ("shop/a:b.key", '"shop/a:b.key:shop".'),
        ("shop/ä.key", '"shop/ä.key:shop".'),
    ],
)
def test_entries_are_written_as_toml_has_them(root: Path, site: Path, name: str, entry: str) -> None:
    write(root, name)
    path = root / name
    image = make_image(root, install=())
    assert refused(image, python(site), (path, str(Path(name).parent)))[-1] == entry
    text = parse_toml(f"entry = {entry.removesuffix('.')}")["entry"]
    assert refused(make_image(root, text, install=()), python(site), (path, str(Path(name).parent))) == []


@pytest.mark.parametrize("name", ["shop/a\nb.key", "shop/a\udcff.key", "shop/a:b/x.key"])
def test_names_that_no_entry_can_have_are_not_listed(root: Path, site: Path, name: str) -> None:
    write(root, name)
    found = refused(make_image(root, install=()), python(site), (root / name, str(Path(name).parent)))
    assert found[-1].startswith("Nothing can be listed for shop/a")


def test_what_is_listed_by_hand_goes_in(root: Path, site: Path) -> None:
    write(root, "src/shop/.env", "tls.key")
    image = make_image(root, "src/shop/.env:./shop", "tls.key:.")
    assert refused(image, python(site), (site / "shop/.env", "shop")) == []


def test_data_of_others_is_their_own_business(root: Path, site: Path) -> None:
    assert refused(make_image(root), python(site), (site / "certifi/private.key", "certifi")) == []


def test_what_is_not_there_is_none_of_ours(root: Path, site: Path) -> None:
    assert refused(make_image(root), python(site), (site / "shop/.env.gone", "shop")) == []


def test_folders_of_data_are_looked_through(root: Path, site: Path) -> None:
    write(root, "pages/page.html", "pages/inner/.env", "pages/tls.key")
    assert refused(make_image(root, "pages:web/pages", "pages/tls.key:web/pages"), python(site)) == [
        "pages/inner/.env: a file of variables",
        '"pages/inner/.env:web/pages/inner".',
    ]


def test_data_of_packages_that_are_not_installed_is_looked_at(root: Path, site: Path) -> None:
    write(root, "shop/.env", "src/tools/inner/tls.key")
    image = make_image(root, install=(), collect=("tools.inner",))
    assert refused(image, python(site), (root / "shop/.env", "shop")) == [
        "shop/.env: a file of variables",
        "src/tools/inner/tls.key: a private key",
        '"shop/.env:shop", "src/tools/inner/tls.key:tools/inner".',
    ]


def test_static_files_that_were_collected_are_named_as_they_lie_in_the_project(root: Path, site: Path) -> None:
    write(root, "shop/assets/static/.env", "build/pystatic/shop/program/static/.env")
    collected = root / "build/pystatic/shop/program/static/.env"
    assert refused(make_image(root), python(site), (collected, "static"))[0] == (
        "shop/assets/static/.env: a file of variables"
    )


def test_of_two_files_for_one_place_both_are_looked_at(root: Path, site: Path) -> None:
    write(root, "src/shop/tls/server.pem", "deploy/server.pem")
    for path in (root / "src/shop/tls/server.pem", site / "shop/tls/server.pem"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("PuTTY-User-Key-File-3: ssh-ed25519\n", encoding="utf-8")
    image = make_image(root, "deploy:shop/tls")
    assert refused(image, python(site), (site / "shop/tls/server.pem", "shop/tls"))[0] == (
        "src/shop/tls/server.pem: a private key"
    )


# What a build gave another name.


@pytest.fixture
def repository(root: Path) -> Path:
    write(root, "shop/page.html", "pyproject.toml")
    (root / ".gitignore").write_text("local.*\nprivate/\nbuild/\nfrontend/\nnode_modules/\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


def copied(root: Path, name: str, text: str, *origins: str) -> tuple[Path, str]:
    """A collected file, with files of the project that have its bytes."""
    collected = root / "build/pystatic/shop/program" / name
    for path in (collected, *(root / each for each in origins)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return collected, str(Path(name).parent)


def test_what_git_ignores_is_refused_under_another_name(repository: Path, site: Path) -> None:
    data = [
        copied(repository, "static/local.json", "of assets", "assets/local.json"),
        copied(repository, "static/notes.dat", "of notes", "private/notes.txt"),
        copied(repository, "static/both.js", "of both", "private/both.js", "assets/public.js"),
        copied(repository, "static/made.js", "of nothing"),
        copied(repository, "static/empty", "", "private/empty"),
        copied(repository, "static/library.js", "of others", "node_modules/library.js"),
    ]
    assert refused(make_image(repository), python(site), *data) == [
        "assets/local.json: git ignores it",
        "private/notes.txt: git ignores it",
        '"assets/local.json:static", "private/notes.txt:static".',
    ]
    image = make_image(repository, "assets/local.json:static", "private/notes.txt:static")
    assert refused(image, python(site), *data) == []


def test_what_is_installed_under_another_name_is_refused(repository: Path, site: Path) -> None:
    (repository / "source").mkdir()
    for path in (site / "shop/page.html", repository / "source/local.html"):
        path.write_text("of source", encoding="utf-8")
    assert refused(make_image(repository), python(site), (site / "shop/page.html", "shop"))[0] == (
        "source/local.html: git ignores it"
    )


def test_a_link_out_of_the_project_is_refused_under_another_name(repository: Path, site: Path) -> None:
    outside = repository.parent / "outside.txt"
    data = copied(repository, "static/linked.txt", "outside", str(outside))
    (repository / "assets").mkdir()
    (repository / "assets/linked.txt").symlink_to(outside)
    assert refused(make_image(repository), python(site), data)[0] == f"assets/linked.txt: a link to {outside}"


def test_a_folder_that_git_ignores_may_be_named_for_its_copies(repository: Path, site: Path) -> None:
    data = copied(repository, "static/app.1a2b.js", "of a frontend", "frontend/app.js")
    assert refused(make_image(repository), python(site), data)[0] == "frontend/app.js: git ignores it"
    assert refused(make_image(repository, "frontend:static"), python(site), data) == []


def test_copies_of_what_others_installed_are_their_own_business(repository: Path, site: Path) -> None:
    data = copied(repository, "static/admin.css", "of an admin", "private/admin.css")
    assert refused(make_image(repository), python(site), data)[0] == "private/admin.css: git ignores it"
    install_distribution(site, "admin", "admin/admin.css")
    (site / "admin/admin.css").write_text("of an admin", encoding="utf-8")
    assert refused(make_image(repository), python(site), data) == []


def test_what_is_in_no_record_is_looked_at_as_the_projects_own(root: Path, site: Path) -> None:
    write(root, "private/.env")
    write(site, "shop/static/.env", "shop/static/page.html")
    data = [(site / "shop/static" / name, "shop/static") for name in (".env", "page.html")]
    assert refused(make_image(root), python(site), *data)[0] == "private/.env: a file of variables"


def test_data_beside_packages_is_known_by_its_bytes_and_that_of_others_is_their_own_business(
    repository: Path, site: Path
) -> None:
    environment = site.parents[2]
    names = ("share/shop/settings", "share/shop/local.txt", "share/other/local.css", "share/shop/page.html")
    write(environment, "pyvenv.cfg", *names[1:])
    install_distribution(site, "other", "../../../share/other/local.css")
    (repository / "conf").mkdir()
    for path in (environment / names[0], repository / "conf/prod.env"):
        path.write_text("secret", encoding="utf-8")
    (repository / ".gitignore").write_text("local.*\n.nox/\n", encoding="utf-8")
    for path in (environment / names[1], repository / "local.txt"):
        path.write_text("local", encoding="utf-8")
    (environment / names[3]).write_text("made", encoding="utf-8")
    data = [(environment / name, str(Path(name).parent)) for name in names]
    assert refused(make_image(repository), python(site), *data)[:-1] == [
        "local.txt: git ignores it",
        "conf/prod.env: a file of variables",
    ]


def test_settings_of_a_repository_are_known_by_their_bytes(repository: Path, site: Path) -> None:
    (site / "shop/page.html").write_bytes((repository / ".git/config").read_bytes())
    assert refused(make_image(repository), python(site), (site / "shop/page.html", "shop"))[0] == (
        ".git/config: a file of git itself"
    )


@pytest.mark.parametrize("folder", ["..", "--separate-git-dir=../.git"])
def test_settings_of_a_repository_are_known_wherever_they_lie(root: Path, site: Path, folder: str) -> None:
    shop = root / "shop"
    shop.mkdir()
    subprocess.run(["git", "init", "--quiet", folder], cwd=shop, check=True, timeout=20)
    (site / "shop/page.html").write_bytes((root / ".git/config").read_bytes())
    assert refused(make_image(shop), python(site), (site / "shop/page.html", "shop"))[0] == (
        "../.git/config: a file of git itself"
    )


def test_settings_of_a_repository_are_known_in_a_worktree(root: Path, site: Path) -> None:
    first = root.parent / "first"
    for command in (
        ("init", "--quiet", str(first)),
        ("-C", str(first), "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", "x"),
        ("-C", str(first), "worktree", "add", "--quiet", "--force", str(root / "shop")),
    ):
        subprocess.run(["git", *command], check=True, timeout=20)
    (site / "shop/page.html").write_bytes((first / ".git/config").read_bytes())
    assert refused(make_image(root / "shop"), python(site), (site / "shop/page.html", "shop"))[0] == (
        "../../first/.git/config: a file of git itself"
    )


def test_settings_of_a_repository_are_known_though_git_does_not_answer(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert list(repository_settings(repository / "shop")) == [repository / ".git/config"]


def test_settings_of_mercurial_are_known_above_the_project_too(root: Path, site: Path) -> None:
    write(root.parent, ".hg/hgrc")
    (root.parent / ".hg/hgrc").write_text("[auth]", encoding="utf-8")
    (site / "shop/page.html").write_text("[auth]", encoding="utf-8")
    assert refused(make_image(root), python(site), (site / "shop/page.html", "shop"))[0] == (
        "../.hg/hgrc: a file of git itself"
    )


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ([], "vendor/lib/.git/config"),
        (["--separate-git-dir=../history"], "../history/config"),
        (["--bare"], "vendor/lib/config"),
    ],
)
def test_settings_of_a_repository_below_the_project_are_known(
    repository: Path, site: Path, options: list[str], name: str
) -> None:
    command = ["git", "init", "--quiet", *options, str(repository / "vendor/lib")]
    subprocess.run(command, cwd=repository, check=True, timeout=20)
    settings = repository / name
    settings.write_text(f"{settings.read_text(encoding='utf-8')}# its own\n", encoding="utf-8")
    (site / "shop/page.html").write_bytes(settings.read_bytes())
    assert refused(make_image(repository), python(site), (site / "shop/page.html", "shop"))[0] == (
        f"{name}: a file of git itself"
    )


@pytest.mark.parametrize(
    "name",
    [
        "vendor/lib/.hg/hgrc",
        "vendor/lib/.git/modules/inner/config",
        "vendor/lib/.jj/repo/store/git/config",
        "vendor/lib/.bzr/branch/branch.conf",
    ],
)
def test_settings_of_any_repository_below_the_project_are_known(root: Path, site: Path, name: str) -> None:
    write(root, name)
    subprocess.run(["git", "init", "--quiet", root / "vendor/lib"], check=True, timeout=20)
    (root / name).write_text("[auth]", encoding="utf-8")
    (site / "shop/page.html").write_text("[auth]", encoding="utf-8")
    assert refused(make_image(root), python(site), (site / "shop/page.html", "shop"))[0] == (
        f"{name}: a file of git itself"
    )


def test_credentials_are_found_under_another_name(root: Path, site: Path) -> None:
    for path in (site / "shop/page.html", root / "conf/pip.conf"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("index-url = https://user:sesame@host.example/simple\n", encoding="utf-8")
    assert refused(make_image(root), python(site), (site / "shop/page.html", "shop"))[0] == (
        "conf/pip.conf: a URL with a password"
    )


def test_what_lies_where_a_listed_file_would_is_not_listed(root: Path, site: Path) -> None:
    write(root, "src/shop/.env", "deploy/.env")
    (root / "deploy/.env").write_text("public", encoding="utf-8")
    image = make_image(root, "deploy/.env:shop")
    (site / "shop/.env").write_text("x", encoding="utf-8")
    assert refused(image, python(site), (site / "shop/.env", "shop"))[0] == "src/shop/.env: a file of variables"
    (site / "shop/.env").write_text("public", encoding="utf-8")
    assert refused(image, python(site), (site / "shop/.env", "shop")) == []


# What is installed from other folders of this machine.


@pytest.fixture
def rates(repository: Path, site: Path) -> Path:
    """Another project in a repository of its own, with files that git ignores, installed with its data."""
    rates = repository.parent / "rates"
    names = ("src/rates/settings.json", "src/rates/private/x.json", "src/rates/page.html")
    write(rates, *names)
    (rates / ".gitignore").write_text("settings.json\nprivate/\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", rates], check=True)
    install_distribution(site, "rates", *(name.removeprefix("src/") for name in names), origin=rates.as_uri())
    for name in names:
        (site / name.removeprefix("src/")).write_text("x", encoding="utf-8")
    return rates


@pytest.mark.parametrize("install", [(".",), (".", "../rates")])
def test_what_git_ignores_in_another_project_is_refused(
    repository: Path, site: Path, rates: Path, install: tuple[str, ...]
) -> None:
    data = [(site / "rates" / name, f"rates/{Path(name).parent}") for name in ("settings.json", "private/x.json")]
    image = make_image(repository, install=install)
    assert refused(image, python(site), *data, (site / "rates/page.html", "rates")) == [
        "../rates/src/rates/private/x.json: git ignores it",
        "../rates/src/rates/settings.json: git ignores it",
        '"../rates/src/rates/private/x.json:rates/private", "../rates/src/rates/settings.json:rates".',
    ]
    listed = ("../rates/src/rates/private/x.json:rates/private", "../rates/src/rates/settings.json:rates")
    assert refused(make_image(repository, *listed, install=install), python(site), *data) == []


def test_a_link_within_another_project_is_none_out_of_it(repository: Path, site: Path, rates: Path) -> None:
    page, data = rates / "src/rates/page.html", (site / "rates/page.html", "rates")
    for target, text in ((rates / "notes.html", "of rates"), (rates.parent / "notes.html", "of nobody")):
        target.write_text(text, encoding="utf-8")
        data[0].write_text(text, encoding="utf-8")
        page.unlink()
        page.symlink_to(target)
        reasons = refused(make_image(repository), python(site), data)[:-1]
        assert reasons == ([] if target.parent == rates else [f"../rates/src/rates/page.html: a link to {target}"])


# What PyInstaller collects by itself.


def test_data_of_a_project_that_is_imported_from_elsewhere_is_looked_at(root: Path, site: Path, tmp_path: Path) -> None:
    rates = tmp_path / "rates"
    write(rates, "rates/.env")
    install_distribution(site, "rates", origin=rates.as_uri())
    data = [(str(rates / "rates/.env"), "rates")]
    assert list(of_project(make_image(root), python(site), BASE, data)) == data


def test_of_all_data_the_projects_own_is_looked_at(root: Path, site: Path) -> None:
    names = ("shop.egg-info/PKG-INFO", "build/pystatic/shop/kept/base_library.zip", ".nox/freeze/lib/python3.13/x.txt")
    data = [(str(root / name), "x") for name in names]
    installed = [(str(site / name), "shop") for name in INSTALLED]
    found = of_project(make_image(root), python(site), BASE, [*data, *installed, ("/usr/share/x/y.txt", "x")])
    assert list(found) == [data[0], *installed]


def test_what_python_brings_is_its_own_by_whatever_link_it_is_reached(root: Path, site: Path, tmp_path: Path) -> None:
    base, link = tmp_path / "cpython-3.13.5", tmp_path / "cpython-3.13"
    base.mkdir()
    link.symlink_to(base)
    data = [(str(folder / "lib/tcl8.6/init.tcl"), "tcl") for folder in (base, link)]
    assert list(of_project(make_image(root), python(site), str(link), data)) == []


def test_a_password_in_metadata_that_git_ignores_is_refused_and_metadata_without_one_is_not(
    repository: Path, site: Path
) -> None:
    (repository / ".gitignore").write_text("*.egg-info/\n", encoding="utf-8")
    write(repository, *(f"shop.egg-info/{name}" for name in ("PKG-INFO", "requires.txt", "top_level.txt")))
    image = make_image(repository, install=())
    data = [(repository / "shop.egg-info" / name, "shop.egg-info") for name in ("PKG-INFO", "requires.txt")]
    assert refused(image, python(site), *data) == []
    (repository / "shop.egg-info/PKG-INFO").write_text(
        "Requires-Dist: x @ https://user:sesame@host.example/x.whl\n", encoding="utf-8"
    )
    assert refused(image, python(site), *data) == [
        "shop.egg-info/PKG-INFO: a URL with a password",
        '"shop.egg-info/PKG-INFO:shop.egg-info".',
    ]


def test_data_of_no_known_folder_is_looked_at_unless_it_is_the_systems(root: Path, site: Path, tmp_path: Path) -> None:
    data = [(str(tmp_path / "components/db/.env"), "db"), ("/usr/share/tcltk/init.tcl", "tcl"), ("/etc/x", "x")]
    assert list(of_project(make_image(root), python(site), BASE, data)) == data[:1]


def test_data_of_a_project_that_is_reached_by_a_link_is_looked_at(repository: Path, site: Path, tmp_path: Path) -> None:
    rates = tmp_path / "rates"
    write(rates, "rates/settings.json", "rates/page.html")
    (rates / ".gitignore").write_text("settings.json\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", rates], check=True)
    (repository / "vendor").symlink_to(tmp_path)
    install_distribution(site, "rates", origin=(repository / "vendor/rates").as_uri(), is_editable=True)
    data = [(str(rates / "rates" / name), "rates") for name in ("settings.json", "page.html")]
    image = make_image(repository)
    assert list(of_project(image, python(site), BASE, data)) == data
    assert refused(image, python(site), *((Path(path), folder) for path, folder in data)) == [
        "../rates/rates/settings.json: git ignores it",
        '"../rates/rates/settings.json:rates".',
    ]


@pytest.fixture
def empty_site(tmp_path: Path) -> Path:
    """The packages of a build environment in which nothing is installed."""
    site = tmp_path / "environment/lib/python3.13/site-packages"
    site.mkdir(parents=True)
    return site


def test_a_project_that_is_installed_by_a_link_in_another_is_one_of_its_own(
    repository: Path, site: Path, rates: Path
) -> None:
    (repository / "vendor").symlink_to(rates)
    (site / "rates-1.0.dist-info/direct_url.json").write_text(
        json.dumps({"url": (repository / "vendor").as_uri()}), encoding="utf-8"
    )
    for name in ("settings.json", "page.html"):
        for path in (site / "rates" / name, rates / "src/rates" / name):
            path.write_text(name, encoding="utf-8")
    data = [(site / "rates" / name, "rates") for name in ("settings.json", "page.html")]
    assert refused(make_image(repository), python(site), *data)[:-1] == [
        "vendor/src/rates/settings.json: git ignores it"
    ]


def test_what_lies_in_a_folder_that_git_ignores_is_refused_wherever_that_is(repository: Path, empty_site: Path) -> None:
    image = make_image(repository / "web", install=())
    write(repository, "web/job.py", "other/private/x.json", "other/page.json")
    data = [(repository / "other" / name, "x") for name in ("private/x.json", "page.json")]
    assert refused(image, python(empty_site), *data)[:-1] == ["../other/private/x.json: git ignores it"]


# What the program itself wrote.


def test_what_the_program_itself_wrote_is_left_out_if_it_was_not_there_before(root: Path) -> None:
    names = ("shop/app.db", "shop/config.js", "shop/listed.js", "shop/page.html")
    write(root, *names)
    made, changed, listed, page = (str(root / name) for name in names)
    data = [(path, "shop") for path in (made, changed, listed, page)]
    written = Written(made=frozenset([made]), changed=frozenset([changed, listed]))
    kept, left_out = without_written(make_image(root, "shop/listed.js:shop"), data, written)
    assert kept == [data[1], data[3]]
    assert left_out == [data[0]]


def test_what_the_program_itself_wrote_over_is_refused_until_it_writes_elsewhere_or_it_is_listed(
    root: Path, site: Path
) -> None:
    write(root, "shop/config.js", "state/cache.json")
    (site / "shop/config.js").write_text("other", encoding="utf-8")
    (site / "certifi/cacert.pem").touch()
    data = [(site / "shop/config.js", "shop"), (site / "certifi/cacert.pem", "certifi")]
    written = Written(
        made=frozenset([str(root / "state/cache.json")]), changed=frozenset(str(path) for path, _ in data)
    )
    reason = "the program itself wrote it while it was imported or observed"
    with pytest.raises(ConfigError) as error:
        check_own_data(make_image(root, "state:state"), python(site), [(str(p), f) for p, f in data], written)
    assert str(error.value) == (
        "3 files of the project would go into shop unasked:\n"
        f"  certifi/cacert.pem: {reason}\n"
        f"  shop/config.js: {reason}\n"
        f"  state/cache.json: {reason}\n"
        "Let observe.env have the program write elsewhere. Remove what must not go in, and list what should go in under"
        ' tool.pystatic-tasks.freeze.data: "shop/config.js:shop", "state/cache.json:state". Nothing can be listed '
        "for certifi/cacert.pem: change what a build makes it of, such as pyproject.toml, or its name."
    )
    image = make_image(root, "shop/config.js:shop")
    with pytest.raises(ConfigError):
        check_own_data(image, python(site), [(str(p), f) for p, f in data[:1]], written)
    remember(image, Written(changed=frozenset([str(data[0][0])])))
    (site / "shop/config.js").write_text("x", encoding="utf-8")
    check_own_data(image, python(site), [(str(p), f) for p, f in data[:1]], written)


def test_what_is_remembered_to_be_written_is_refused_too(root: Path, site: Path) -> None:
    image = make_image(root)
    remember(image, Written(changed=frozenset([str(site / "shop/page.html")])))
    assert refused(image, python(site), (site / "shop/page.html", "shop"))[0] == (
        "shop/page.html: the program itself wrote it while it was imported or observed"
    )


def test_modules_that_the_program_wrote_are_refused_with_a_value_of_the_callers(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "open-sesame-1")
    write(root, "shop/made.py", "shop/own.py", "shop/other.py")
    for name in ("made.py", "own.py"):
        (root / "shop" / name).write_text("KEY = 'open-sesame-1'\n", encoding="utf-8")
    sources = [str(root / "shop" / name) for name in ("made.py", "own.py", "other.py")]
    image = replace(make_image(root), smoke=Smoke(env={"KEY": "$SHOP_KEY"}))
    with pytest.raises(ConfigError) as error:
        check_own_modules(image, sources, Written(made=frozenset([sources[0], sources[2]])))
    assert str(error.value) == (
        "1 module that shop itself wrote while it was imported or observed would be included:\n"
        "  shop/made.py: the value of your variable SHOP_KEY is in it\n"
        "Let observe.env have the program write elsewhere, or nothing that is secret. "
        "If the value of your variable is not secret, set the value itself in smoke.env or observe.env."
    )
    check_own_modules(image, sources, Written())


def test_data_with_a_value_of_the_callers_is_refused(root: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "open-sesame-1")
    (site / "shop/page.html").write_text("<b>open-sesame-1</b>", encoding="utf-8")
    image = replace(make_image(root), smoke=Smoke(env={"KEY": "$SHOP_KEY"}))
    with pytest.raises(ConfigError) as error:
        check_own_data(image, python(site), [(str(site / "shop/page.html"), "shop")])
    assert str(error.value) == (
        "1 file of the project would go into shop unasked:\n"
        "  shop/page.html: the value of your variable SHOP_KEY is in it\n"
        "If the value of your variable is not secret, set the value itself in smoke.env or observe.env. "
        "Nothing can be listed for shop/page.html: "
        "change what a build makes it of, such as pyproject.toml, or its name."
    )


@pytest.mark.parametrize("value", ["https://shop.example", "127.0.0.1", "shop.settings", "us-east-1", "Europe/Berlin"])
def test_metadata_may_have_what_is_no_password(
    root: Path, site: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SHOP_KEY", value)
    image = replace(make_image(root), smoke=Smoke(env={"KEY": "$SHOP_KEY"}))
    metadata = site / "shop-1.0.dist-info/METADATA"
    metadata.write_text(f"Name: shop\nProject-URL: Homepage, {value}\n\nOf {value}\n", encoding="utf-8")
    assert refused(image, python(site), (metadata, metadata.parent.name)) == []


# What a build takes from beside the project.


def test_what_hatchling_takes_from_the_home_folder_is_looked_at(
    repository: Path, empty_site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(repository.parent / "home"))
    credentials = repository.parent / "home/.aws/credentials"
    credentials.parent.mkdir(parents=True)
    write(repository, "shop/__init__.py")
    table = '[build.targets.wheel.force-include]\n"~/.aws/credentials" = "shop/aws.ini"\n'
    (repository / "hatch.toml").write_text(table, encoding="utf-8")
    copy = empty_site / "shop/aws.ini"
    copy.parent.mkdir(exist_ok=True)
    for path in (credentials, copy):
        path.write_text("[default]\n", encoding="utf-8")
    found = refused(make_image(repository), python(empty_site), (copy, "shop"))
    assert found[0] == "../home/.aws/credentials: a file of credentials"


@pytest.mark.parametrize(
    "table",
    [
        '[tool.hatch.build.targets.wheel.force-include]\n"../shared" = "shop/shared"\n"../prod.env" = "shop/x.txt"\n',
        '[tool.setuptools]\npackage-dir = { "shop.shared" = "../shared" }\ndata-files = { x = ["../prod.env"] }\n',
    ],
)
def test_what_a_backend_is_told_to_take_from_beside_the_project_is_looked_at(
    repository: Path, empty_site: Path, table: str
) -> None:
    shop = repository / "services/shop"
    write(repository, "services/shop/shop/__init__.py")
    (shop / "pyproject.toml").write_text(table.replace("../", "../../"), encoding="utf-8")
    names = {
        "shop/shared/local.json": "shared/local.json",
        "shop/shared/private/x.json": "shared/private/x.json",
        "shop/shared/page.html": "shared/page.html",
        "shop/x.txt": "prod.env",
    }
    for number, (name, origin) in enumerate(names.items()):
        for path in (empty_site / name, repository / origin):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{number}", encoding="utf-8")
    data = [(empty_site / name, str(Path(name).parent)) for name in names]
    assert refused(make_image(shop), python(empty_site), *data)[:-1] == [
        "../../shared/local.json: git ignores it",
        "../../shared/private/x.json: git ignores it",
        "../../prod.env: a file of variables",
    ]


# Folders that a build backend may be told to take, each with a file in it, and why that is refused.
FORBIDDEN = [
    ("../.aws", "credentials", "a file of credentials"),
    ("../.aws", "sso/cache/x", "a file of credentials"),
    ("../.aws/sso", "cache/x", "a file of credentials"),
    ("../.docker", "config.json", "a file of credentials"),
    ("../.envs", "prod", "a file of variables"),
    ("../.kube", "config", "a file of credentials"),
    ("../.secrets", "db", "a file of credentials"),
    ("../other/.hg", "hgrc", "a file of git itself"),
]
TAKING = [
    '[tool.hatch.build.targets.wheel.force-include]\n"{}" = "shop/data"\n',
    '[tool.setuptools]\npackage-dir = {{ "shop.data" = "{}" }}\n',
]


def taken(shop: Path, site: Path, table: str, named: str, name: str) -> tuple[Path, str]:
    """The copy of a file in a folder beside a project, which a table of its pyproject.toml has a build backend take."""
    copy = site / "shop/data" / name
    for path in (copy, shop / named / name):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("of data", encoding="utf-8")
    (shop / "pyproject.toml").write_text(table.format(named), encoding="utf-8")
    return copy, str(Path("shop/data", name).parent)


@pytest.mark.parametrize(("named", "name", "reason"), FORBIDDEN)
@pytest.mark.parametrize("table", TAKING, ids=["hatchling", "setuptools"])
def test_a_folder_that_a_backend_is_told_to_take_counts_with_its_name(
    root: Path, empty_site: Path, table: str, named: str, name: str, reason: str
) -> None:
    shop = root / ".secrets/shop"
    write(shop, "shop/page.html")
    found = taken(shop, empty_site, table, named, name)
    image = make_image(shop, install=())
    assert refused(image, python(empty_site), found)[0] == f"{named}/{name}: {reason}"
    (shop.parent / "conf").symlink_to((shop / named).resolve())
    (shop / "pyproject.toml").write_text(table.format("../conf"), encoding="utf-8")
    assert refused(image, python(empty_site), found)[0] == f"../conf/{name}: {reason}"


@pytest.mark.parametrize("around", [".secrets", ".git/.aws"])
def test_how_folders_around_a_project_and_what_it_takes_are_called_does_not_count(
    repository: Path, empty_site: Path, around: str
) -> None:
    name, mail = ("-c", "user.name=x"), ("-c", "user.email=x@y")
    checkout = repository / around / "checkout"
    for command in (
        ("-C", str(repository), *name, *mail, "commit", "--quiet", "--allow-empty", "-m", "x"),
        ("-C", str(repository), "worktree", "add", "--quiet", "--detach", str(checkout)),
    ):
        subprocess.run(["git", *command], check=True, timeout=20)
    shop = checkout / "shop"
    write(shop, "shop/page.html", "../pages/x.html")
    data = [(shop / "shop/page.html", "shop"), taken(shop, empty_site, TAKING[0], "../shared", "app.css")]
    assert refused(make_image(shop, "../pages:pages", install=()), python(empty_site), *data) == []


def test_data_of_a_project_that_is_installed_from_a_folder_of_secrets_is_refused(root: Path, empty_site: Path) -> None:
    write(root, "shop/shop/__init__.py", ".secrets/keys/keys/db")
    install_distribution(empty_site, "keys", "keys/db", origin=(root / ".secrets/keys").as_uri())
    for path in (root / ".secrets/keys/keys/db", empty_site / "keys/db"):
        path.write_text("of db", encoding="utf-8")
    image = make_image(root / "shop", install=("../.secrets/keys",))
    assert refused(image, python(empty_site), (empty_site / "keys/db", "keys"))[0] == (
        "../.secrets/keys/keys/db: a file of credentials"
    )


@pytest.mark.parametrize(
    ("named", "name"),
    [("../mirror", "config"), ("../mirror", "hooks/x"), ("../mirror/hooks", "x")],
)
def test_a_bare_repository_that_a_backend_is_told_to_take_is_refused(
    root: Path, empty_site: Path, named: str, name: str
) -> None:
    shop = root / "shop"
    write(root, "shop/page.html", "mirror/hooks/x")
    (root / "mirror/hooks/x").write_text("of hooks", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", "--bare", str(root / "mirror")], check=True, timeout=20)
    table = f'[tool.hatch.build.targets.wheel.force-include]\n"{named}" = "shop/data"\n'
    (shop / "pyproject.toml").write_text(table, encoding="utf-8")
    write(empty_site, "shop/data/x")
    (empty_site / "shop/data/x").write_bytes((shop / named / name).read_bytes())
    assert refused(make_image(shop, install=()), python(empty_site), (empty_site / "shop/data/x", "shop/data"))[0] == (
        f"{named}/{name}: a file of git itself"
    )


def test_git_is_not_asked_where_nothing_goes_in_but_what_a_build_says_of_the_project(
    repository: Path, site: Path
) -> None:
    (repository / ".git/HEAD").write_text("broken", encoding="utf-8")
    metadata = site / "shop-1.0.dist-info/METADATA"
    commands = metadata.with_name("entry_points.txt")
    metadata.write_text("Name: shop\n", encoding="utf-8")
    commands.write_text("[console_scripts]\nshop = shop:main\n", encoding="utf-8")
    data = [(path, metadata.parent.name) for path in (metadata, commands)]
    assert refused(make_image(repository), python(site), *data) == []


def test_nothing_gets_in_where_git_does_not_answer_whatever_it_was_made_from(repository: Path, site: Path) -> None:
    (site / "shop/made.html").write_text("made", encoding="utf-8")
    (repository / ".git/HEAD").write_text("broken", encoding="utf-8")
    with pytest.raises(MissingToolError) as error:
        refused(make_image(repository), python(site), (site / "shop/made.html", "shop"))
    assert error.value.problem.startswith(
        f"git does not say what it ignores in {repository}, and that must not get into an image by accident:"
    )


# What Django collects from folders outside of the project.


@pytest.fixture
def frontend(repository: Path) -> Path:
    """A folder beside the project in its repository, with files that are collected for the program."""
    frontend = repository / "frontend"
    write(repository, "web/pyproject.toml", "frontend/app.js", "frontend/css/a.css", "src/shop.ts")
    (repository / ".gitignore").write_text("*.local\n/built/\n.nox/\nbuild/\n", encoding="utf-8")
    return frontend


def site_of(web: Path) -> Path:
    return web / ".nox/freeze/lib/python3.13/site-packages"


def collect(web: Path, frontend: Path, prefix: str = "") -> list[tuple[Path, str]]:
    """What `collectstatic` makes: copies of the files of a folder, without links."""
    static = web / "build/pystatic/shop/program/static"
    static.mkdir(parents=True, exist_ok=True)
    shutil.copytree(frontend, static / prefix, dirs_exist_ok=True)
    found = filter(Path.is_file, static.rglob("*"))
    return [(path, str("staticfiles" / path.relative_to(static).parent)) for path in found]


def refused_of(web: Path, folder: Path, prefix: str = "") -> list[str]:
    data = [(str(path), place) for path, place in collect(web, folder, prefix)]
    try:
        check_own_data(make_image(web, install=()), python(site_of(web)), data, static_folders=[str(folder)])
    except ConfigError as error:
        return [*error.details, error.remedy.rpartition("freeze.data: ")[2]]
    return []


@pytest.mark.parametrize("prefix", ["", "front"])
def test_what_is_collected_from_beside_the_project_is_asked_about(frontend: Path, prefix: str) -> None:
    web = frontend.parent / "web"
    assert refused_of(web, frontend, prefix) == []
    (frontend / "css/x.local").write_text("local", encoding="utf-8")
    (frontend.parent / "src/shop.ts").write_text("source", encoding="utf-8")
    (frontend / "link.ts").symlink_to("../src/shop.ts")
    (frontend / "inside.js").symlink_to("css/a.css")
    place = f"staticfiles/{prefix}".rstrip("/")
    assert refused_of(web, frontend, prefix) == [
        "../frontend/css/x.local: git ignores it",
        f"../frontend/link.ts: a link to {frontend.parent}/src/shop.ts",
        f'"../frontend/css/x.local:{place}/css", "../frontend/link.ts:{place}".',
    ]


def test_a_folder_that_is_collected_and_ignored_itself_was_meant(frontend: Path) -> None:
    built = frontend.rename(frontend.parent / "built")
    web = frontend.parent / "web"
    write(frontend.parent, "built/x.local", "built/.gitignore")
    (built / ".gitignore").write_text("*\n", encoding="utf-8")
    assert refused_of(web, built) == []
    (built / "link.ts").symlink_to("../src/shop.ts")
    (frontend.parent / "src/shop.ts").write_text("source", encoding="utf-8")
    assert refused_of(web, built)[:-1] == [f"../built/link.ts: a link to {frontend.parent}/src/shop.ts"]


def test_what_is_collected_from_packages_is_their_own_business(frontend: Path) -> None:
    web = frontend.parent / "web"
    static = site_of(web) / "certifi/static"
    write(static, "x.local", "../private.pem")
    (static / "link").symlink_to("../private.pem")
    assert refused_of(web, static) == []


def test_folders_of_the_system_are_not_of_people_unless_they_are_in_the_same_repository(
    frontend: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, web = frontend.parent, frontend.parent / "web"
    usr = repository.parent
    monkeypatch.setattr(own_data, "SYSTEM", (usr,))
    (repository / "system").symlink_to(usr / "share")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    theirs = [usr / "share", web / "static", site_of(web) / "certifi"]
    for each in theirs:
        each.mkdir(parents=True)
    folders = [frontend, *theirs, repository / "system", repository / "gone", elsewhere]
    image = make_image(web, install=())
    found = origins_of(image, python(site_of(web)), map(str, folders)).collected
    assert found == [frontend, elsewhere]
