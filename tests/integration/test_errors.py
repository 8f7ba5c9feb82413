"""What a user reads when something is wrong, through Nox, word for word."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import Project, copy_repository, tool_or_skip

WHERE = "the configuration of {root}/pyproject.toml"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'app = "random_number.api:app"',
            'app = "random_number.apy:app"',
            'The target "random_number.apy:app" does not exist: there is no module "random_number.apy" '
            "in the build environment.\n"
            "Correct tool.pystatic-tasks.app, or add the project that has it to tool.pystatic-tasks.install.",
        ),
        (
            'app = "random_number.api:app"',
            'app = "random_number.api:application"',
            'The target "random_number.api:application" could not be loaded: '
            "Failed to find attribute 'application' in 'random_number.api'.\n"
            "Correct tool.pystatic-tasks.app.",
        ),
        (
            "server.workers = 4",
            "server.worker = 4",
            "server.worker is not a setting of gunicorn; did you mean 'workers'?\n"
            "Correct [tool.pystatic-tasks.server].",
        ),
        (
            "server.workers = 4",
            'freeze.hidden-imports = ["random_number.extras"]',
            'freeze.hidden-imports names "random_number.extras", which is not a module '
            "in the build environment.\n"
            "Correct the name, or add the package that provides it to the project's dependencies.",
        ),
        (
            "server.workers = 4",
            'freeze.data = ["templates:templates"]',
            'tool.pystatic-tasks.freeze.data names "templates", which is not in {root}.\nCorrect the path.',
        ),
        (
            "server.workers = 4",
            "freeze.optimise = 2",
            f"1 problem in {WHERE}:\n"
            '  tool.pystatic-tasks.freeze.optimise: unknown key; did you mean "optimize"?\n'
            "Correct the lines above and try again.",
        ),
    ],
)
def test_a_wrong_configuration(old: str, new: str, message: str, sample_copy: Project) -> None:
    sample_copy.configure(old, new)
    printed = sample_copy.nox("-s", "image", *("--", "--engine", "sandbox"), ok=False)
    assert f" aborted: {message.format(root=sample_copy.root)}\n" in printed
    assert "Traceback" not in printed


def test_a_target_that_fails_to_import_shows_the_users_own_lines(sample_copy: Project) -> None:
    api = sample_copy.root / "sample_app" / "random_number" / "api.py"
    before = api.read_text(encoding="utf-8")
    try:
        api.write_text(before + "\n1 / 0\n", encoding="utf-8")
        printed = sample_copy.nox("-s", "freeze", ok=False)
    finally:
        api.write_text(before, encoding="utf-8")
    assert 'The target "random_number.api:app" cannot be imported:\n' in printed
    assert "ZeroDivisionError: division by zero\n" in printed
    assert "importlib" not in printed


def test_over_budget_names_the_largest_contents(sample: Project) -> None:
    before = sample.result("image.json").read_bytes()
    printed = sample.nox("-s", "image", *("--", "--engine", "sandbox"), ok=False, PYSTATIC_TASKS_MAX_SIZE="5MB")
    size = sample.manifest("image.json")["size_bytes"] / 1e6
    assert (
        f"sample-app is over budget: {size:.2f} MB on disk, {size - 5:.2f} MB above max-size (5.00 MB). "
        "Its largest contents, before compression:\n"
    ) in printed
    assert re.search(r"  binary    \S*python3\.\d+", printed)
    assert "  bytecode  gunicorn\n" in printed
    assert "Leave out what the program does not need (freeze.excludes), or raise max-size.\n" in printed
    assert sample.result("image.json").read_bytes() == before


def test_an_engine_that_does_not_answer(sample: Project) -> None:
    tool_or_skip("docker")
    printed = sample.nox("-s", "smoke", *("--", "--engine", "docker"), ok=False, DOCKER_HOST="unix:///nowhere.sock")
    assert "The engine docker does not work here (Cannot connect to the Docker daemon" in printed
    assert (
        ").\nStart or install it, or choose another: "
        "--engine podman, --engine nerdctl, --engine sandbox or --engine proot.\n" in printed
    )


def test_an_unknown_word_after_the_dashes(sample: Project) -> None:
    printed = sample.nox("-s", "image", "--", "--enginee", "docker", ok=False)
    assert (
        'After --: unknown word "--enginee".\n'
        "Available: --tag TAG, --layout LAYOUT, --engine ENGINE, --in PLACE, --platform PLATFORM, --archive FILE, "
        "--filename FILE, --recursive, --no-cache, --no-observe, --fix, --format FORMAT, --check-reproducible, "
        "--env NAME[=VALUE], --publish [HOST:]PORT, --open, --watch, --verbose, --json; "
        "put another -- before words for the program.\n"
    ) in printed


def test_missing_binutils(sample: Project, tmp_path: Path) -> None:
    for folder in os.environ["PATH"].split(":"):
        for tool in Path(folder).glob("*") if folder else ():
            if tool.name != "strip" and not (tmp_path / tool.name).is_symlink():
                (tmp_path / tool.name).symlink_to(tool)
    printed = sample.nox("-s", "freeze", ok=False, PATH=str(tmp_path))
    assert 'The program "strip" is not on the PATH.\nInstall it: apt-get install binutils.\n' in printed


# Hides Debian's libpython from everything that runs in the mount namespace.
WITHOUT_LIBPYTHON = """
set -eu
folder=$(dirname "$1") work=$2
shift 2
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/work"
for file in "$folder"/libpython3*; do mknod "$work/upper/$(basename "$file")" c 0 0; done
mount -t overlay overlay -o "lowerdir=$folder,upperdir=$work/upper,workdir=$work/work" "$folder"
exec "$@"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="hiding a library needs root")
def test_without_a_shared_libpython_the_image_is_the_same_and_staticx_has_none(tmp_path: Path) -> None:
    library = next(Path("/usr/lib").glob("*/libpython3.*.so.1.0"), None)
    if library is None or not Path("/usr/bin/python3").exists():
        pytest.skip("this is not Debian with a shared libpython to hide")
    work = tmp_path / "work"
    work.mkdir()
    hide = ("unshare", "--mount", "sh", "-c", WITHOUT_LIBPYTHON, "hide", str(library), str(work))
    project = copy_repository(tmp_path / "repository")
    nox = (sys.executable, "-m", "nox", "-s")
    by_debians = ("env", "PYSTATIC_TASKS_PYTHON=/usr/bin/python3")
    digests = []
    for command in ((*hide, *nox), nox):
        project.run(*by_debians, *command, "image", "--", "--layout", "tree", "--no-cache")
        digests.append(project.manifest("image.json")["digest"])
    assert digests[0] == digests[1]
    printed = project.run(*by_debians, *hide, *nox, "freeze", ok=False, PYSTATIC_TASKS_PACKER="staticx")
    version = subprocess.run(["/usr/bin/python3", "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
    minor = version.rpartition(".")[0]
    assert (
        f"Python {version} of /usr has no shared libpython, which a program packed by StaticX needs.\n"
        f'Set packer = "launcher", which needs none, or install it: apt-get install libpython{minor}.\n'
    ) in printed


MISSING = (
    "This machine lacks libraries that needs-library needs:\n"
    "  libinner.so, needed by libouter.so\n"
    "Install them here, or leave out what needs them: freeze.excludes.\n"
)


def test_a_missing_library_fails_freeze_or_staticx(sample: Project, tmp_path: Path) -> None:
    """What is laid out as files is looked through while it is frozen, what StaticX packs when that looks for it."""
    gcc = tool_or_skip("gcc")
    tool_or_skip("uv")
    project = Project(tmp_path / "project", "needs-library", backend="uv")
    shutil.copytree(sample.root / "sample_app", project.root / "sample_app")
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    (tmp_path / "inner.c").write_text("int inner(void) { return 1; }\n", encoding="utf-8")
    (tmp_path / "outer.c").write_text("int inner(void); int outer(void) { return inner(); }\n", encoding="utf-8")
    call = subprocess.check_call
    call([gcc, "-shared", "-o", libraries / "libinner.so", tmp_path / "inner.c"])
    call([gcc, "-shared", "-o", libraries / "libouter.so", tmp_path / "outer.c", f"-L{libraries}", "-linner"])
    (libraries / "libinner.so").unlink()
    (project.root / "noxfile.py").write_text("import pystatic_tasks\n\npystatic_tasks.register()\n", encoding="utf-8")
    (project.root / "job.py").write_text("print('hello')\n", encoding="utf-8")
    (project.root / "pyproject.toml").write_text(
        f'[tool.pystatic-tasks]\nname = "needs-library"\nscript = "job.py"\n'
        f'freeze.data = ["{libraries}/libouter.so:."]\n',
        encoding="utf-8",
    )
    assert MISSING in project.nox("-s", "freeze", ok=False)
    printed = project.nox("-s", "staticx", ok=False, PYSTATIC_TASKS_PACKER="staticx")
    assert f"Session staticx aborted: {MISSING}" in printed
    assert not project.result("needs-library").exists()


def test_a_library_that_staticx_would_drop_with_a_warning_fails(staticx_copy: Project, tmp_path: Path) -> None:
    """StaticX cannot read a path with a space in the output of ldd, warns, and goes on without the library."""
    staticx_copy.configure("server.workers = 4", "server.workers = 4\nstaticx.strip = false")
    (tmp_path / "with space").mkdir()
    before = staticx_copy.result("sample-app").read_bytes()
    printed = staticx_copy.nox("-s", "staticx", ok=False, TMPDIR=str(tmp_path / "with space"))
    assert "Session staticx aborted: StaticX failed: Unexpected line in ldd output: " in printed
    assert staticx_copy.result("sample-app").read_bytes() == before
    assert list((tmp_path / "with space").iterdir()) == []
