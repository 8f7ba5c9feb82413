"""The same in Docker: our images, and plain Python on a small Debian."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.build import APP, IMAGES, SERVER, Built, run
from bench.server import HOST, BenchError, Variant

REPOSITORY_NAME = CONTAINER = "pystatic-bench"
DEBIANS_PYTHON = Path("/usr/bin/python3")
POLICY = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65535:65535")
WRITABLE_TMP = ("--tmpfs", "/tmp:exec,mode=1777")


def containers(built: Built, port: int) -> list[Variant]:
    """The variants, with their images loaded.

    Raises:
        BenchError: they cannot be run here, and why.
    """
    for tool in ("docker", "debootstrap"):
        if shutil.which(tool) is None:
            raise BenchError(f'There is no program "{tool}" on the PATH.')
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        raise BenchError("Docker's daemon does not answer.")
    if Path(built.python).resolve() != DEBIANS_PYTHON.resolve():
        raise BenchError(f"Plain Python in a container is Debian's, and this is {built.python}.")
    import_plain(built)
    found = [container("plain Python on Debian", f"{REPOSITORY_NAME}:plain", port, [])]
    for image in IMAGES:
        run(["docker", "load", "--input", built.archive(image)], built.folder)
        options = WRITABLE_TMP if image == "staticx" else ()
        found.append(container(image, f"{image}:latest", port, options))
    return found


def container(name: str, image: str, port: int, options: Sequence[str]) -> Variant:
    create = ["docker", "run", "--detach", "--rm", "--name", CONTAINER, "--publish", f"{HOST}:{port}:8000"]
    stop = ["docker", "rm", "--force", CONTAINER]
    return Variant(name=name, command=[*create, *POLICY, *options, image], takes_address=False, stop=stop)


def plain_root(built: Built) -> Path:
    """A minimal Debian of this machine's release, with its Python and the sample app."""
    root = built.folder / "debian"
    if not root.exists():
        made = built.folder / "debian.unfinished"
        shutil.rmtree(made, ignore_errors=True)
        release = platform.freedesktop_os_release()["VERSION_CODENAME"]
        run(["debootstrap", "--variant=minbase", "--include=python3", release, made], built.folder)
        for folder in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc"):
            shutil.rmtree(made / folder)
        made.rename(root)
    [packages] = (built.environment / "lib").glob("python3*/site-packages")
    for target in root.glob("usr/local/lib/python3*/dist-packages"):
        shutil.copytree(packages, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("pip*", "setuptools*"))
    return root


def import_plain(built: Built) -> None:
    """Make the image of plain Python out of its root."""
    root = plain_root(built)
    archive = built.folder / "plain.tar"
    run(["tar", "--create", "--file", archive, "--directory", root, "."], built.folder)
    entrypoint = ["python3", "-m", "gunicorn", APP, "--bind", "0.0.0.0:8000", *SERVER]
    change = f"ENTRYPOINT {json.dumps(entrypoint)}"
    run(["docker", "import", "--change", change, archive, f"{REPOSITORY_NAME}:plain"], built.folder)
