"""A newer Docker than this machine's, which keeps images in containerd's store, as its own installations do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from support import Project, tool_or_skip

FEATURES = '{ "features": { "containerd-snapshotter": true } }'
PACKAGES = ("docker.io", "iptables", "iproute2", "procps")
# What its Docker runs by: the other system's root as its own, which a chroot would not be for its containers.
SERVE = """
set -eu
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir -p before
pivot_root . before
exec chroot . sh -c "ip link set lo up; umount --lazy /before; exec dockerd --host unix:///docker.sock"
"""
# In namespaces of its own, the network's too, a command beside that Docker.
ENTER = """
set -eu
root=$1
shift
serve=$1
shift
unshare --mount sh -c "$serve" sh "$root" >"$root/dockerd.log" 2>&1 &
export DOCKER_HOST="unix://$root/docker.sock"
for _ in $(seq 120); do
    docker version >/dev/null 2>&1 && break
    sleep 0.25
done
"$@"
"""


@pytest.fixture(scope="module")
def newer_docker(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a command begins with that has such a Docker."""
    if os.geteuid() != 0:
        pytest.skip("debootstrap needs root")
    tool_or_skip("docker")
    root = tmp_path_factory.mktemp("docker") / "debian"
    bootstrap = [tool_or_skip("debootstrap"), "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    subprocess.run([*bootstrap, "trixie", str(root)], check=True, stdout=subprocess.DEVNULL)
    (root / "etc" / "docker").mkdir(exist_ok=True)
    (root / "etc" / "docker" / "daemon.json").write_text(FEATURES, encoding="utf-8")
    namespaces = ("--net", "--pid", "--fork", "--kill-child")
    return ["unshare", *namespaces, "sh", "-c", ENTER, "sh", str(root), SERVE]


@pytest.fixture
def typed(sample_copy: Project, newer_docker: list[str]) -> Callable[..., str]:
    """Runs Nox beside that Docker."""

    def run(*words: str, **variables: str) -> str:
        nox = (sys.executable, "-m", "nox", *words, "--", "--engine", "docker")
        return sample_copy.run(*newer_docker, *nox, ok=True, cwd=None, **variables)

    return run


def test_an_image_has_all_its_names_and_keeps_its_contract(sample_copy: Project, typed: Callable[..., str]) -> None:
    sample_copy.configure("image.tags = [", 'image.tags = ["sample-app:other", ')
    printed = typed("-s", "smoke")
    assert "sample-app:other loaded into docker" in printed
    assert "FAILED" not in printed
    assert "docker (2" in printed
    assert "is already in docker" in typed("-s", "image")


def test_another_build_takes_the_name(typed: Callable[..., str]) -> None:
    for seconds in "12":
        printed = typed("-s", "smoke", SOURCE_DATE_EPOCH=seconds)
        assert "loaded into docker" in printed
        assert "FAILED" not in printed


def test_layers_may_be_compressed_by_zstd(typed: Callable[..., str]) -> None:
    assert "FAILED" not in typed("-s", "smoke", PYSTATIC_TASKS_IMAGE_COMPRESSION="zstd")
