from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.registry import credential_helper, credentials
from pystatic_tasks.oci.registry.credentials import Credentials, find_credentials, login, podman_files

REGISTRY = "registry.example:5000"
FOUND = '{"ServerURL": "x", "Username": "me", "Secret": "from the helper"}'


def auth(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def docker(home: Path, content: Any) -> Path:
    return write(home / ".docker" / "config.json", content)


def helper(home: Path, name: str, *lines: str) -> None:
    program = write(home / "bin" / f"docker-credential-{name}", "\n".join(["#!/bin/sh", *lines, ""]))
    program.chmod(0o755)


def find(home: Path, registry: str = REGISTRY, repository: str = "team/shop", **more: str) -> Credentials | None:
    path = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return find_credentials(registry, repository, {"HOME": str(home), "PATH": path, **more})


def secret(home: Path, registry: str = REGISTRY, **more: str) -> str | None:
    found = find(home, registry, **more)
    return found.secret if found else None


def test_nobody_logged_in_anywhere(home: Path) -> None:
    assert find(home) is None


def test_what_docker_login_left_is_found(home: Path) -> None:
    path = docker(home, {"auths": {"other.example": {"auth": auth("me", "x")}, REGISTRY: {"auth": auth("me", "a:b")}}})
    assert find(home) == Credentials(username="me", secret="a:b", source=str(path))


@pytest.mark.parametrize(
    "key", ["https://{}", "http://{}/", "https://{}/v1/", "https://{}/v2/", "https://{}/some/path", "{}/"]
)
def test_older_dockers_wrote_whole_addresses(home: Path, key: str) -> None:
    docker(home, {"auths": {key.format(REGISTRY): {"auth": auth("me", "word")}}})
    assert secret(home) == "word"


@pytest.mark.parametrize("older", [["https://{}/v1/"], ["https://{}/v1/", "https://{}/v2/"]])
def test_an_address_that_an_older_docker_wrote_comes_after_the_name(home: Path, older: list[str]) -> None:
    """Wherever it stands in the file."""
    entries = {key.format(REGISTRY): {"auth": auth("me", key)} for key in older}
    docker(home, {"auths": entries})
    assert secret(home) == older[0]
    for name in ({REGISTRY: {"auth": auth("me", "name")}}, {f"{REGISTRY}/": {"auth": auth("me", "name")}}):
        docker(home, {"auths": {**name, **entries}})
        assert secret(home) == "name"
        docker(home, {"auths": {**entries, **name}})
        assert secret(home) == "name"


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
def test_docker_hub_has_several_names(home: Path, key: str) -> None:
    docker(home, {"auths": {key: {"auth": auth("me", "word")}}})
    assert secret(home, "docker.io") == "word"


def test_dockers_configuration_may_be_elsewhere(home: Path) -> None:
    docker(home, {"auths": {REGISTRY: {"auth": auth("me", "at home")}}})
    write(home / "elsewhere" / "config.json", {"auths": {REGISTRY: {"auth": auth("me", "elsewhere")}}})
    assert secret(home, DOCKER_CONFIG=str(home / "elsewhere")) == "elsewhere"


def test_podmans_file_comes_after_dockers(home: Path) -> None:
    write(home / "run" / "containers" / "auth.json", {"auths": {REGISTRY: {"auth": auth("me", "podman")}}})
    run = {"XDG_RUNTIME_DIR": str(home / "run")}
    assert secret(home, **run) == "podman"
    docker(home, {"auths": {REGISTRY: {"auth": auth("me", "docker")}}})
    assert secret(home, **run) == "docker"


def test_podmans_files_are_where_podman_has_them(home: Path) -> None:
    paths = [home / "named.json", home / "run/containers/auth.json", home / ".config/containers/auth.json"]
    for path in paths:
        write(path, {})
    environment = {"HOME": str(home), "REGISTRY_AUTH_FILE": str(paths[0]), "XDG_RUNTIME_DIR": str(home / "run")}
    assert podman_files(environment) == paths


def test_podman_has_another_file_for_who_has_no_session(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root has none by `sudo`, in a container or in cron."""
    monkeypatch.setattr(credentials, "PODMAN_RUNTIME", home)
    path = write(home / str(os.getuid()) / "auth.json", {"auths": {REGISTRY: {"auth": auth("me", "word")}}})
    assert secret(home) == secret(home, XDG_RUNTIME_DIR="") == "word"
    assert secret(home, XDG_RUNTIME_DIR=str(home / "run")) is None
    assert podman_files({"HOME": str(home)}) == [path]
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert podman_files({"HOME": str(home)}) == []


@pytest.mark.parametrize("part", ["v1", "v2", "team"])
def test_an_entry_of_podmans_for_a_part_of_a_registry_holds_for_no_other(home: Path, part: str) -> None:
    path = write(home / "auth.json", {"auths": {f"{REGISTRY}/{part}": {"auth": auth("me", "word")}}})
    podman = {"REGISTRY_AUTH_FILE": str(path)}
    assert find(home, repository="others/shop", **podman) is None
    assert find(home, repository=f"{part}/shop", **podman) is not None


@pytest.mark.parametrize("rest", ["/v1/", "/v2/", "/v1", "/any/part"])
def test_docker_takes_an_entry_by_its_host_where_no_other_is_found(home: Path, rest: str) -> None:
    """As its own command does."""
    docker(home, {"auths": {f"{REGISTRY}{rest}": {"auth": auth("me", "docker")}}})
    assert secret(home) == "docker"
    path = write(home / "auth.json", {"auths": {REGISTRY: {"auth": auth("me", "podman")}}})
    assert secret(home, REGISTRY_AUTH_FILE=str(path)) == "podman"
    docker(home, {"auths": {f"{REGISTRY}x{rest}": {"auth": auth("me", "docker")}}})
    assert secret(home) is None


@pytest.mark.parametrize("name", ["docker.io", "index.docker.io", "registry-1.docker.io"])
def test_docker_hub_too(home: Path, name: str) -> None:
    docker(home, {"auths": {f"{name}/v1/": {"auth": auth("me", "word")}}})
    assert secret(home, "docker.io") == "word"


@pytest.mark.parametrize(
    ("repository", "password"), [("team/shop", "shop"), ("team/other", "team"), ("others/shop", "all")]
)
def test_the_closest_entry_of_a_registry_holds(home: Path, repository: str, password: str) -> None:
    keys = {REGISTRY: "all", f"{REGISTRY}/team": "team", f"{REGISTRY}/team/shop": "shop"}
    docker(home, {"auths": {key: {"auth": auth("me", word)} for key, word in keys.items()}})
    found = find(home, repository=repository)
    assert found is not None
    assert found.secret == password


def test_an_identity_token_is_one(home: Path) -> None:
    path = docker(home, {"auths": {REGISTRY: {"auth": auth("00000000", ""), "identitytoken": "long"}}})
    assert find(home) == Credentials(username="00000000", secret="long", is_token=True, source=str(path))


def test_the_registrys_own_helper_is_asked_first(home: Path) -> None:
    docker(home, {"credHelpers": {REGISTRY: "own"}, "credsStore": "all", "auths": {REGISTRY: {"auth": auth("a", "b")}}})
    helper(home, "own", f'[ "$1" = get ] && [ "$(cat)" = {REGISTRY} ] && echo \'{FOUND}\'')
    assert find(home) == Credentials(
        username="me", secret="from the helper", source="docker-credential-own", is_from_helper=True
    )


def test_the_store_is_asked_for_all_others(home: Path) -> None:
    docker(home, {"credHelpers": {"other.example": "own"}, "credsStore": "all", "auths": {REGISTRY: {}}})
    helper(home, "all", f"echo '{FOUND}'")
    assert secret(home) == "from the helper"


def test_a_helper_knows_docker_hub_by_its_old_address(home: Path) -> None:
    docker(home, {"credsStore": "all"})
    helper(home, "all", f"[ \"$(cat)\" = https://index.docker.io/v1/ ] && echo '{FOUND}'")
    assert secret(home, "docker.io") == "from the helper"


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
def test_docker_hub_may_have_a_helper_of_its_own_under_each_name(home: Path, key: str) -> None:
    docker(home, {"credHelpers": {key: "own"}})
    helper(home, "own", f"[ \"$(cat)\" = https://index.docker.io/v1/ ] && echo '{FOUND}'")
    assert secret(home, "docker.io") == "from the helper"


def test_a_helper_may_give_an_identity_token(home: Path) -> None:
    docker(home, {"credsStore": "all"})
    helper(home, "all", """echo '{"Username": "<token>", "Secret": "long"}'""")
    found = find(home)
    assert found == Credentials(
        username="<token>", secret="long", is_token=True, source="docker-credential-all", is_from_helper=True
    )


def test_what_a_helper_answers_is_utf_8_in_every_locale(home: Path) -> None:
    docker(home, {"credsStore": "all"})
    helper(home, "all", """echo '{"Username": "me", "Secret": "größe"}'""")
    ask = (
        "import os; from pystatic_tasks.oci.registry.credentials import find_credentials;"
        'print(ascii(find_credentials("registry.example", "shop", os.environ).secret))'
    )
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment = {"HOME": str(home), "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}", **plain}
    command = [sys.executable, "-c", ask]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert said == f"{'größe'!a}\n"


def test_what_a_helper_does_not_know_may_be_in_the_file(home: Path) -> None:
    docker(home, {"credsStore": "all", "auths": {REGISTRY: {"auth": auth("me", "word")}}})
    helper(home, "all", "echo credentials not found in native keychain", "exit 1")
    assert secret(home) == "word"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("echo secret; exit 3", "it ended with 3"),
        ("echo secret", "its answer is not what a credential helper gives"),
        ("echo '[]'", "its answer is not what a credential helper gives"),
        ("yes '[' | head -n 100000", "its answer is not what a credential helper gives"),
        (r"""echo '{"Username": "me", "Secret": "\ud800"}'""", "its answer is not what a credential helper gives"),
        ("""echo '{"Username": "me", "Secret": 7}'""", "its answer is not what a credential helper gives"),
        ("""echo '{"Username": "me", "Secret": ["x"]}'""", "its answer is not what a credential helper gives"),
        ("""echo '{"Username": null, "Secret": "x"}'""", "its answer is not what a credential helper gives"),
        ("yes", "it printed more than 1 MB"),
        ("yes >&2", "it printed more than 1 MB"),
        (f"echo '{FOUND}'; yes >&2", "it printed more than 1 MB"),
        (f"yes ' ' | head -c 1000000; echo '{FOUND}'", "it printed more than 1 MB"),
    ],
)
def test_a_helper_that_fails_is_named_without_what_it_printed(home: Path, line: str, why: str) -> None:
    docker(home, {"credsStore": "all"})
    helper(home, "all", line)
    with pytest.raises(PushError) as caught:
        find(home)
    assert str(caught.value) == (
        f"The credential helper docker-credential-all failed: {why}.\n"
        f"Try it: echo {REGISTRY} | docker-credential-all get."
    )


@pytest.mark.parametrize(
    "line",
    ["sleep 9", "exec sleep 9", f"echo '{FOUND}'; sleep 9", f"echo '{FOUND}'; sleep 9 &", "exec >&- 2>&-; sleep 9"],
)
def test_a_helper_that_takes_too_long_is_named(home: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    docker(home, {"credsStore": "all"})
    helper(home, "all", line)
    monkeypatch.setattr(credential_helper, "MOST_SECONDS", 1)
    began = time.monotonic()
    with pytest.raises(PushError) as caught:
        find(home)
    assert time.monotonic() - began < 5
    assert caught.value.problem == (
        "The credential helper docker-credential-all failed: it gave no answer within 1 seconds."
    )


def test_a_helper_may_warn_and_need_not_read(home: Path) -> None:
    docker(home, {"credsStore": "all"})
    helper(home, "all", "exec <&-", "echo careful >&2", "yes ' ' | head -c 900000", f"echo '{FOUND}'")
    assert secret(home) == "from the helper"


def test_a_helper_that_cannot_be_run_is_named(home: Path) -> None:
    docker(home, {"credsStore": "all"})
    write(home / "bin" / "docker-credential-all", "#!/nowhere/sh\n").chmod(0o755)
    with pytest.raises(PushError) as caught:
        find(home)
    assert caught.value.problem == (
        "The credential helper docker-credential-all failed: it cannot be run: No such file or directory."
    )


@pytest.mark.parametrize(("store", "shown"), [("all", "all"), ("\ud800", r"\ud800"), ("a\0b", r"a\x00b")])
def test_a_helper_that_is_not_there_is_named(home: Path, store: str, shown: str) -> None:
    docker(home, {"credsStore": store})
    with pytest.raises(PushError) as caught:
        find(home)
    assert str(caught.value) == (
        f"Docker's configuration names the credential helper docker-credential-{shown}, "
        "which is not on the PATH.\n"
        "Install it, or remove it from the configuration."
    )


@pytest.mark.parametrize("content", [[], {"auths": ["x"]}, {"auths": {REGISTRY: None}}, {"credHelpers": "x"}])
def test_what_holds_no_entries_gives_none(home: Path, content: object) -> None:
    docker(home, content)
    assert find(home) is None


@pytest.mark.parametrize("content", ["{secret", "[" * 100_000])
def test_a_file_that_is_no_json_is_named_without_what_is_in_it(home: Path, content: str) -> None:
    path = docker(home, content)
    with pytest.raises(PushError) as caught:
        find(home)
    assert str(caught.value) == (f"Cannot read the credentials in {path}: it is not valid JSON.\nCorrect the file.")


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("DOCKER_CONFIG", "config.json"),
        ("XDG_RUNTIME_DIR", "containers/auth.json"),
        ("XDG_CONFIG_HOME", "containers/auth.json"),
        ("REGISTRY_AUTH_FILE", ""),
    ],
)
def test_a_file_that_cannot_be_looked_at_is_named(home: Path, variable: str, name: str) -> None:
    """As in the folder of another user, here by a name that no file system takes."""
    place = home / ("x" * 256)
    with pytest.raises(PushError) as caught:
        find(home, **{variable: str(place)})
    assert str(caught.value) == (
        f"Cannot read the credentials in {place / name}: File name too long.\n"
        "Make the file readable, or correct the variable that names it."
    )


def test_what_is_found_before_a_file_that_cannot_be_looked_at_holds(home: Path) -> None:
    docker(home, {"auths": {REGISTRY: {"auth": auth("me", "docker")}}})
    assert secret(home, XDG_RUNTIME_DIR=str(home / ("x" * 256))) == "docker"


def test_who_has_no_home_left_nothing_there(home: Path) -> None:
    """As in a container with any number as its user."""
    command = [sys.executable, "-c", NOBODY]
    result = subprocess.run(command, cwd=docker(home, {}).parents[1], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n[]\n"


NOBODY = """
import os, pwd
from pystatic_tasks.oci.registry.credentials import docker_files, podman_files
used = {each.pw_uid for each in pwd.getpwall()}
free = next(each for each in range(50_000, 60_000) if each not in used)
os.environ.pop("HOME", None)
if os.geteuid() == 0:
    os.setuid(free)
else:
    pwd.getpwuid = {}.__getitem__
print([*docker_files({}), *podman_files({})])
print([*docker_files({"HOME": ""}), *podman_files({"HOME": ""})])
"""


@pytest.mark.parametrize(
    "broken",
    [
        {"auth": "%%%"},
        {"auth": "AAA"},
        {"auth": base64.b64encode(b"\xff\xfe:").decode()},
        {"auth": 3},
        {"identitytoken": ["x"]},
        {"username": "me", "password": 3},
        {"username": "me", "password": "\ud800"},
        "me:word",
        ["me"],
    ],
)
def test_a_broken_entry_is_named(home: Path, broken: object) -> None:
    path = docker(home, {"auths": {REGISTRY: broken}})
    with pytest.raises(PushError) as caught:
        find(home)
    assert str(caught.value) == f"The entry for {REGISTRY} in {path} is not valid.\nLog in: docker login {REGISTRY}."


def test_secrets_are_not_in_what_python_shows() -> None:
    shown = repr(Credentials(username="me", secret="word", source="a file"))
    assert shown == "Credentials(is_token=False, source='a file', is_from_helper=False)"


def test_docker_hub_needs_no_name_to_log_in() -> None:
    assert (login("docker.io"), login(REGISTRY)) == ("Log in: docker login.", f"Log in: docker login {REGISTRY}.")
