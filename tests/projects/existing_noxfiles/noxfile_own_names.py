"""A noxfile with sessions called as two of ours."""

import nox

import pystatic_tasks


@nox.session(venv_backend="none")
def image(session: nox.Session) -> None:
    """Draw the logo."""
    session.log("the logo is drawn")


@nox.session(venv_backend="none")
def freeze(session: nox.Session) -> None:
    """Write a requirements file."""
    session.log("the requirements are frozen")


pystatic_tasks.register(prefix="box-")
