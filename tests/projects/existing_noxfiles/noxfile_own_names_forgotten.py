"""The same, before anybody has read how to go on."""

import nox

import pystatic_tasks


@nox.session(venv_backend="none")
def image(session: nox.Session) -> None:
    """Draw the logo."""


pystatic_tasks.register()
