from __future__ import annotations

from pathlib import Path

import pytest

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.init.source import read_module, with_import, with_last

PATH = Path("noxfile.py")
LINE = "import pystatic_tasks"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import nox\n", "import nox\nimport pystatic_tasks\n"),
        ("import nox", "import nox\nimport pystatic_tasks\n"),
        ("import nox\r\nx = 1\r\n", "import nox\r\nimport pystatic_tasks\r\nx = 1\r\n"),
        (
            "import os\n\nimport nox\nfrom nox import Session\n",
            "import os\n\nimport nox\nimport pystatic_tasks\nfrom nox import Session\n",
        ),
        ("from nox import session\n", "import pystatic_tasks\nfrom nox import session\n"),
        (
            "import nox\nimport tomlkit\n\nimport local\n",
            "import nox\nimport pystatic_tasks\nimport tomlkit\n\nimport local\n",
        ),
        ("from nox_poetry import session\n", "import pystatic_tasks\nfrom nox_poetry import session\n"),
        ("import os\n\nx = 1\n", "import os\nimport pystatic_tasks\n\nx = 1\n"),
        ('"""Sessions."""\n\nx = 1\n', '"""Sessions."""\n\nimport pystatic_tasks\n\nx = 1\n'),
        (
            '"""S."""\nfrom __future__ import annotations\n',
            '"""S."""\nfrom __future__ import annotations\n\nimport pystatic_tasks\n',
        ),
        ("#!/usr/bin/env nox\n# ours\nx = 1\n", "#!/usr/bin/env nox\n# ours\nimport pystatic_tasks\n\nx = 1\n"),
        ("# nothing yet\n", "# nothing yet\nimport pystatic_tasks\n\n"),
        ("", "import pystatic_tasks\n\n"),
        ("import nox\nimport pystatic_tasks\n", "import nox\nimport pystatic_tasks\n"),
        ("import nox  # \x0c here\nx = 1\n", "import nox  # \x0c here\nimport pystatic_tasks\nx = 1\n"),
        ("\ufeffimport nox\n", "\ufeffimport nox\nimport pystatic_tasks\n"),
    ],
)
def test_an_import_is_put_in_order(before: str, after: str) -> None:
    assert with_import(PATH, before, LINE, "nox") == after


@pytest.mark.parametrize(
    ("before", "line", "after"),
    [
        ("from invoke import task\n", "import sys", "import sys\n\nfrom invoke import task\n"),
        ("import os\n\nfrom invoke import task\n", "import sys", "import os\nimport sys\n\nfrom invoke import task\n"),
        (
            "from invoke import Collection, task\n",
            "from invoke import Collection",
            "from invoke import Collection, task\n",
        ),
        (
            "from invoke import task\n",
            "from invoke import Collection",
            "from invoke import Collection\nfrom invoke import task\n",
        ),
        (
            "import pystatic_tasks\n",
            "import pystatic_tasks.tasks",
            "import pystatic_tasks\nimport pystatic_tasks.tasks\n",
        ),
    ],
)
def test_other_imports_too(before: str, line: str, after: str) -> None:
    assert with_import(PATH, before, line, "invoke").splitlines() == after.splitlines()


CALL = "pystatic_tasks.register()"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import nox\n", f"import nox\n\n{CALL}\n"),
        ("import nox\n\n\n\n", f"import nox\n\n{CALL}\n"),
        ("def f():\n    pass\n", f"def f():\n    pass\n\n\n{CALL}\n"),
        ("def f():\n    pass", f"def f():\n    pass\n\n\n{CALL}\n"),
        ("x = 1\r\n", f"x = 1\r\n\r\n{CALL}\r\n"),
        ("", f"{CALL}\n"),
        ("x = 1\n# the end\n", f"x = 1\n# the end\n\n{CALL}\n"),
        (
            'def f():\n    pass\n\n\nif __name__ == "__main__":\n    f()\n',
            f'def f():\n    pass\n\n\n{CALL}\n\nif __name__ == "__main__":\n    f()\n',
        ),
        (
            'x = 1\n\n# by hand\nif __name__ == "__main__":\n    f()\n',
            f'x = 1\n\n{CALL}\n\n# by hand\nif __name__ == "__main__":\n    f()\n',
        ),
        ('if __name__ == "__main__":\n    f()\nx = 1\n', f'if __name__ == "__main__":\n    f()\nx = 1\n\n{CALL}\n'),
    ],
)
def test_a_call_is_put_last(before: str, after: str) -> None:
    assert with_last(PATH, before, [CALL]) == after


def test_a_call_may_follow_its_like() -> None:
    assert with_last(PATH, "f()\n", ["g()"], joined=True) == "f()\ng()\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "import nox\ndef f(:\n",
            "noxfile.py, line 2: invalid syntax; nothing was written.\nCorrect it and run init again.",
        ),
        ("x = (\n", "noxfile.py, line 1: '(' was never closed; nothing was written.\nCorrect it and run init again."),
    ],
)
def test_what_is_not_python_is_told(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_module(PATH, text)
    assert str(caught.value) == problem


def test_a_null_byte_is_told() -> None:
    with pytest.raises(ConfigError, match=r"noxfile\.py"):
        read_module(PATH, "x = '\0'\n")


def test_what_no_parser_takes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise RecursionError("too much of it")

    monkeypatch.setattr("pystatic_tasks.init.source.parse", refuse)
    with pytest.raises(ConfigError) as caught:
        read_module(PATH, "")
    assert str(caught.value) == "noxfile.py is not valid Python (too much of it); nothing was written.\nCorrect it."
