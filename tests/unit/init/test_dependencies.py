from __future__ import annotations

from typing import Any

import pytest
from unit.init.conftest import Write

from pystatic_tasks.init.dependencies import installation, requirements_file
from pystatic_tasks.init.look import look

PROJECT = '[project]\nname = "shop"\nversion = "1"\n'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": PROJECT + 'dependencies = ["Flask[async]>=3"]\n'}, []),
        ({"pyproject.toml": PROJECT + 'dynamic = ["dependencies"]\n', "requirements.txt": "flask\n"}, []),
        ({"pyproject.toml": PROJECT + 'optional-dependencies.web = ["flask>=3"]\n'}, [("install", [".[web]"])]),
        ({"pyproject.toml": PROJECT + '[dependency-groups]\nweb = ["flask"]\n'}, [("groups", ["web"])]),
        ({"pyproject.toml": PROJECT, "requirements.txt": "flask==3.1\n"}, [("requirements", ["requirements.txt"])]),
        ({"pyproject.toml": PROJECT, "requirements.txt": "requests\n"}, []),
        ({"setup.py": "", "requirements.txt": "flask\n"}, []),
        ({"requirements.txt": "flask\n"}, []),
        (
            {"requirements-dev.txt": "flask\n", "requirements/base.txt": "flask\n"},
            [("requirements", ["requirements/base.txt"])],
        ),
        (
            {"requirements/base.txt": "flask\n", "requirements/production.txt": "-r base.txt\nx\n"},
            [("requirements", ["requirements/production.txt"])],
        ),
        (
            {"requirements/base.txt": "x==1  # why\n  Flask[async]==3.1 --hash=sha256:0 \\\n  --hash=sha256:1\n"},
            [("requirements", ["requirements/base.txt"])],
        ),
        ({"requirements/base.txt": "flask==3.1 \\\n"}, [("requirements", ["requirements/base.txt"])]),
        ({"requirements/base.txt": "# flask\n./flask\n-e flask\nflask or not\n<html>\n"}, []),
        ({"requirements/x.txt": "-r x.txt\n-r nowhere.txt\n"}, []),
        ({"pyproject.toml": '[dependency-groups]\nweb = ["flask", { include-group = "x" }]\n'}, [("groups", ["web"])]),
        ({"pyproject.toml": PROJECT + 'dependencies = ["flask"]\n', "uv.lock": ""}, [("install", [])]),
        ({}, []),
    ],
)
def test_the_framework_comes_along(write: Write, files: dict[str, str], expected: list[tuple[str, Any]]) -> None:
    assert installation(look(write({"a.py": "", **files})), "Flask") == expected


def test_requirements_that_include_each_other_are_read_once(write: Write) -> None:
    include = "-r requirements.txt\n-r ./other.txt\n" * 1_000
    root = write({"requirements.txt": include, "other.txt": include, "last/requirements.txt": "flask\n"})
    assert requirements_file(root, "flask") == ""
    (root / "other.txt").write_text(f"{include}-r last/requirements.txt\n", encoding="utf-8")
    assert requirements_file(root, "flask") == "requirements.txt"


def test_for_a_plain_callable_nothing_more_is_installed(write: Write) -> None:
    assert installation(look(write({"pyproject.toml": PROJECT})), "WSGI callable") == []
