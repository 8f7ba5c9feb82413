"""Programs without HTTP: a command of the project, and a plain script."""

from __future__ import annotations

from pathlib import Path

from support import tool_or_skip, write_project

COMMAND_PROJECT = {
    "src/greeter/__init__.py": """
import sys

def main():
    print("hello", *sys.argv[1:])
    return 3 if "nobody" in sys.argv else 0
""",
    "pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "Greeter.Tool"
version = "3.1"
scripts = { greet = "greeter:main" }

[tool.pystatic-tasks]
command = "greet"
smoke.engine = "sandbox"
smoke.command = ["world"]
smoke.stdout = "hello world"
""",
}


def test_a_command_of_the_project(tmp_path: Path) -> None:
    tool_or_skip("uv")
    project = write_project(tmp_path, COMMAND_PROJECT, "greeter-tool", backend="uv")
    printed = project.nox("-s", "smoke")
    assert "ok      greeter-tool world: exit code 0" in printed
    assert "ok      prints 'hello world': found" in printed
    assert project.manifest("image.json")["size_bytes"] < 7_000_000
    project.configure('["world"]\nsmoke.stdout = "hello world"', '["nobody"]')
    assert "FAILED  greeter-tool nobody: exit code 3\n" in project.nox("-s", "smoke", ok=False)
    project.configure('["nobody"]', '["nobody"]\nsmoke.exit-code = 3')
    assert "ok      greeter-tool nobody: exit code 3\n" in project.nox("-s", "smoke")


SCRIPT_PROJECT = {
    "job.py": "import helper\n\nprint(helper.answer(), flush=True)\n",
    "helper.py": "def answer():\n    return 6 * 7\n",
    "requirements.txt": "markdown-it-py\n",
    "pyproject.toml": '[tool.pystatic-tasks]\nscript = "job.py"\nsmoke = { engine = "sandbox", stdout = "42" }\n',
}


# Without a handler of its own.
WAITING = """
import signal

while True:
    signal.pause()
"""


FAILING = """
def fail():
    raise ValueError("größe")
"""
FAILED = """\
  |   File "job.py", line 3, in <module>
  |   File "helper.py", line 5, in fail
  | ValueError: größe
"""


def test_a_script_beside_its_modules(tmp_path: Path) -> None:
    tool_or_skip("uv")
    project = write_project(tmp_path / "job", SCRIPT_PROJECT, "job", backend="uv")
    assert "ok      prints '42': found" in project.nox("-s", "smoke", "--", "--layout", "tree")
    # One that TERM ends: its code is 143, or what StaticX makes of it.
    (project.root / "job.py").write_text(SCRIPT_PROJECT["job.py"] + WAITING, encoding="utf-8")
    project.configure('stdout = "42"', 'stdout = "42", long-running = true')
    assert "ok      TERM ends it: exit code 2 after 0." in project.nox("-s", "smoke", PYSTATIC_TASKS_PACKER="staticx")
    assert "ok      TERM ends it: exit code 143 after 0." in project.nox("-s", "smoke", "--", "--layout", "tree")
    assert "ok      TERM ends it: exit code 143 after 0." in project.nox("-s", "smoke")
    # One that fails says where, by the names and lines of the project.
    (project.root / "job.py").write_text("import helper\n\nhelper.fail()\n", encoding="utf-8")
    (project.root / "helper.py").write_text(SCRIPT_PROJECT["helper.py"] + FAILING, encoding="utf-8")
    assert FAILED in project.nox("-s", "smoke", "--", "--layout", "tree", ok=False)
    # Instead of it, a command of what is installed beside it.
    project.configure('script = "job.py"', 'command = "markdown-its"')
    assert (
        'tool.pystatic-tasks.command names "markdown-its", which is neither in [project.scripts] nor installed; '
        'did you mean "markdown-it"?\n'
    ) in project.nox("-s", "smoke", ok=False)
    project.configure("markdown-its", "markdown-it")
    project.configure(
        'stdout = "42", long-running = true', 'stdout = "markdown-it-py [version", command = ["--version"]'
    )
    printed = project.nox("-s", "smoke")
    assert "build environment is up to date\n" in printed
    assert "ok      prints 'markdown-it-py [version': found" in printed
