"""Sessions for everyday work."""

import nox

nox.options.sessions = ["lint", "tests"]


@nox.session
def lint(session: nox.Session) -> None:
    """Look at the style."""
    session.install("ruff")
    session.run("ruff", "check", ".")


@nox.session(python=["3.10", "3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run the tests."""
    session.install(".", "pytest")
    session.run("pytest", *session.posargs)


if __name__ == "__main__":
    nox.main()
