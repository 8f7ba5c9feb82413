from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pystatic_tasks.config.model import ImageConfig, Observe, Smoke
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.fronts.container.handed import OWN_VARIABLES, Handed, hand_in

FILES = "/pystatic/handed-files"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "handed"
    made.mkdir()
    return made


def written(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def handed(folder: Path, home: Path, **environment: str) -> Handed:
    """What a caller with these variables hands in; settings of this machine do not count."""
    shop = ImageConfig(root=folder, project=folder, name="shop", app="shop:app")
    return hand_in(shop, {"XDG_CONFIG_DIRS": str(home / "none"), **environment}, folder, home)


def own(found: Handed) -> dict[str, str]:
    settings = "PIP_CONFIG_FILE"  # There may be an /etc/pip.conf on this machine.
    return {name: value for name, value in found.variables.items() if name not in (*OWN_VARIABLES, settings)}


def test_settings_of_pip_and_uv_are_handed_in_and_others_not(folder: Path, home: Path) -> None:
    variables = {"PIP_INDEX_URL": "https://me:secret@index.example/simple", "UV_INDEX_URL": "https://x.example"}
    found = handed(folder, home, **variables, HTTPS_PROXY="http://p:1", SOURCE_DATE_EPOCH="7", LANG="C", AWS_KEY="x")
    assert own(found) == {**variables, "HTTPS_PROXY": "http://p:1", "SOURCE_DATE_EPOCH": "7"}


@pytest.mark.parametrize(
    "name",
    ["PIP_CACHE_DIR", "PIP_TARGET", "PIP_LOG", "UV_CACHE_DIR", "UV_PYTHON", "UV_PROJECT", "PYSTATIC_TASKS_BUILD_PLACE"],
)
def test_what_is_about_this_machine_stays_here(name: str, folder: Path, home: Path) -> None:
    assert name not in handed(folder, home, **{name: "/x"}).variables


def test_the_callers_values_of_the_configuration_are_handed_in(folder: Path, home: Path) -> None:
    shop = ImageConfig(
        root=folder,
        project=folder,
        smoke=Smoke(env={"TOKEN": "$SHOP_TOKEN", "MODE": "test"}),
        observe=Observe(env={"KEY": "$SHOP_KEY"}),
    )
    found = hand_in(shop, {"SHOP_TOKEN": "/", "SHOP_KEY": "k", "SHOP_OTHER": "o"}, folder, home)
    assert own(found) == {"SHOP_TOKEN": "/", "SHOP_KEY": "k"}
    assert "/" not in found.files


def test_files_that_settings_name_are_mounted_and_named_as_in_the_container(folder: Path, home: Path) -> None:
    bundle, wheels = written(home / "ca.pem"), home / "wheels"
    wheels.mkdir()
    found = handed(folder, home, PIP_CERT=str(bundle), PIP_FIND_LINKS=f"{wheels} https://x.example {home}/none")
    assert found.variables["PIP_CERT"] == f"{FILES}/0/ca.pem"
    assert found.variables["PIP_FIND_LINKS"] == f"{FILES}/1/wheels https://x.example {home}/none"
    assert (found.files[str(bundle)], found.files[str(wheels)]) == (f"{FILES}/0/ca.pem", f"{FILES}/1/wheels")


def test_an_index_of_files_is_mounted_with_what_lies_beside_it(folder: Path, home: Path) -> None:
    (home / "pypi" / "simple").mkdir(parents=True)
    found = handed(folder, home, PIP_INDEX_URL=f"file://{home}/pypi/simple")
    assert found.variables["PIP_INDEX_URL"] == f"file://{FILES}/0/pypi/simple"
    assert found.files[str(home / "pypi")] == f"{FILES}/0/pypi"


@pytest.mark.parametrize(
    ("place", "variables"),
    [
        (".config/pip/pip.conf", {}),
        (".pip/pip.conf", {}),
        ("Library/Application Support/pip/pip.conf", {}),
        ("Roaming/pip/pip.ini", {"APPDATA": "Roaming"}),
        ("own.conf", {"PIP_CONFIG_FILE": "own.conf"}),
    ],
)
def test_files_with_settings_of_pip_become_one(place: str, variables: dict[str, str], folder: Path, home: Path) -> None:
    written(home / place, "[global]\nindex-url = https://me:100%25@index.example/simple\n[install]\npre = yes\n")
    found = handed(folder, home, **{name: str(home / value) for name, value in variables.items()})
    assert found.variables["PIP_CONFIG_FILE"] == "/pystatic/handed/pip.conf"
    text = (folder / "pip.conf").read_text(encoding="utf-8")
    assert "index-url = https://me:100%25@index.example/simple" in text
    assert "pre = yes" in text


def test_files_that_a_file_with_settings_names_are_mounted(folder: Path, home: Path) -> None:
    bundle = written(home / "ca.pem")
    written(home / ".config/pip/pip.conf", f"[global]\ncert = {bundle}\n")
    found = handed(folder, home)
    assert f"cert = {found.files[str(bundle)]}\n" in (folder / "pip.conf").read_text(encoding="utf-8")


def test_whoever_switches_settings_off_hands_none_in(folder: Path, home: Path) -> None:
    written(home / ".config/pip/pip.conf", "[global]\npre = yes\n")
    assert "PIP_CONFIG_FILE" not in handed(folder, home, PIP_CONFIG_FILE=os.devnull).variables
    assert not (folder / "pip.conf").exists()


def test_settings_that_cannot_be_read_are_named(folder: Path, home: Path) -> None:
    path = written(home / ".config/pip/pip.conf", "index-url")
    with pytest.raises(ConfigError) as caught:
        handed(folder, home)
    assert str(caught.value) == f"Cannot read the pip settings in {path}.\nCorrect the file."


def test_credentials_by_host_and_settings_of_uv_are_mounted(folder: Path, home: Path) -> None:
    netrc, settings = written(home / ".netrc"), written(home / ".config/uv/uv.toml")
    found = handed(folder, home)
    assert found.files[found_source(found, "NETRC")] == found.variables["NETRC"]
    assert {found_source(found, "NETRC"), found_source(found, "UV_CONFIG_FILE")} == {str(netrc), str(settings)}


def found_source(found: Handed, name: str) -> str:
    """The file of this machine that a variable names in the container."""
    return next(source for source, target in found.files.items() if target == found.variables[name])


@pytest.fixture
def agent() -> Iterator[str]:
    """The socket of an agent with keys."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/agent.1")
        yield f"{folder}/agent.1"


def test_the_agent_with_keys_is_handed_in_and_the_hosts_that_are_trusted(folder: Path, home: Path, agent: str) -> None:
    known = written(home / ".ssh/known_hosts")
    found = handed(folder, home, SSH_AUTH_SOCK=agent)
    assert found.files[agent] == found.variables["SSH_AUTH_SOCK"] == "/pystatic/ssh-agent"
    assert found.files[str(known)] == "/etc/ssh/ssh_known_hosts"


def test_an_agent_that_is_gone_or_of_another_system_is_not(
    folder: Path, home: Path, agent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "SSH_AUTH_SOCK" not in handed(folder, home, SSH_AUTH_SOCK=f"{home}/gone").variables
    monkeypatch.setattr("sys.platform", "darwin")
    assert "SSH_AUTH_SOCK" not in handed(folder, home, SSH_AUTH_SOCK=agent).variables


def test_nothing_is_kept_of_what_an_index_answers(folder: Path, home: Path) -> None:
    assert handed(folder, home).variables["PIP_NO_CACHE_DIR"] == "1"
