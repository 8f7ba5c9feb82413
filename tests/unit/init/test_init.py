"""`init()` as a user sees it: on copies of five ordinary projects, and on what else may lie in a folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support import REPOSITORY
from unit.init.conftest import Write

from pystatic_tasks import load_config
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.init import init

FLASK = "from flask import Flask\napp = Flask('x')\n"
TABLE = '[tool.pystatic-tasks]\napp = "web:app"\n'
IMPORT = "import pystatic_tasks  # pip install pystatic-tasks, beside Nox"
BESIDE_NOX = (
    "Nox must find pystatic-tasks: pip install pystatic-tasks beside it, pipx inject nox pystatic-tasks, "
    "or uvx --with pystatic-tasks nox."
)
CHECK = "checks whether this machine can build"
IMAGE = "builds the image"
SMOKE = "builds the image, runs it and tests it"


def run(root: Path, *, dry_run: bool = False, target: str | None = None, agree: bool = True) -> list[str]:
    """What `pystatic init` says."""
    said: list[str] = []
    init(root, dry_run=dry_run, target=target, say=said.append, confirm=lambda: agree, command="pystatic")
    return said


def contents(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_bytes().decode() for path in root.rglob("*") if path.is_file()}


def copy(name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPOSITORY / "tests" / "projects" / name, tmp_path / name))


def adopted(name: str, tmp_path: Path) -> tuple[Path, list[str], dict[str, str]]:
    """A copy of a project after `init`, what was said, and what is added to each file or new."""
    root = copy(name, tmp_path)
    before = contents(root)
    said = run(root)
    after = contents(root)
    assert run(root)[-1].startswith("Nothing to do: everything is configured. Next: ")
    assert contents(root) == after
    assert before.keys() <= after.keys()
    return root, said, {name: text for name, text in after.items() if before.get(name) != text}


def next_lines(said: list[str]) -> list[str]:
    return said[said.index("next:") + 1 :]


def test_flask_with_a_noxfile(tmp_path: Path) -> None:
    root, said, changed = adopted("adopt_flask_nox", tmp_path)
    before = contents(REPOSITORY / "tests" / "projects" / "adopt_flask_nox")
    assert changed == {
        "pyproject.toml": before["pyproject.toml"]
        + '\n[tool.pystatic-tasks]\napp = "recipes:create_app()"\nimage.healthcheck = "/healthz"\n',
        "noxfile.py": before["noxfile.py"]
        .replace("import nox\n", f"import nox\n{IMPORT}\n", 1)
        .replace("\n\n\nif __name__", "\n\n\npystatic_tasks.register()\n\nif __name__"),
    }
    assert said[:3] == [
        "target     recipes:create_app() (Flask, in src/recipes/__init__.py, line 4)",
        "layout     modules below src, installed by pip",
        "noxfile    noxfile.py, its own sessions: lint, tests",
    ]
    assert said[said.index("wrote pyproject.toml") :] == [
        "wrote pyproject.toml",
        "wrote noxfile.py",
        "next:",
        f"  pystatic check  {CHECK}",
        f"  nox -s image    {IMAGE}",
        f"  nox -s smoke    {SMOKE}",
        BESIDE_NOX,
    ]
    [image] = load_config(root)
    assert (image.name, image.app) == ("recipes", "recipes:create_app()")


def test_fastapi_with_uv(tmp_path: Path) -> None:
    _, said, changed = adopted("adopt_fastapi_uv", tmp_path)
    assert list(changed) == ["pyproject.toml"]
    assert changed["pyproject.toml"].endswith(
        ']\n\n[tool.pystatic-tasks]\napp = "weather_station.main:app"\n'
        'image.healthcheck = "/health"\nsmoke.requests = [{ path = "/health" }]\n'
    )
    assert next_lines(said) == [
        f"  pystatic check  {CHECK}",
        f"  pystatic image  {IMAGE}",
        f"  pystatic smoke  {SMOKE}",
    ]


def test_django_with_tox(tmp_path: Path) -> None:
    root, _, changed = adopted("adopt_django_tox", tmp_path)
    assert changed == {"pyproject.toml": '[tool.pystatic-tasks]\napp = "config.wsgi:application"\n'}
    [image] = load_config(root)
    assert (image.install, image.requirements) == ((), ("requirements.txt",))


def test_several_services_in_one_repository(tmp_path: Path) -> None:
    _, said, changed = adopted("adopt_monorepo", tmp_path)
    assert sorted(changed) == ["noxfile.py", "services/api/pyproject.toml", "services/web/pyproject.toml"]
    assert changed["services/web/pyproject.toml"] == '[tool.pystatic-tasks]\napp = "app:app"\n'
    assert changed["services/api/pyproject.toml"].endswith(
        '\n\n[tool.pystatic-tasks]\napp = "polls_api.main:app"\n'
        'image.healthcheck = "/ping"\nsmoke.requests = [{ path = "/ping" }]\n'
    )
    assert changed["noxfile.py"] == (
        '# /// script\n# dependencies = ["nox", "pystatic-tasks"]\n# ///\n'
        '"""Sessions of Nox; `nox -l` lists them."""\n\n'
        "import pystatic_tasks\n\n"
        'pystatic_tasks.register(root="services/api", prefix="api-")\n'
        'pystatic_tasks.register(root="services/web", prefix="web-")\n'
    )
    assert said[: said.index("--- services/api/pyproject.toml")] == [
        "several projects below adopt_monorepo:",
        "",
        "project    services/api",
        "target     polls_api.main:app (Starlette, in polls_api/main.py, line 22)",
        "layout     modules below this folder, installed by pip",
        "",
        "project    services/web",
        "target     app:app (Falcon, in app.py, line 10)",
        "layout     modules below this folder, used in place; requirements.txt is installed",
        "",
        "noxfile    none yet",
        "",
    ]
    assert next_lines(said) == [
        f"  pystatic check    {CHECK}",
        f"  nox -s api-image  {IMAGE}",
        f"  nox -s web-image  {IMAGE}",
        f"  nox -s api-smoke  {SMOKE}",
        f"  nox -s web-smoke  {SMOKE}",
    ]


def test_a_command_with_tasks_of_invoke(tmp_path: Path) -> None:
    _, said, changed = adopted("adopt_click_tasks", tmp_path)
    before = contents(REPOSITORY / "tests" / "projects" / "adopt_click_tasks")
    assert changed == {
        "pyproject.toml": before["pyproject.toml"]
        + '\n[tool.pystatic-tasks]\ncommand = "wordcount"\nsmoke.command = ["--help"]\n',
        "tasks.py": "import pystatic_tasks.tasks\n"
        + before["tasks.py"]
        + "\n\nnamespace = pystatic_tasks.tasks.collection(globals())\n",
    }
    assert next_lines(said) == [
        f"  pystatic check  {CHECK}",
        f"  inv image       {IMAGE}",
        f"  inv smoke       {SMOKE}",
        "Invoke must find pystatic-tasks: pip install pystatic-tasks beside it, or pipx inject invoke pystatic-tasks.",
    ]


def test_what_is_shown_is_a_diff(write: Write) -> None:
    root = write({"web.py": FLASK, "requirements.txt": "flask\n"})
    assert run(root, dry_run=True) == [
        "target     web:app (Flask, in web.py, line 2)",
        "layout     modules below this folder, used in place; requirements.txt is installed",
        "",
        "--- /dev/null",
        "+++ pyproject.toml",
        "@@ -0,0 +1,2 @@",
        "+[tool.pystatic-tasks]",
        '+app = "web:app"',
        "",
        "Nothing was written: this was a dry run.",
    ]
    assert not (root / "pyproject.toml").exists()


def test_credentials_in_lines_around_a_change_are_hidden(write: Write) -> None:
    text = '[[tool.uv.index]]\nurl = "https://me:open-sesame@index.example/simple"\n'
    root = write({"pyproject.toml": text, "app.py": "from flask import Flask\napp = Flask(__name__)\n"})
    said = run(root)
    assert ' url = "https://***@index.example/simple"' in said
    assert (root / "pyproject.toml").read_text(encoding="utf-8").startswith(text)


def test_without_consent_nothing_is_written(write: Write) -> None:
    root = write({"web.py": FLASK, "noxfile.py": "import nox\n"})
    assert run(root, agree=False)[-1] == "Nothing was written."
    assert sorted(contents(root)) == ["noxfile.py", "web.py"]


def test_a_prefix_keeps_sessions_of_the_same_name(write: Write) -> None:
    root = write({"web.py": FLASK, "noxfile.py": "import nox\n\n\n@nox.session\ndef image(session):\n    pass\n"})
    assert next_lines(run(root))[1].split("  ")[1] == "nox -s app-image"
    assert (root / "noxfile.py").read_text(encoding="utf-8").endswith('\n\n\npystatic_tasks.register(prefix="app-")\n')


def test_a_prefix_that_is_there_is_told(write: Write) -> None:
    noxfile = 'import pystatic_tasks\n\npystatic_tasks.register(prefix="my-")\n'
    root = write({"web.py": FLASK, "noxfile.py": noxfile})
    assert "  nox -s my-image  builds the image" in run(root)
    assert (root / "noxfile.py").read_text(encoding="utf-8") == noxfile


def test_a_noxfile_that_names_the_target_is_enough(write: Write) -> None:
    root = write({"noxfile.py": 'import pystatic_tasks\n\npystatic_tasks.register(app="a:b")\n'})
    assert run(root) == [
        "target     already configured in noxfile.py",
        "noxfile    noxfile.py, its own sessions: none",
        "Nothing to do: everything is configured. Next: nox -s smoke",
    ]


def test_a_noxfile_that_names_its_dependencies_needs_no_more(write: Write) -> None:
    script = "# /// script\n# dependencies = []\n# ///\nimport nox\n"
    assert next_lines(run(write({"web.py": FLASK, "noxfile.py": script})))[-1].startswith("  nox -s smoke")


def test_tasks_below_a_collection_are_told_with_its_name(write: Write) -> None:
    root = write({"web.py": FLASK, "tasks.py": "from invoke import Collection\n\nns = Collection()\n"})
    assert f"  inv pystatic.image  {IMAGE}" in run(root)


def test_a_tasks_file_of_somebody_else_is_left_alone(write: Write) -> None:
    root = write({"web.py": FLASK, "tasks.py": "from celery import shared_task  # not invoke\n"})
    assert f"  pystatic image  {IMAGE}" in run(root)
    assert "pystatic" not in (root / "tasks.py").read_text(encoding="utf-8")


def test_a_noxfile_goes_before_tasks(write: Write) -> None:
    root = write({"web.py": FLASK, "tasks.py": "import invoke\n", "noxfile.py": "import nox\n"})
    run(root)
    assert (root / "tasks.py").read_text(encoding="utf-8") == "import invoke\n"


def refused(root: Path, target: str | None = None) -> str:
    """What is said if nothing can be done; then nothing is written."""
    before = contents(root)
    with pytest.raises(ConfigError) as caught:
        run(root, target=target)
    assert contents(root) == before
    return str(caught.value)


def test_a_noxfile_that_is_not_python_stops_all(write: Write) -> None:
    root = write({"web.py": FLASK, "noxfile.py": "import nox\n\ndef f(:\n"})
    assert refused(root) == (
        f"{root}/noxfile.py, line 3: invalid syntax; nothing was written.\nCorrect it and run init again."
    )


def test_tasks_that_are_not_python_stop_all(write: Write) -> None:
    root = write({"web.py": FLASK, "tasks.py": "import invoke\ndef f(:\n"})
    assert refused(root).startswith(f"{root}/tasks.py, line 2: invalid syntax; nothing was written.")


def test_files_that_cannot_be_written_stop_all(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write({"web.py": FLASK, "noxfile.py": "import nox\n"})
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK or Path(path).name != "noxfile.py")
    assert refused(root) == (
        f"{root}/noxfile.py cannot be written (Permission denied); nothing was written.\n"
        "Make the file and its folder writable."
    )


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        run(tmp_path / "nowhere")
    assert str(caught.value) == f"{tmp_path}/nowhere is not a folder.\nName a project's folder."


def test_what_may_not_be_read_is_told(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/home/me/shop/closed")

    monkeypatch.setattr("pystatic_tasks.init.make_plan", refuse)
    assert refused(write({"web.py": FLASK})) == (
        "/home/me/shop/closed cannot be read: Permission denied.\nMake it readable."
    )


def test_an_empty_folder_is_told(write: Write) -> None:
    assert refused(write({"README": ""})).startswith("Found nothing to serve in ")


def test_a_wrong_configuration_is_told(write: Write) -> None:
    root = write({"pyproject.toml": TABLE + "size = 1\n", "web.py": FLASK})
    assert refused(root).startswith(
        f"1 problem in the configuration of {root}/pyproject.toml:\n  tool.pystatic-tasks.size:"
    )


def test_lines_that_end_as_on_windows_do_so_afterwards(write: Write) -> None:
    root = write({"web.py": FLASK, "pyproject.toml": "[tool.x]\r\na = 1\r\n", "noxfile.py": "import nox\r\n"})
    run(root)
    assert contents(root)["pyproject.toml"] == "[tool.x]\r\na = 1\r\n\r\n" + TABLE.replace("\n", "\r\n")
    assert contents(root)["noxfile.py"] == f"import nox\r\n{IMPORT}\r\n\r\npystatic_tasks.register()\r\n"


SERVICE = {"requirements.txt": "flask\n", "app.py": FLASK}


def services(*folders: str, **more: str) -> dict[str, str]:
    return {f"{folder}/{name}": text for folder in folders for name, text in SERVICE.items()} | more


def noxfile_of(root: Path) -> str:
    run(root)
    return (root / "noxfile.py").read_text(encoding="utf-8")


def test_a_single_service_below_the_root_is_found(write: Write) -> None:
    assert noxfile_of(write(services("backend"))).endswith(
        'pystatic_tasks.register(root="backend", prefix="backend-")\n'
    )


def test_services_of_the_same_name_get_longer_prefixes(write: Write) -> None:
    text = noxfile_of(write(services("a/web", "b/web")))
    assert 'register(root="a/web", prefix="web-")\n' in text
    assert 'register(root="b/web", prefix="b-web-")\n' in text


def test_sessions_of_the_root_keep_their_names(write: Write) -> None:
    files = services("web") | {"noxfile.py": "import nox\n@nox.session(name='web-image')\ndef f(s):\n    pass\n"}
    assert 'register(root="web", prefix="web-app-")\n' in noxfile_of(write(files))


def test_a_service_that_is_registered_stays_so(write: Write) -> None:
    there = 'import pystatic_tasks\n\npystatic_tasks.register(root="web", prefix="w-")\n'
    root = write(services("api", "web") | {"noxfile.py": there})
    assert noxfile_of(root) == there + 'pystatic_tasks.register(root="api", prefix="api-")\n'
    assert run(root)[-1] == "Nothing to do: everything is configured. Next: nox -s w-smoke"


TOOL = {
    "libs/x/pyproject.toml": '[project]\nname = "x"\n[project.scripts]\nx = "x:main"\n',
    "libs/x/x.py": "def main(): pass\n",
}


def test_tools_count_where_nothing_is_served(write: Write) -> None:
    assert 'register(root="libs/x", prefix="x-")\n' in noxfile_of(write(TOOL))


def test_tools_do_not_count_beside_services(write: Write) -> None:
    assert 'root="libs/x"' not in noxfile_of(write(services("web") | TOOL))


def test_a_root_that_serves_something_is_the_project(write: Write) -> None:
    root = write(services("other") | {"web.py": FLASK})
    assert run(root)[0] == "target     web:app (Flask, in web.py, line 2)"


def test_a_named_target_is_the_roots(write: Write) -> None:
    assert refused(write(services("web")), target="app:app").startswith('--target names "app:app", but there is no')
