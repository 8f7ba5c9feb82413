"""The environment of a session: what Nox makes it by, how it is filled, and in which folder."""

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
from pystatic_tasks.errors import ConfigError, MissingToolError
from pystatic_tasks.fronts.nox_process import CALL_VARIABLE, read_call
from pystatic_tasks.fronts.sessions.neighbours import is_ours
from pystatic_tasks.fronts.sessions.work import Work
from pystatic_tasks.steps.freeze.install.environment import install_variables
from pystatic_tasks.steps.freeze.install.installers import variables_for_uv
from pystatic_tasks.steps.freeze.install.interpreter import remedy_for_missing
from pystatic_tasks.system.redaction import masked_log, masked_stream
from pystatic_tasks.system.terminal import Terminal

# As Nox names them: the first that is there.
BACKENDS = "uv|virtualenv"
OPTIONS_OF_BACKEND = ("-db", "--default-venv-backend")
# A build has most use for sources: what it imports is compiled then.
PIP_VARIABLES = {"PIP_COMPILE": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def options_for(work: Work, config: ImageConfig) -> dict[str, Any]:
    """Nox's options for a session that does this work.

    An environment is made by the session itself, which knows what the user wants it to be made by.
    """
    return {"venv_backend": "none", **({"python": config.python, "reuse_venv": True} if work.freezes else {})}


@contextmanager
def where_it_was_called() -> Iterator[None]:
    """Where another front started Nox, its project's folder: pip, uv and git look for what is the project's there.

    For each session Nox goes to the folder of the noxfile, which is one that the package carries.
    """
    before = Path.cwd()
    if CALL_VARIABLE in os.environ:
        os.chdir(read_call(os.environ).root)
    try:
        yield
    finally:
        os.chdir(before)


def make_environment(session: nox.Session, config: ImageConfig) -> None:
    """Let Nox make the environment of one of our sessions, unless it has done so.

    Raises:
        ConfigError: Nox was told to make none.
        MissingToolError: there is no such interpreter.
    """
    runner = session._runner
    if is_ours(runner) and session.venv_backend == "none" and not runner.global_config.force_venv_backend:
        runner.func.venv_backend = None if names_backend(runner.global_config) else own_backend()
        with told_of_interpreter(session, config):
            runner._create_venv()
    if session.venv_backend == "none":
        raise ConfigError(
            "The session needs its own environment to build in, but Nox runs with --no-venv.",
            "Run Nox without --no-venv.",
        )


@contextmanager
def told_of_interpreter(session: nox.Session, config: ImageConfig) -> Iterator[None]:
    """Raises MissingToolError where Nox finds no interpreter, which for Nox is an error of the system's."""
    try:
        yield
    except virtualenv.InterpreterNotFound:
        raise MissingToolError(
            f'No Python "{session.python}" found to build {config.name} with.',
            remedy_for_missing(str(session.python)),
        ) from None


def own_backend() -> str:
    """What our environments are made by unless the user says it: uv where it is, and does all that pip was told."""
    return "virtualenv" if like_pip() is None else BACKENDS


def like_pip() -> Mapping[str, str] | None:
    """The environment variables by which uv does what pip was told; None if it cannot."""
    return variables_for_uv(os.environ, Path.cwd())


def backend_of_user(session: nox.Session) -> str:
    """What the user says that environments are made by, or ""."""
    config = session._runner.global_config
    return config.force_venv_backend or (config.default_venv_backend if names_backend(config) else "")


def names_backend(global_config: Any) -> bool:
    """Whether the user says what environments are made by: in a variable, on the command line or in the noxfile."""
    if hasattr(global_config, "provenance"):
        return bool(global_config.provenance("default_venv_backend"))
    # Older versions of Nox do not say where a value is from.
    words = (word.partition("=")[0] for word in sys.argv)
    return bool(nox.options.default_venv_backend) or any(word in OPTIONS_OF_BACKEND for word in words)


def look_for_uv() -> bool:
    """Whether Nox finds uv; newer versions of it do not look again, and say nothing of it then."""
    level = logger.level
    logger.setLevel("WARNING")
    try:
        return virtualenv.HAS_UV
    finally:
        logger.setLevel(level)


def only_installs(session: nox.Session) -> bool:
    """Whether Nox runs with --install-only: then it runs no command, not even this one."""
    return session.run(sys.executable, "-ISc", "", external=True, silent=True, log=False) is None


def installer(
    session: nox.Session, config: ImageConfig, terminal: Terminal, *, verbose: bool
) -> Callable[[Sequence[str]], None]:
    """What installs requirements into the environment."""

    def install(requirements: Sequence[str]) -> None:
        is_uv = session.venv_backend == "uv"
        is_own_choice = is_uv and is_ours(session._runner) and session._runner.func.venv_backend == BACKENDS
        of_pip = like_pip() if is_own_choice else None
        # uv takes a project of the same version from its cache, whatever has changed in its sources.
        folders = [config.root / each.partition("[")[0] for each in requirements if is_path(each)]
        names = [name for name in map(project_name, folders) if name and is_uv]
        again = [word for name in names for word in ("--reinstall-package", name)]
        with ExitStack() as during:
            during.enter_context(terminal.activity(f"installing {' '.join(Path(each).name for each in requirements)}"))
            during.enter_context(masked_log(logger))
            # Standard output is for the manifest.
            output: dict[str, Any] = {"silent": True}
            if verbose:
                output = {"silent": False, "stdout": during.enter_context(masked_stream(sys.stderr))}
            variables = {**install_variables(config), **PIP_VARIABLES, **(of_pip or {})}
            session.install(*requirements, *again, env=variables, **output)

    return install


def make_anew(session: nox.Session, config: ImageConfig) -> None:
    """Make the environment anew: Nox reuses one whatever interpreter it was made from.

    Raises:
        MissingToolError: there is no such interpreter; the environment is as it was.
    """
    environment: Any = session.virtualenv
    environment.reuse_existing = False
    with told_of_interpreter(session, config):
        # Nox looks for the interpreter once it has removed the environment.
        getattr(environment, "_resolved_interpreter", "")
        environment.create()
