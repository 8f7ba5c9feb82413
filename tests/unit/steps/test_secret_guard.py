from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.secret_guard import (
    CREDENTIALS,
    GITS_OWN,
    IGNORED,
    PASSWORD_IN_URL,
    PRIVATE_KEY,
    VARIABLES,
    Candidate,
    ignored_below,
    reason_of_content,
    reason_of_name,
    refuse,
    refused_among,
)

BASE64 = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"
# In two parts, so that nobody takes this file for what it speaks of.
BEGIN = "-----BEGIN "


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
    return {found.place: reason for found, reason in refused_among(image, candidates)}


@pytest.mark.parametrize(
    ("reason", "places"),
    [
        (VARIABLES, [".env", "shop/.env", "/srv/.env.production", ".env.local", "x/.envrc"]),
        (GITS_OWN, [".git/config", "/srv/.git/HEAD", "vendor/.hg/hgrc"]),
        (PRIVATE_KEY, ["id_rsa", "/etc/id_ed25519", "tls/server.key", "a.p12", "a.pfx", "store.jks", "a.ppk"]),
        (CREDENTIALS, [".netrc", ".pypirc", ".npmrc", ".htpasswd", "shop/credentials.json", "secrets.kdbx"]),
        (CREDENTIALS, [".docker/config.json", "home/.aws/credentials", "/srv/.ssh/known_hosts", "x/.kube/config"]),
        ("", ["shop/page.html", ".env.example", "x/.env.sample", "id_rsa.pub", "cacert.pem", "config.json"]),
        ("", [".github/x", ".gitignore", "credentials", "environment", "keys/readme.txt", "pip.conf", ".well-known/x"]),
    ],
)
def test_names_tell_what_is_secret(reason: str, places: list[str]) -> None:
    assert {place: reason_of_name(place) for place in places} == dict.fromkeys(places, reason)


@pytest.mark.parametrize(
    ("reason", "name", "text"),
    [
        (PRIVATE_KEY, "server.pem", f"{BEGIN}PRIVATE KEY-----\n{BASE64}\n"),
        (PRIVATE_KEY, "server.txt", f"junk\r\n{BEGIN}RSA PRIVATE KEY-----\r\n{BASE64}\r\n"),
        (PRIVATE_KEY, "x", f"{BEGIN}RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"),
        (PRIVATE_KEY, "x", f"{BEGIN}OPENSSH PRIVATE KEY-----\n{BASE64}"),
        (PRIVATE_KEY, "x", f"{BEGIN}PGP PRIVATE KEY BLOCK-----\n\n{BASE64}"),
        (PRIVATE_KEY, "account.json", f'{{"private_key": "{BEGIN}PRIVATE KEY-----\\n{BASE64}\\n"}}'),
        (PRIVATE_KEY, "x", "PuTTY-User-Key-File-3: ssh-ed25519"),
        ("", "ca.pem", f"{BEGIN}CERTIFICATE-----\n{BASE64}\n"),
        ("", "public.pem", f"{BEGIN}PUBLIC KEY-----\n{BASE64}\n"),
        ("", "crypto.js", f'"{BEGIN}RSA PRIVATE KEY-----\\n" + encoded'),
        ("", "help.html", f"<code>{BEGIN}PRIVATE KEY-----\nMIIE…</code>"),
        (PASSWORD_IN_URL, "pip.conf", "[global]\nindex-url = https://me:secret@index.example/simple\n"),
        (PASSWORD_IN_URL, "METADATA", "Name: x\nRequires-Dist: y @ git+https://token@host.example/y.git\n"),
        (PASSWORD_IN_URL, "METADATA", "Requires-Dist: y @ git+ssh://me:secret@host.example/y.git\n"),
        ("", "METADATA", "Requires-Dist: y @ git+ssh://git@host.example/y.git\n\npostgres://me:secret@localhost/\n"),
        ("", "pip.conf", "index-url = https://index.example/simple\n; https://${USER}:${PASSWORD}@index.example\n"),
        ("", "page.html", "https://me:secret@index.example/simple"),
        ("", "large.bin", f"{BEGIN}PRIVATE KEY-----\n{BASE64}{'x' * 300_000}"),
    ],
)
def test_contents_tell_what_is_secret(tmp_path: Path, reason: str, name: str, text: str) -> None:
    assert reason_of_content(write(tmp_path / name, text)) == reason


def test_all_that_is_refused_is_listed_with_the_entries_that_let_it_in(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    for name in (".env", "page.html", "z/tls.key"):
        write(root / name)
    installed = Candidate(source=root / ".env", place="shop/.env", entry='"shop/.env:shop"', origin=None)
    candidates = [*(candidate(root, name) for name in ("z/tls.key", "page.html", ".env")), installed]
    with pytest.raises(ConfigError) as caught:
        refuse(make_image(root), candidates, "freeze.data")
    assert str(caught.value) == (
        "3 files of the project would go into shop unasked:\n"
        "  .env: a file of variables\n"
        "  shop/.env: a file of variables\n"
        "  z/tls.key: a private key\n"
        "Leave out what shall not go in, and list by hand what shall, in tool.pystatic-tasks.freeze.data: "
        '".env:.", "shop/.env:shop", "z/tls.key:.".'
    )


def test_nothing_refused_is_nothing_said(tmp_path: Path) -> None:
    write(tmp_path / "page.html")
    refuse(make_image(tmp_path), [candidate(tmp_path, "page.html")], "freeze.data")


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


def test_a_project_that_is_ignored_as_a_whole_is_none_of_gits_business(repository: Path) -> None:
    root = repository / "ignored-project"
    assert reasons(make_image(root), candidate(root, "page.html")) == {}


def test_git_is_asked_where_the_file_lies(repository: Path, tmp_path: Path) -> None:
    root = tmp_path / "elsewhere"
    root.mkdir()
    log = repository / "shop/a.log"
    found = Candidate(source=log, place="a.log", entry="", origin=log, folder=repository / "shop")
    assert reasons(make_image(root), found) == {"a.log": IGNORED}


def test_without_git_nothing_is_ignored(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert repository / "dist" in ignored_below(repository)
    assert ignored_below(tmp_path) == frozenset()
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    assert ignored_below(repository) == frozenset()


# Links.


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
