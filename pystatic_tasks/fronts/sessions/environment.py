"""The environment of a session: which backend creates it, how it is filled, and the working directory of a session."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import nox
from nox import virtualenv
from nox.logger import logger

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.config.project import is_path, project_name
from pystatic_tasks.errors import ConfigError, FreezeError, MissingToolError
from pystatic_tasks.fronts.nox_process import CALL_VARIABLE, read_call
from pystatic_tasks.fronts.sessions.ending import heeded
from pystatic_tasks.fronts.sessions.neighbours import is_ours
from pystatic_tasks.fronts.sessions.work import Work
from pystatic_tasks.steps.freeze.install.addresses import check_settings
from pystatic_tasks.steps.freeze.install.environment import install_variables
from pystatic_tasks.steps.freeze.install.installers import variables_for_uv
from pystatic_tasks.steps.freeze.install.interpreter import remedy_for_missing
from pystatic_tasks.system.redaction import masked, masked_log, masked_stream
from pystatic_tasks.system.terminal import Terminal

# In Nox's syntax: the first that is available.
BACKENDS = "uv|virtualenv"
OPTIONS_OF_BACKEND = ("-db", "--default-venv-backend")
# Builds rarely need bytecode: imported modules are compiled anyway.
PIP_VARIABLES = {"PIP_COMPILE": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def options_for(work: Work, config: ImageConfig) -> dict[str, Any]:
    """Nox's options for a session that does this work.

    The session itself creates its environment, because only it knows which backend the user wants.
    """
    return {"venv_backend": "none", **({"python": config.python, "reuse_venv": True} if work.freezes else {})}


@contextmanager
def where_it_was_called() -> Iterator[None]:
    """Run in the project's folder if another front end started Nox: pip, uv and git look for the project's files there.

    Nox changes to the folder of the noxfile before each session, and that noxfile lies in this package.
    """
    before = Path.cwd()
    if CALL_VARIABLE in os.environ:
        os.chdir(read_call(os.environ).root)
    try:
        yield
    finally:
        os.chdir(before)


def make_environment(session: nox.Session, config: ImageConfig) -> None:
    """Let Nox create the environment of one of our sessions, unless it already has.

    Raises:
        ConfigError: Nox runs with --no-venv, or an address of an index is not valid.
        MissingToolError: the interpreter does not exist.
        FreezeError: see `run_by_nox`.
    """
    check_settings(os.environ)
    runner = session._runner
    if is_ours(runner) and session.venv_backend == "none" and not runner.global_config.force_venv_backend:
        runner.func.venv_backend = None if names_backend(runner.global_config) else own_backend()
        with told_of_interpreter(session, config), run_by_nox():
            runner._create_venv()
    if session.venv_backend == "none":
        raise ConfigError(
            "The session needs its own environment to build in, but Nox runs with --no-venv.",
            "Run Nox without --no-venv.",
        )


@contextmanager
def run_by_nox() -> Iterator[None]:
    """Hide credentials in what Nox logs of the tools that it runs in the meantime, and do not go on after Ctrl-C.

    Raises:
        FreezeError: a tool printed something that Nox cannot read, and would show as it is.
    """
    with masked_log(logger), heeded():
        try:
            yield
        except UnicodeDecodeError:
            raise FreezeError(
                "Nox cannot read what a tool printed: it is not in UTF-8.", "Set PYTHONIOENCODING=utf-8, or unset it."
            ) from None


@contextmanager
def told_of_interpreter(session: nox.Session, config: ImageConfig) -> Iterator[None]:
    """Raises MissingToolError if Nox does not find the interpreter; Nox's own error does not say what to do."""
    try:
        yield
    except virtualenv.InterpreterNotFound:
        raise MissingToolError(
            f'No Python "{session.python}" found to build {config.name} with.',
            remedy_for_missing(str(session.python)),
        ) from None


def own_backend() -> str:
    """The default backend of our environments: uv if it is available and can do all that pip is configured to do."""
    return "virtualenv" if like_pip() is None else BACKENDS


def like_pip() -> Mapping[str, str] | None:
    """The environment variables with which uv does what pip is configured to do; None if it cannot."""
    return variables_for_uv(os.environ, Path.cwd())


def backend_of_user(session: nox.Session) -> str:
    """The backend that the user chose for environments, or ""."""
    config = session._runner.global_config
    return config.force_venv_backend or (config.default_venv_backend if names_backend(config) else "")


def names_backend(global_config: Any) -> bool:
    """Whether the user chose a backend: in a variable, on the command line or in the noxfile."""
    if hasattr(global_config, "provenance"):
        return bool(global_config.provenance("default_venv_backend"))
    # Older versions of Nox do not record where a value comes from.
    words = (word.partition("=")[0] for word in sys.argv)
    return bool(nox.options.default_venv_backend) or any(word in OPTIONS_OF_BACKEND for word in words)


def look_for_uv() -> bool:
    """Whether Nox finds uv, without its message; newer versions of Nox look only once, so it does not appear later."""
    level = logger.level
    logger.setLevel("WARNING")
    try:
        return virtualenv.HAS_UV
    finally:
        logger.setLevel(level)


def only_installs(session: nox.Session) -> bool:
    """Whether Nox runs with --install-only; then that is said."""
    if session._runner.global_config.install_only:
        session.log("runs no step, as --install-only is set")
        return True
    return False


def installer(
    session: nox.Session, config: ImageConfig, terminal: Terminal, *, verbose: bool
) -> Callable[[Sequence[str]], None]:
    """A function that installs requirements into the environment."""

    def install(requirements: Sequence[str]) -> None:
        is_uv = session.venv_backend == "uv"
        is_own_choice = is_uv and is_ours(session._runner) and session._runner.func.venv_backend == BACKENDS
        of_pip = like_pip() if is_own_choice else None
        # uv takes a project of the same version from its cache, even if its sources have changed.
        folders = [config.root / each.partition("[")[0] for each in requirements if is_path(each)]
        names = [name for name in map(project_name, folders) if name and is_uv]
        again = [word for name in names for word in ("--reinstall-package", name)]
        with ExitStack() as during:
            during.enter_context(terminal.activity(f"installing {names_in(requirements)}"))
            # Standard output is reserved for the manifest.
            output: dict[str, Any] = {"silent": True}
            if verbose:
                output = {"silent": False, "stdout": during.enter_context(masked_stream(sys.stderr))}
            variables = {**install_variables(config), **PIP_VARIABLES, **(of_pip or {})}
            during.enter_context(run_by_nox())
            session.install(*requirements, *again, env=variables, **output)

    return install


def names_in(requirements: Sequence[str]) -> str:
    """What to call requirements while they are installed: names, and the last parts of paths and addresses."""
    return " ".join(Path(masked(each)).name or each for each in requirements)


def make_anew(session: nox.Session, config: ImageConfig) -> None:
    """Recreate the environment: Nox reuses one even if it was created from another interpreter.

    Raises:
        MissingToolError: the interpreter does not exist; the environment is unchanged.
    """
    environment: Any = session.virtualenv
    environment.reuse_existing = False
    with told_of_interpreter(session, config):
        # Resolved first: Nox would look for the interpreter only after it has removed the environment.
        getattr(environment, "_resolved_interpreter", "")
        with run_by_nox():
            environment.create()
