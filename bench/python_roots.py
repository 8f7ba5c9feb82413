"""Systems with other Pythons than this one: made by debootstrap, and entered in namespaces of their own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.build import run_as_one
from bench.server import BenchError

DEBIAN = "http://deb.debian.org/debian"
# Beside what names the Python: what a build needs, and what reaches the registry.
ALWAYS = ("binutils", "ca-certificates")
KEYRINGS = {"http://archive.ubuntu.com/ubuntu": "/usr/share/keyrings/ubuntu-archive-keyring.gpg"}
SECONDS = 1800
# Arguments: the root, a folder of this machine that is seen at /bench, a file with authorities or "", the command.
ENTER = """
set -eu
root=$1 folder=$2 authorities=$3
shift 3
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir -p "$root/bench"
mount --bind "$folder" "$root/bench"
cat /etc/resolv.conf > "$root/etc/resolv.conf"
if [ -n "$authorities" ]; then mount --bind "$authorities" "$root/etc/ssl/certs/ca-certificates.crt"; fi
exec chroot "$root" "$@"
"""


def make_root(root: Path, suite: str, mirror: str, packages: Sequence[str]) -> None:
    """Make a system in a folder, unless it is there.

    Raises:
        BenchError: debootstrap cannot.
    """
    if root.exists():
        return
    root.parent.mkdir(parents=True, exist_ok=True)
    keyring = [f"--keyring={KEYRINGS[mirror]}"] if mirror in KEYRINGS else []
    # debootstrap knows few suites of Ubuntu by name; they are all made by this script.
    script = ["/usr/share/debootstrap/scripts/gutsy"] if mirror in KEYRINGS else []
    components = ["--components=main,universe"] if mirror in KEYRINGS else []
    include = f"--include={','.join([*packages, *ALWAYS])}"
    begun = root.with_name(f"{root.name}.begun")
    options = ["--variant=minbase", include, *components, *keyring]
    words = ["debootstrap", *options, suite, str(begun), mirror, *script]
    log = root.with_name(f"{root.name}.log")
    with log.open("w") as output:
        result = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    if result.returncode:
        raise BenchError(f"debootstrap failed for {suite}; see {log}")
    begun.rename(root)


def enter(root: Path, folder: Path, command: Sequence[str], variables: Mapping[str, str]) -> tuple[int, str]:
    """Run a command in such a system, with a folder of ours at /bench; its exit code and what it printed."""
    authorities = os.environ.get("PIP_CERT", "")
    words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "enter"]
    kept = {name: os.environ[name] for name in ("PIP_INDEX_URL", "http_proxy", "https_proxy") if name in os.environ}
    own = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", **kept, **variables}
    result = run_as_one([*words, str(root), str(folder), authorities, *command], own, timeout=SECONDS)
    return result.returncode, result.stdout
