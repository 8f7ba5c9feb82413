from invoke import task


@task
def test(c):
    """Run the tests."""
    c.run("python -m pytest")


@task(help={"fix": "repair what can be repaired"})
def lint(c, fix=False):
    """Look at the style."""
    c.run("ruff check ." + (" --fix" if fix else ""))
