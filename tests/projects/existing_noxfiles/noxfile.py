"""A noxfile with opinions of its own: backend, default sessions, tags, reuse."""

import nox

import pystatic_tasks

nox.options.default_venv_backend = "uv"
nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True


@nox.session(venv_backend="none", tags=["quick"])
def tests(session: nox.Session) -> None:
    session.run("python", "-c", "print('tests ran')")


@nox.session(venv_backend="none", tags=["quick"])
def lint(session: nox.Session) -> None:
    session.run("python", "-c", "print('lint ran')")


pystatic_tasks.register()
