"""The pages of deployments: what they show is what runs the sample app."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from containers_shown import wait_for
from shown import shown
from support import REPOSITORY, TAG, Project, engine_or_skip, only_everywhere, tool_or_skip

from pystatic_tasks.config.model import Request
from pystatic_tasks.in_env.web.client import free_port, send

IMAGE = f"sample-app:{TAG}"
LOCALLY = "127.0.0.1:8000:8000"
INSTALLED = "/usr/local/bin/shop"
# Ten times what `systemd-analyze security` calls the exposure.
EXPOSURE = 12
# systemd as process 1 of a root folder, with what it wants to find; neither /sys nor /dev is the machine's.
BOOT = r"""
set -e
cd "$1"
mount --make-rprivate /
mount --bind . .
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
for folder in dev run tmp; do mount -t tmpfs -o mode=755 tmpfs $folder; done
chmod 1777 tmp
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mkdir dev/shm dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts devpts dev/pts
ln -s pts/ptmx dev/ptmx
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 sys/fs/cgroup
else
    mount -t tmpfs tmpfs sys/fs/cgroup
    mkdir sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
fi
mkdir -p mnt
pivot_root . mnt
umount -l /mnt
exec env -i container=test /lib/systemd/systemd --log-target=null
"""


def block(page: str, first: str) -> str:
    """The file of a page that begins with such a line."""
    text = (REPOSITORY / "docs" / "places" / page).read_text(encoding="utf-8")
    [found] = re.findall(rf"^```\w+\n({re.escape(first)}\n.*?)```$", text, re.MULTILINE | re.DOTALL)
    return str(found)


def answers(port: int) -> bool:
    """Whether the sample app does, within 30 seconds."""
    ended = time.monotonic() + 30
    while time.monotonic() < ended:
        answer = send(Request(path="/?min=2&max=2"), ("127.0.0.1", port), 5)
        if answer.body == '{"number": 2, "min": 2, "max": 2}':
            return True
        time.sleep(0.2)
    return False


@contextlib.contextmanager
def loaded(engine: str, project: Project) -> Iterator[None]:
    """The sample app's image is in an engine."""
    subprocess.run([engine, "load", "--quiet", "--input", project.result("image.tar")], check=True, capture_output=True)
    yield
    subprocess.run([engine, "image", "rm", "--force", IMAGE], check=True, capture_output=True)


def test_plain_docker(sample: Project) -> None:
    engine_or_skip("docker")
    name, port = f"pystatic-test-{secrets.token_hex(4)}", free_port()
    ours = {"--name shop": f"--name {name}", LOCALLY: f"127.0.0.1:{port}:8000", " 100 shop": f" 100 {IMAGE}"}
    with loaded("docker", sample):
        try:
            shown("docs/places/docker.md", "docker run").typed(sample.root, ours)
            assert answers(port)
            wait_for(name, "Booting worker")
            assert "Booting worker" in shown("docs/places/docker.md", "docker logs").typed(sample.root, {"shop": name})
            shown("docs/places/docker.md", "docker stop").typed(sample.root, {"shop": name})
            state = ["docker", "inspect", "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}", name]
            assert subprocess.run(state, check=True, capture_output=True, text=True).stdout == "0 false\n"
            shown("docs/places/docker.md", "docker rm").typed(sample.root, {"shop": name})
        finally:
            subprocess.run(["docker", "rm", "--force", "--volumes", name], check=False, capture_output=True)


def has_compose() -> bool:
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_compose(engine: str, sample: Project, tmp_path: Path) -> None:
    """By the plugin of Docker where there is one, and by podman-compose, which takes the same words."""
    engine_or_skip(engine)
    if engine == "docker" and not has_compose():
        pytest.skip("there is no plugin compose of Docker")
    folder, port = tmp_path / f"pystatic-test-{secrets.token_hex(4)}", free_port()
    folder.mkdir()
    text = block("compose.md", "# compose.yaml").replace(LOCALLY, f"127.0.0.1:{port}:8000")
    image = IMAGE if engine == "docker" else f"docker.io/library/{IMAGE}"
    (folder / "compose.yaml").write_text(text.replace("shop:latest", image), encoding="utf-8")
    compose = {"docker compose": "docker compose" if engine == "docker" else "podman-compose"}
    with loaded(engine, sample):
        try:
            shown("docs/places/compose.md", "docker compose up").typed(folder, compose)
            assert answers(port)
            assert "shop" in shown("docs/places/compose.md", "docker compose ps").typed(folder, compose)
        finally:
            shown("docs/places/compose.md", "docker compose down").typed(folder, compose)


@pytest.fixture
def unit(sample: Project, tmp_path: Path) -> Path:
    """The unit of the page, for the sample app where it was built."""
    path = tmp_path / "shop.service"
    text = block("systemd.md", "# /etc/systemd/system/shop.service")
    path.write_text(text.replace(INSTALLED, str(sample.result(sample.name))), encoding="utf-8")
    return path


def test_systemd_finds_nothing_wrong_in_the_unit_and_little_exposed(unit: Path) -> None:
    tool_or_skip("systemd-analyze")
    here = {"/etc/systemd/system/shop.service": str(unit)}
    assert shown("docs/places/systemd.md", "systemd-analyze verify").typed(unit.parent, here) == ""
    limited = {**here, "--offline=true": f"--offline=true --no-pager --threshold={EXPOSURE}"}
    command = shown("docs/places/systemd.md", "systemd-analyze security")
    printed = command.typed(unit.parent, limited, env={"LC_ALL": "C.UTF-8", "SYSTEMD_EMOJI": "1"})
    assert printed.splitlines()[-1] == command.printed.splitlines()[-1]


@pytest.fixture
def server(sample: Project, tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """The root of a small Debian whose systemd runs, and what a command there begins with."""
    if os.geteuid() != 0:
        pytest.skip("debootstrap needs root")
    root = tmp_path / "debian"
    bootstrap = [tool_or_skip("debootstrap"), "--variant=minbase", "--include=systemd,systemd-sysv"]
    subprocess.run([*bootstrap, "bookworm", str(root)], check=True, stdout=subprocess.DEVNULL)
    with booted(root) as inside:
        yield root, inside


@contextlib.contextmanager
def booted(root: Path) -> Iterator[list[str]]:
    """systemd as process 1 in a root folder; what a command there begins with."""
    enter = 'echo $$ > "$0/cgroup.procs"; exec unshare "$@"'
    namespaces = ("--mount", "--pid", "--uts", "--ipc", "--cgroup")
    with cgroup() as group:
        boot = [*namespaces, "--fork", "--kill-child", "sh", "-c", BOOT, "sh", str(root)]
        process = subprocess.Popen(["sh", "-c", enter, str(group), *boot])
        try:
            yield ["nsenter", "--target", ready(process.pid), *namespaces]
        finally:
            process.kill()
            process.wait()


@contextlib.contextmanager
def cgroup() -> Iterator[Path]:
    """A control group for a systemd, below our own."""
    top = Path("/sys/fs/cgroup")
    is_second = (top / "cgroup.controllers").exists()
    ours = Path("/proc/self/cgroup").read_text(encoding="utf-8")
    [path] = re.findall(r"^0::/(.*)$" if is_second else r"^\d+:name=systemd:/(.*)$", ours, re.MULTILINE)
    group = (top if is_second else top / "systemd") / path / f"pystatic-test-{secrets.token_hex(4)}"
    group.mkdir()
    try:
        yield group
    finally:
        ended = time.monotonic() + 10
        below = sorted((each.parent for each in group.rglob("cgroup.procs")), reverse=True)
        while any((each / "cgroup.procs").read_text(encoding="utf-8") for each in below):
            assert time.monotonic() < ended
            time.sleep(0.1)
        for each in below:
            each.rmdir()


def ready(outer: int) -> str:
    """The number of systemd, below the process that made its namespaces, once it takes commands."""
    ended = time.monotonic() + 60
    while time.monotonic() < ended:
        inner = Path(f"/proc/{outer}/task/{outer}/children").read_text(encoding="utf-8").strip()
        is_systemd = inner and Path(f"/proc/{inner}/comm").read_text(encoding="utf-8") == "systemd\n"
        if is_systemd and Path(f"/proc/{inner}/root/run/systemd/private").exists():
            return inner
        time.sleep(0.2)
    raise AssertionError("systemd did not start")


@only_everywhere
def test_systemd_starts_and_stops_the_unit(sample: Project, server: tuple[Path, list[str]]) -> None:
    root, inside = server
    port = free_port()
    shutil.copytree(sample.root / "dist", root / "dist", ignore=shutil.ignore_patterns("release"))
    install = shown("docs/places/systemd.md", "sudo install").typed
    install(
        root,
        {
            "sudo ": "",
            "dist/pystatic/shop/shop": "dist/pystatic/sample-app/sample-app",
            INSTALLED: f"{root}{INSTALLED}",
        },
    )
    text = block("systemd.md", "# /etc/systemd/system/shop.service").replace("PORT=8000", f"PORT={port}")
    (root / "etc/systemd/system/shop.service").write_text(text, encoding="utf-8")
    serve_and_stop(inside, port)

    shown("docs/places/systemd.md", "sudo mkdir").typed(root, {"sudo ": "", "/srv": f"{root}/srv"})
    unpack = {"sudo ": "", "/srv/shop": f"{root}/srv/shop", "dist/pystatic/shop": "dist/pystatic/sample-app"}
    shown("docs/places/systemd.md", "sudo tar").typed(root, unpack)
    (root / "srv/shop/sample-app").rename(root / "srv/shop/shop")
    drop_in = root / "etc/systemd/system/shop.service.d" / "root.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(block("systemd.md", "# /etc/systemd/system/shop.service.d/root.conf"), encoding="utf-8")
    serve_and_stop(inside, port)


def serve_and_stop(inside: Sequence[str], port: int) -> None:
    """The unit is started, asked, looked at from outside, and stopped."""

    def systemctl(*words: str) -> str:
        command = [*inside, "systemctl", *words]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    systemctl("daemon-reload")
    systemctl("start", "shop")
    assert answers(port)
    systemctl("stop", "shop")
    properties = systemctl("show", "shop", "--property", "Result,ExecMainStatus").split()
    assert sorted(properties) == ["ExecMainStatus=0", "Result=success"]
