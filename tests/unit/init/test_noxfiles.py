from __future__ import annotations

import json
from pathlib import Path

import pytest

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.init.noxfiles import Registered, free_prefix, read_noxfile, requirement_from, with_registered

PATH = Path("noxfile.py")
HERE = Registered(root=".", prefix="")
IMPORT = "import pystatic_tasks  # pip install pystatic-tasks, beside Nox"


def sessions(text: str) -> list[str]:
    return list(read_noxfile(PATH, text).sessions)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import nox\n@nox.session\ndef lint(session): pass\n", ["lint"]),
        ("from nox import session\n@session\ndef lint(s): pass\n@session()\ndef types(s): pass\n", ["lint", "types"]),
        ('import nox\n@nox.session(name="image", python=["3.12"])\ndef build(session): pass\n', ["image"]),
        ("from nox_poetry import session\n@session(python='3.12')\ndef tests(session): pass\n", ["tests"]),
        ("import nox\n@nox.parametrize('x', [1])\n@nox.session\ndef tests(session, x): pass\n", ["tests"]),
        ('import nox\ndef f(session): pass\nnox.session(name="smoke")(f)\n', ["smoke"]),
        ("import nox\ndef f(session): pass\nnox.session()(f)\n", ["f"]),
        ('import nox\ndef f(session): pass\nnox.session(f, name="smoke")\n', ["smoke"]),
        ("def helper(session): pass\n", []),
    ],
)
def test_own_sessions_are_found(text: str, names: list[str]) -> None:
    assert sessions(text) == names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import pystatic_tasks\npystatic_tasks.register()\n", [HERE]),
        ("import pystatic_tasks as p\np.register(prefix='app-')\n", [Registered(root=".", prefix="app-")]),
        ("from pystatic_tasks import register\nregister(root='web/')\n", [Registered(root="web", prefix="")]),
        ("import pystatic_tasks\npystatic_tasks.register(root=HERE)\n", [Registered(root="", prefix="")]),
        (
            "import pystatic_tasks\npystatic_tasks.register(app='a:b')\n",
            [Registered(root=".", prefix="", names_target=True)],
        ),
        ("import other\nother.register()\n", []),
    ],
)
def test_calls_that_are_there_are_found(text: str, expected: list[Registered]) -> None:
    assert list(read_noxfile(PATH, text).registered) == expected


@pytest.mark.parametrize(
    ("taken", "prefix"),
    [
        ([], ""),
        (["lint"], ""),
        (["image"], "app-"),
        (["image", "app-smoke"], "container-"),
        (["image", "app-smoke", "container-image", "pystatic-image"], "pystatic-app-"),
    ],
)
def test_the_prefix_gives_names_that_nobody_has(taken: list[str], prefix: str) -> None:
    assert free_prefix(taken) == prefix


def test_two_lines_are_added() -> None:
    text = "import nox\n\n\n@nox.session\ndef lint(session):\n    pass\n"
    assert with_registered(PATH, text, [HERE]) == (
        f"import nox\n{IMPORT}\n\n\n@nox.session\ndef lint(session):\n    pass\n\n\npystatic_tasks.register()\n"
    )


def test_what_is_registered_already_stays() -> None:
    text = "import pystatic_tasks\n\npystatic_tasks.register(prefix='app-')\n"
    assert with_registered(PATH, text, [HERE]) == text


def test_a_noxfile_is_made_where_there_is_none() -> None:
    calls = [Registered(root="services/web", prefix="web-"), Registered(root="api", prefix="api-")]
    assert with_registered(PATH, "", calls) == (
        '# /// script\n# dependencies = ["nox", "pystatic-tasks"]\n# ///\n'
        '"""Sessions of Nox; `nox -l` lists them."""\n\n'
        "import pystatic_tasks\n\n"
        'pystatic_tasks.register(root="services/web", prefix="web-")\n'
        'pystatic_tasks.register(root="api", prefix="api-")\n'
    )


def test_another_project_goes_below_those_that_are_there() -> None:
    text = 'import pystatic_tasks\n\npystatic_tasks.register(root="web", prefix="web-")\n'
    calls = [Registered(root="web", prefix="web-"), Registered(root="api", prefix="api-")]
    assert with_registered(PATH, text, calls) == text + 'pystatic_tasks.register(root="api", prefix="api-")\n'


def test_the_import_that_is_there_is_used() -> None:
    text = "import pystatic_tasks as pt\n\nx = pt.run_step\n"
    assert with_registered(PATH, text, [HERE]) == text + "\npt.register()\n"


def test_only_a_name_that_is_imported_from_the_package_is_not_enough() -> None:
    text = "from pystatic_tasks import run_step\n"
    assert with_registered(PATH, text, [HERE]) == f"{IMPORT}\n{text}\npystatic_tasks.register()\n"


SCRIPT = "# /// script\n# dependencies = {}\n# ///\nimport nox\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('["nox"]  # tools', '["nox", "pystatic-tasks"]  # tools'),
        (
            '[\n#     "nox",\n#     "uv",  # fast\n# ]',
            '[\n#     "nox",\n#     "uv",  # fast\n#     "pystatic-tasks",\n# ]',
        ),
        ('["nox", "Pystatic_Tasks>=0.1"]', '["nox", "Pystatic_Tasks>=0.1"]'),
        ("1", "1"),
        ("[", "["),
    ],
)
def test_the_dependencies_of_a_script_get_ours(before: str, after: str) -> None:
    expected = SCRIPT.format(after) + "import pystatic_tasks\n\npystatic_tasks.register()\n"
    assert with_registered(PATH, SCRIPT.format(before), [HERE]) == expected


URL = "https://git.example/tools/pystatic-tasks.git"


@pytest.mark.parametrize(
    ("noted", "requirement"),
    [
        ({}, "pystatic-tasks"),
        ({"url": "file:///home/me/pystatic-tasks", "dir_info": {"editable": True}}, "pystatic-tasks"),
        ({"url": URL, "vcs_info": {"vcs": "git", "commit_id": "abc"}}, f"pystatic-tasks @ git+{URL}"),
        (
            {"url": URL, "vcs_info": {"vcs": "git", "commit_id": "abc", "requested_revision": "v1"}},
            f"pystatic-tasks @ git+{URL}@v1",
        ),
        ({"url": "https://me:word@git.example/x.git", "vcs_info": {"vcs": "git", "commit_id": "a"}}, "pystatic-tasks"),
    ],
)
def test_a_script_gets_ours_from_where_it_came(noted: dict[str, object], requirement: str) -> None:
    assert requirement_from(json.dumps(noted)) == requirement
    text = with_registered(PATH, SCRIPT.format('["nox"]'), [HERE], requirement)
    assert text.splitlines()[1] == f'# dependencies = ["nox", "{requirement}"]'
    assert with_registered(PATH, "", [HERE], requirement).splitlines()[1] == text.splitlines()[1]
    other = Registered(root="other", prefix="other-")
    assert with_registered(PATH, text, [other], "another").splitlines()[1] == text.splitlines()[1]


def test_a_script_with_other_line_ends_keeps_them() -> None:
    text = SCRIPT.format('["nox"]').replace("\n", "\r\n")
    expected = SCRIPT.format('["nox", "pystatic-tasks"]') + "import pystatic_tasks\n\npystatic_tasks.register()\n"
    assert with_registered(PATH, text, [HERE]) == expected.replace("\n", "\r\n")


def test_a_script_without_dependencies_gets_none() -> None:
    text = '# /// script\n# requires-python = ">=3.10"\n# ///\nimport nox\n'
    assert with_registered(PATH, text, [HERE]).startswith(text)


def test_a_noxfile_that_is_not_python_is_told() -> None:
    with pytest.raises(ConfigError, match=r"noxfile\.py, line 1"):
        read_noxfile(PATH, "def\n")
