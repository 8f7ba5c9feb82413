from __future__ import annotations

import gzip
import io
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import ConfigError, MissingToolError
from pystatic_tasks.steps.secrets.contents import PASSWORD_IN_URL
from pystatic_tasks.steps.secrets.guard import IGNORED, WRITTEN, Candidate, Guard, why_refused
from pystatic_tasks.steps.secrets.names import CREDENTIALS, GITS_OWN, VARIABLES
from pystatic_tasks.steps.secrets.written import Written, remember


@pytest.fixture(autouse=True)
def _outside_of_any_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


def make_image(root: Path) -> ImageConfig:
    return ImageConfig(root=root, project=root, name="shop", app="shop:app")


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def candidate(root: Path, name: str, folder: Path | None = None) -> Candidate:
    path = root / name
    return Candidate(source=path, place=name, entry=f'"{name}:."', origin=path, folder=folder)


def reasons(image: ImageConfig, *candidates: Candidate) -> dict[str, str]:
    return {found.place: reason for found, reason in Guard(image).refused_among(candidates)}


def test_all_that_is_refused_is_listed_with_the_entries_that_let_it_in(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    for name in (".env", "page.html", "z/tls.key"):
        write(root / name)
    installed = Candidate(source=root / ".env", place="shop/.env", entry='"shop/.env:shop"', origin=None)
    candidates = [*(candidate(root, name) for name in ("z/tls.key", "page.html", ".env")), installed]
    with pytest.raises(ConfigError) as caught:
        Guard(make_image(root)).refuse(candidates, "freeze.data")
    assert str(caught.value) == (
        "3 files of the project would go into shop unasked:\n"
        "  .env: a file of variables\n"
        "  shop/.env: a file of variables\n"
        "  z/tls.key: a private key\n"
        "Remove what must not go in, and list what should go in under tool.pystatic-tasks.freeze.data: "
        '".env:.", "shop/.env:shop", "z/tls.key:.".'
    )


def test_a_file_that_would_go_in_twice_is_listed_once_with_an_entry_for_each_folder(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    path = write(root / "static/.env")
    places = ("static/.env", "root/.env", "root/.env.1a2b")
    candidates = [
        Candidate(source=path, place=place, entry=f'"static/.env:{Path(place).parent}"', origin=path)
        for place in places
    ]
    with pytest.raises(ConfigError) as caught:
        Guard(make_image(root)).refuse(candidates, "freeze.data")
    assert str(caught.value) == (
        "1 file of the project would go into shop unasked:\n"
        "  static/.env: a file of variables\n"
        "Remove what must not go in, and list what should go in under tool.pystatic-tasks.freeze.data: "
        '"static/.env:root", "static/.env:static".'
    )


def test_what_cannot_be_listed_is_named_with_what_else_can_be_done(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    made = Candidate(source=write(root / "made.key"), place="static/made.key", entry="", origin=None)
    metadata = Candidate(source=write(root / ".env"), place="shop-1.dist-info/.env", entry="", origin=None)
    with pytest.raises(ConfigError) as caught:
        Guard(make_image(root)).refuse([candidate(root, ".env"), made, metadata], "freeze.data")
    assert str(caught.value) == (
        "3 files of the project would go into shop unasked:\n"
        "  .env: a file of variables\n"
        "  shop-1.dist-info/.env: a file of variables\n"
        "  static/made.key: a private key\n"
        'Remove what must not go in, and list what should go in under tool.pystatic-tasks.freeze.data: ".env:.". '
        "Nothing can be listed for shop-1.dist-info/.env, static/made.key: "
        "change what a build makes it of, such as pyproject.toml, or its name."
    )
    with pytest.raises(ConfigError) as caught:
        Guard(make_image(root)).refuse([made], "freeze.data")
    assert str(caught.value) == (
        "1 file of the project would go into shop unasked:\n"
        "  static/made.key: a private key\n"
        "Nothing can be listed for static/made.key: "
        "change what a build makes it of, such as pyproject.toml, or its name."
    )


def test_names_are_shown_in_one_line(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    names = ("a\n\x1b[2Kb.key", "c\udcff.key", "q\u0022ä.key")
    for name in names:
        write(root / name)
    write(root / "z.zip").write_bytes(zipped("deploy\n/.env"))
    (root / "link").symlink_to(write(tmp_path / "out\nside"))
    candidates = [candidate(root, name) for name in (*names, "link", "z.zip")]
    with pytest.raises(ConfigError) as caught:
        Guard(make_image(root)).refuse([replace(each, entry="") for each in candidates], "freeze.data")
    assert caught.value.details == (
        "a\\n\\x1b[2Kb.key: a private key",
        "c\\udcff.key: a private key",
        f"link: a link to {tmp_path}/out\\nside",
        'q"ä.key: a private key',
        "z.zip: a file of variables in it, deploy\\n/.env",
    )
    assert caught.value.remedy.startswith('Nothing can be listed for a\\n\\x1b[2Kb.key, c\\udcff.key, link, q"ä.key, ')


def zipped(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x")
    return buffer.getvalue()


def test_nothing_refused_is_nothing_said(tmp_path: Path) -> None:
    write(tmp_path / "page.html")
    Guard(make_image(tmp_path)).refuse([candidate(tmp_path, "page.html")], "freeze.data")


@pytest.mark.parametrize("name", ["pip.conf", "uv.toml"])
def test_contents_count_by_each_name_that_a_file_has(tmp_path: Path, name: str) -> None:
    root = tmp_path / "shop"
    write(root / "conf" / name, "url = https://user:sesame@host.example/simple")
    write(root / "page.html", "url = https://user:sesame@host.example/simple")
    (root / "page.txt").symlink_to(f"conf/{name}")
    named = Candidate(source=root / "page.html", place=f"etc/{name}", entry="", origin=None)
    found = reasons(make_image(root), candidate(root, "page.html"), candidate(root, "page.txt"), named)
    assert found == dict.fromkeys(["page.txt", f"etc/{name}"], PASSWORD_IN_URL)


def test_what_was_compressed_counts_by_each_name_that_it_has(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    path = root / "prod.env.gz"
    root.mkdir()
    path.write_bytes(gzip.compress(b"A=1"))
    copied = Candidate(source=write(root / "copy"), place="shop/copy", entry="", origin=path)
    (root / "copy").write_bytes(path.read_bytes())
    assert reasons(make_image(root), copied) == {"shop/copy": VARIABLES}


def test_what_the_program_itself_wrote_is_no_remedy(tmp_path: Path) -> None:
    image = make_image(tmp_path)
    path = write(tmp_path / "state/cache.json")
    assert why_refused(image, path, "state/cache.json") == ""
    remember(image, Written(made=frozenset([str(path)])))
    assert why_refused(image, path, "state/cache.json") == WRITTEN


# What git says.


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    write(root / ".gitignore", "*.log\ngenerated/\ndist/\n!*.keep\nignored-project/\n")
    for name in ("shop/page.html", "shop/a.log", "shop/tracked.log", "shop/generated/b.css", "dist/app.js"):
        write(root / name)
    write(root / "ignored-project/page.html")
    subprocess.run(["git", "init", "-q", root], check=True)
    subprocess.run(["git", "add", "-f", "shop/tracked.log"], cwd=root, check=True)
    return root


def test_what_git_ignores_is_refused_and_what_it_tracks_is_not(repository: Path) -> None:
    names = ("shop/page.html", "shop/a.log", "shop/tracked.log", "shop/generated/b.css")
    found = reasons(make_image(repository), *(candidate(repository, name) for name in names))
    assert found == dict.fromkeys(["shop/a.log", "shop/generated/b.css"], IGNORED)


def test_a_folder_that_is_ignored_itself_is_listed_by_hand_with_what_it_holds(repository: Path) -> None:
    image, dist = make_image(repository), repository / "dist"
    write(dist / ".env")
    found = reasons(image, *(candidate(repository, f"dist/{name}", dist) for name in ("app.js", ".env")))
    assert found == {"dist/.env": VARIABLES}
    above = candidate(repository, "shop/generated/b.css", repository / "shop")
    assert reasons(image, above) == {"shop/generated/b.css": IGNORED}


def test_a_folder_that_holds_nothing_but_ignored_files_was_not_meant_with_them(repository: Path) -> None:
    certs = repository / "certs"
    write(certs / "a.log")
    write(certs / "generated/b.css")
    named = [candidate(repository, f"certs/{name}", certs) for name in ("a.log", "generated/b.css")]
    assert reasons(make_image(repository), *named) == dict.fromkeys(["certs/a.log", "certs/generated/b.css"], IGNORED)


def test_a_folder_that_a_rule_names_was_not_meant_as_a_whole_if_git_tracks_a_file_in_it(repository: Path) -> None:
    generated = repository / "shop/generated"
    write(generated / "inner/c.css")
    subprocess.run(["git", "add", "--force", "shop/generated/b.css"], cwd=repository, check=True, timeout=20)
    named = [candidate(repository, f"shop/generated/{name}", generated) for name in ("b.css", "inner/c.css")]
    assert reasons(make_image(repository), *named) == {"shop/generated/inner/c.css": IGNORED}
    inner = candidate(repository, "shop/generated/inner/c.css", generated / "inner")
    assert reasons(make_image(repository), inner) == {}


def test_of_a_project_that_is_ignored_as_a_whole_its_own_rules_count(repository: Path) -> None:
    root = repository / "ignored-project"
    for name in ("a.log", "a.secret", "dist/app.js", "certs/b.secret"):
        write(root / name)
    write(root / ".gitignore", "*.secret\ndist/\n")
    named = [candidate(root, f"{name}", (root / name).parent) for name in ("dist/app.js", "certs/b.secret")]
    found = reasons(make_image(root), *(candidate(root, name) for name in ("page.html", "a.log", "a.secret")), *named)
    assert found == dict.fromkeys(["a.secret", "certs/b.secret"], IGNORED)


def test_a_folder_out_of_the_project_that_is_ignored_itself_is_listed_by_hand_too(
    repository: Path, tmp_path: Path
) -> None:
    root, dist = tmp_path / "elsewhere", repository / "dist"
    root.mkdir()
    write(dist / ".gitignore", "*\n")
    found = Candidate(source=dist / "app.js", place="app.js", entry="", origin=dist / "app.js", folder=dist)
    assert reasons(make_image(root), found) == {}


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        ("src/shop.egg-info", ("PKG-INFO", "requires.txt", "entry_points.txt")),
        (".pdm-build/shop-1.dist-info", ("METADATA", "WHEEL", "entry_points.txt")),
    ],
)
def test_metadata_of_builds_may_be_ignored_but_nothing_beside_it(
    repository: Path, folder: str, names: tuple[str, ...]
) -> None:
    write(repository / ".gitignore", "*.egg-info/\n.pdm-build/\n*.log\n")
    others = ("a.log", f"inner/{names[0]}", "top_level.txt")
    for name in (*names, *others[:-1]):
        write(repository / folder / name)
    (repository / folder / others[-1]).symlink_to(repository / "shop/a.log")
    found = reasons(make_image(repository), *(candidate(repository, f"{folder}/{name}") for name in (*names, *others)))
    assert found == dict.fromkeys([f"{folder}/{name}" for name in others], IGNORED)


def test_git_is_asked_where_the_file_lies(repository: Path, tmp_path: Path) -> None:
    root = tmp_path / "elsewhere"
    root.mkdir()
    log = repository / "shop/a.log"
    found = Candidate(source=log, place="a.log", entry="", origin=log, folder=repository / "shop")
    assert reasons(make_image(root), found) == {"a.log": IGNORED}


def test_a_repository_in_the_project_is_asked_for_what_it_ignores(repository: Path) -> None:
    module = repository / "shop/module"
    for name in ("a.html", "a.secret"):
        write(module / name)
    write(module / ".gitignore", "*.secret\n")
    subprocess.run(["git", "init", "-q", module], check=True)
    found = reasons(
        make_image(repository), *(candidate(repository, f"shop/module/{name}") for name in ("a.html", "a.secret"))
    )
    assert found == {"shop/module/a.secret": IGNORED}


def test_nothing_gets_in_where_git_does_not_say_what_it_ignores(repository: Path) -> None:
    (repository / ".git/index").write_bytes(b"broken")
    with pytest.raises(MissingToolError, match="git does not say what it ignores"):
        Guard(make_image(repository)).refuse([candidate(repository, "shop/page.html")], "freeze.data")


# Where files lie, and where they lead.


@pytest.mark.parametrize(
    ("reason", "source", "place"),
    [
        (CREDENTIALS, "conf/.aws/credentials", "/aws/credentials"),
        (CREDENTIALS, "conf/.docker/config.json", "/docker/config.json"),
        (CREDENTIALS, "conf/.kube/config", "/kube/config"),
        (CREDENTIALS, "conf/.ssh/known_hosts", "/ssh/known_hosts"),
        (CREDENTIALS, "page.html", "/srv/.aws/page.html"),
        (GITS_OWN, ".git/HEAD", "/history/HEAD"),
        (VARIABLES, "conf/prod.env", "/srv/settings"),
        ("", "conf/aws/page.html", "/srv/page.html"),
    ],
)
def test_names_count_in_the_project_and_in_the_image(tmp_path: Path, reason: str, source: str, place: str) -> None:
    root = tmp_path / ".kube"
    path = write(root / source)
    each = Candidate(source=path, place=place, entry="", origin=path, folder=path.parent)
    assert reasons(make_image(root), each) == ({place: reason} if reason else {})


def test_a_bare_repository_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    for repository in (root / "data/history", tmp_path / "history"):
        subprocess.run(["git", "init", "--quiet", "--bare", repository], check=True, timeout=20)
    for name in ("data/history/objects/pack/x.idx", "data/page.html", "data/HEAD"):
        write(root / name)
    names = ("data/history/config", "data/history/objects/pack/x.idx", "data/page.html", "data/HEAD")
    found = reasons(make_image(root), *(candidate(root, name, root / "data") for name in names))
    assert found == dict.fromkeys(names[:2], GITS_OWN)
    (root / "settings").symlink_to("data/history/config")
    itself = candidate(root, "data/history/HEAD", root / "data/history")
    elsewhere = candidate(tmp_path, "history/config", tmp_path / "history")
    assert reasons(make_image(root), candidate(root, "settings"), itself, elsewhere) == {
        "settings": GITS_OWN,
        "data/history/HEAD": GITS_OWN,
        "history/config": GITS_OWN,
    }


def test_a_bare_repository_in_an_archive_is_known_by_its_name(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("shop.git/config", "[core]")
    (tmp_path / "history.zip").write_bytes(content.getvalue())
    assert reasons(make_image(tmp_path), candidate(tmp_path, "history.zip")) == {
        "history.zip": f"{GITS_OWN} in it, shop.git/config"
    }


def test_what_is_checked_out_in_a_bare_repository_is_a_project_as_any(tmp_path: Path) -> None:
    first, bare = tmp_path / "first", tmp_path / "shop"
    for command in (
        ("init", "--quiet", str(first)),
        ("-C", str(first), "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", "x"),
        ("clone", "--quiet", "--bare", str(first), str(bare)),
        ("-C", str(bare), "worktree", "add", "--detach", str(bare / "main")),
    ):
        subprocess.run(["git", *command], check=True, timeout=20)
    for name in ("main/web/page.html", "main/frontend/app.js", "main/x.txt"):
        write(bare / name)
    found = [candidate(bare, name, folder) for name, folder in (("main/web/page.html", None), ("main/x.txt", None))]
    outside = candidate(bare, "main/frontend/app.js", bare / "main/frontend")
    assert reasons(make_image(bare / "main/web"), *found, outside) == {}


def test_names_count_of_folders_outside_of_the_project(tmp_path: Path) -> None:
    path = write(tmp_path / "home/.kube/cache/x")
    each = Candidate(source=path, place="/x", entry="", origin=path, folder=path.parent)
    assert reasons(make_image(tmp_path / "shop"), each) == {"/x": CREDENTIALS}


def test_links_count_where_they_lead(repository: Path) -> None:
    shop = repository / "shop"
    write(repository / ".env")
    write(repository / "conf/.aws/page.html")
    for name, leads_to in {
        "settings.txt": "../.env",
        "log.txt": "a.log",
        "page.txt": "page.html",
        "aws": "../conf/.aws",
        "built": "../dist",
    }.items():
        (shop / name).symlink_to(leads_to)
    names = ("settings.txt", "log.txt", "page.txt", "aws/page.html", "built/app.js")
    found = reasons(make_image(repository), *(candidate(repository, f"shop/{name}", shop) for name in names))
    assert found == {
        "shop/settings.txt": VARIABLES,
        "shop/log.txt": IGNORED,
        "shop/aws/page.html": CREDENTIALS,
        "shop/built/app.js": IGNORED,
    }


def test_a_link_counts_by_each_place_that_it_leads_to(repository: Path) -> None:
    shop = repository / "shop"
    write(repository / "envs/prod")
    write(repository / ".aws/x")
    (repository.parent / "outside").mkdir()
    links = {
        "../.env": "envs/prod",
        "settings.txt": "../.env",
        "../now.log": "envs/prod",
        "log.txt": "../now.log",
        "../envs/.ssh": ".",
        "../keys": "envs/.ssh",
        "keys.txt": "../keys/prod",
        "../.aws/credentials": "../envs/prod",
        "third.txt": "../.aws/credentials",
        "../../outside/back": "../repository/envs",
        "fourth.txt": "../../outside/back/prod",
        "fifth.txt": "page.txt",
        "page.txt": "page.html",
    }
    for name, leads_to in links.items():
        (shop / name).symlink_to(leads_to)
    names = [name for name in links if name.endswith(".txt")]
    assert reasons(make_image(repository), *(candidate(repository, f"shop/{name}") for name in names)) == {
        "shop/settings.txt": VARIABLES,
        "shop/log.txt": IGNORED,
        "shop/keys.txt": CREDENTIALS,
        "shop/third.txt": CREDENTIALS,
        "shop/fourth.txt": f"a link to {repository.parent}/outside/back/prod",
    }


def test_a_project_that_links_lead_to_one_after_another_is_no_link_out_of_it(repository: Path) -> None:
    first, second = repository.parent / "first", repository.parent / "second"
    first.symlink_to(second)
    second.symlink_to(repository)
    assert reasons(make_image(first), candidate(first, "shop/page.html")) == {}


def test_a_link_out_of_an_ignored_folder_that_was_named_was_not_meant(repository: Path) -> None:
    dist = repository / "dist"
    (dist / "x.txt").symlink_to("../shop/a.log")
    found = reasons(
        make_image(repository), *(candidate(repository, f"dist/{name}", dist) for name in ("app.js", "x.txt"))
    )
    assert found == {"dist/x.txt": IGNORED}


def test_a_project_that_is_reached_by_a_link_is_asked_as_any(repository: Path) -> None:
    root = repository.parent / "link"
    root.symlink_to(repository)
    (repository / "shop/log.txt").symlink_to("a.log")
    found = reasons(make_image(root), *(candidate(root, f"shop/{name}") for name in ("page.html", "a.log", "log.txt")))
    assert found == dict.fromkeys(["shop/a.log", "shop/log.txt"], IGNORED)


def test_a_folder_that_leads_out_of_the_project_is_a_link_too(tmp_path: Path) -> None:
    root, outside = tmp_path / "shop", write(tmp_path / "outside/x")
    root.mkdir()
    (root / "static").symlink_to(outside.parent)
    assert reasons(make_image(root), candidate(root, "static/x")) == {"static/x": f"a link to {outside}"}


def test_links_may_lead_anywhere_in_the_project_and_in_the_folder_that_was_named(tmp_path: Path) -> None:
    root, outside = tmp_path / "shop", tmp_path / "outside"
    write(root / "pages/page.html")
    write(outside / "data/x")
    (root / "other").mkdir()
    (root / "other/page.html").symlink_to("../pages/page.html")
    (outside / "data/y").symlink_to("x")
    (outside / "data/z").symlink_to("/etc/hostname")
    image = make_image(root)
    assert reasons(image, candidate(root, "other/page.html")) == {}
    assert reasons(image, *(candidate(outside, f"data/{name}", outside / "data") for name in "xyz")) == {
        "data/z": "a link to /etc/hostname"
    }
