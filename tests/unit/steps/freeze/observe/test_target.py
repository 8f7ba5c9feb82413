from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.freeze.observe.target import (
    RUNNER,
    check_command,
    command_script,
    copy_runner,
    copy_server_config,
    entry_script,
)


def project(folder: Path, scripts: str = "") -> Path:
    (folder / "pyproject.toml").write_text(f'[project]\nname = "shop"\n{scripts}\n', encoding="utf-8")
    return folder


def make_image(
    folder: Path, *, app: str | None = None, script: str | None = None, command: str | None = None
) -> ImageConfig:
    return ImageConfig(root=folder, project=folder, name="shop", app=app, script=script, command=command)


def refused(image: ImageConfig) -> str:
    with pytest.raises(ConfigError) as caught:
        entry_script(image, {}, {})
    return str(caught.value)


def test_an_app_is_served_by_the_runner_with_its_settings(tmp_path: Path) -> None:
    image = make_image(tmp_path, app="shop.web:make_app()")
    assert entry_script(image, {"workers": 4, "access_log_format": "{x}"}, {}) == (
        "import sys\n"
        "\n"
        "from pystatic_runner.application import import_app\n"
        "from pystatic_runner.main import main\n"
        "from pystatic_runner.servers.gunicorn import SERVER\n"
        "\n"
        "SETTINGS = {'workers': 4, 'access_log_format': '{x}'}\n"
        "\n"
        "\n"
        "def load():\n"
        "    import shop.web\n"
        "\n"
        "    return import_app('shop.web:make_app()')\n"
        "\n"
        "\n"
        'if __name__ == "__main__":\n'
        "    sys.exit(main(SERVER, load, SETTINGS, {}))\n"
    )


@pytest.mark.parametrize("app", ["shop:app", "shop.web:make(\"it's\", x='{}')"])
def test_whatever_the_target_is_the_entry_script_is_python(tmp_path: Path, app: str) -> None:
    text = entry_script(make_image(tmp_path, app=app), {"quotes": "'\"\n"}, {})
    compile(text, "shop.py", "exec")
    assert repr(app) in text


def test_a_script_is_its_own_entry(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("print('größe')\n", encoding="utf-8")
    assert entry_script(make_image(tmp_path, script="run.py"), {}, {}) == "print('größe')\n"


@pytest.mark.parametrize("script", ["run.py", "scripts"])
def test_a_script_that_is_not_there_is_named(tmp_path: Path, script: str) -> None:
    (tmp_path / "scripts").mkdir()
    assert refused(make_image(tmp_path, script=script)) == (
        f'tool.pystatic-tasks.script names "{script}", which is not a file in {tmp_path}.\nCorrect the name.'
    )


@pytest.mark.parametrize(
    ("reference", "statement", "call"),
    [
        ("shop.cli:main", "from shop.cli import main", "sys.exit(main())"),
        (" shop.cli : main ", "from shop.cli import main", "sys.exit(main())"),
        ("shop.cli:App.run", "from shop.cli import App", "sys.exit(App.run())"),
        ("shop.cli:main [cli]", "from shop.cli import main", "sys.exit(main())"),
        ("_shop.größe1:App.cli.run[a,b]", "from _shop.größe1 import App", "sys.exit(App.cli.run())"),
    ],
)
def test_a_command_calls_what_its_script_names(tmp_path: Path, reference: str, statement: str, call: str) -> None:
    image = make_image(project(tmp_path, f'scripts.shop = "{reference}"'), command="shop")
    text = f'import sys\n\n{statement}\n\nif __name__ == "__main__":\n    {call}\n'
    assert command_script(image, {}) == text
    assert entry_script(image, {}, {}) == text


@pytest.mark.parametrize(
    ("scripts", "hint"),
    [
        ("scripts.shopp = 'shop:main'", 'did you mean "shopp"?'),
        ("scripts = { serve = 'shop:main', admin = 'shop:admin' }", "available: admin, serve"),
        ("scripts = {}", "there are none"),
        ("", "there are none"),
    ],
)
def test_a_command_that_is_not_there_is_named_with_the_nearest_or_all(tmp_path: Path, scripts: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_command(make_image(project(tmp_path, scripts), command="shop"))
    assert str(caught.value) == (
        f'tool.pystatic-tasks.command names "shop", which is not in [project.scripts]; {hint}\nCorrect the name.'
    )


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that no lock above it is of."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ('dependencies = ["black"]', {}),
        ('dynamic = ["version", "dependencies"]', {}),
        ('dynamic = ["scripts"]', {}),
        ("", {"install": (".[cli]",)}),
        ("", {"install": (".", "black")}),
        ("", {"install": (".", "./lint")}),
        ("", {"requirements": ("requirements.txt",)}),
        ("", {"install": (), "requirements": ("requirements.txt",)}),
        ("", {"groups": ("lint",)}),
    ],
)
def test_what_may_be_installed_is_looked_up_after_that(alone: Path, text: str, changes: dict[str, Any]) -> None:
    check_command(replace(make_image(project(alone, text), command="black"), **changes))


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("dependencies = []", {}),
        ('dynamic = ["version"]', {}),
        ("optional-dependencies.cli = ['black']", {}),
        ("", {"install": ()}),
    ],
)
def test_what_nothing_can_bring_is_refused_at_once(alone: Path, text: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        check_command(replace(make_image(project(alone, text), command="black"), **changes))


def test_a_project_that_only_its_backend_knows_may_bring_anything(alone: Path) -> None:
    (alone / "pyproject.toml").write_text("[tool.poetry.scripts]\nshop = 'shop:main'\n", encoding="utf-8")
    check_command(make_image(alone, command="shop"))


def test_a_lock_may_bring_anything(alone: Path) -> None:
    text = 'lock-version = "1.0"\ncreated-by = "pip"\npackages = []\n'
    (project(alone) / "pylock.toml").write_text(text, encoding="utf-8")
    check_command(make_image(alone, command="black"))
    with pytest.raises(ConfigError):
        check_command(replace(make_image(alone, command="black"), locked=False))


def test_an_app_or_a_script_is_no_command(alone: Path) -> None:
    check_command(make_image(project(alone), app="shop:app"))
    check_command(make_image(project(alone), script="job.py"))


def test_a_command_that_is_installed_is_called(tmp_path: Path) -> None:
    image = make_image(project(tmp_path, "scripts.shop = 'shop:main'"), command="black")
    script = command_script(image, {"black": "black:patched_main", "shop": "other:main"})
    assert "from black import patched_main\n" in script
    assert "sys.exit(patched_main())" in script
    # The project's own goes before.
    own = replace(image, command="shop")
    assert "from shop import main\n" in command_script(own, {"shop": "other:main"})


INSTALLED = {"black": "black:patched_main", "blackd": "blackd:patched_main [d]", "old": "old"}


@pytest.mark.parametrize(
    ("name", "commands", "hint"),
    [
        ("blak", INSTALLED, 'did you mean "black"?'),
        ("shopp", INSTALLED, 'did you mean "shop"?'),
        ("x", INSTALLED, "available: black, blackd, old, shop"),
    ],
)
def test_a_command_that_is_not_installed_is_named_with_the_nearest_or_all(
    tmp_path: Path, name: str, commands: dict[str, str], hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        command_script(make_image(project(tmp_path, "scripts.shop = 'shop:main'"), command=name), commands)
    assert str(caught.value) == (
        f'tool.pystatic-tasks.command names "{name}", which is neither in [project.scripts] nor installed; {hint}\n'
        "Correct the name, or add the package that provides it to the project's dependencies."
    )


def test_where_no_command_is_known_that_is_said(tmp_path: Path) -> None:
    assert refused(make_image(project(tmp_path), command="black")) == (
        'tool.pystatic-tasks.command names "black", which is neither in [project.scripts] nor installed; '
        "there are none\nCorrect the name, or add the package that provides it to the project's dependencies."
    )


def test_an_installed_command_that_names_no_callable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        command_script(make_image(project(tmp_path), command="old"), INSTALLED)
    assert str(caught.value) == (
        'The command "old" that is installed calls "old", not "package.module:callable".\n'
        "Write a script that does the same, and name it in tool.pystatic-tasks.script."
    )


def test_commands_are_those_of_the_installed_project(tmp_path: Path) -> None:
    (tmp_path / "backend").mkdir()
    backend = project(tmp_path / "backend", "scripts.shop = 'backend:main'")
    image = ImageConfig(root=project(tmp_path, "scripts.shop = 'other:main'"), project=backend, command="shop")
    assert "from backend import main" in command_script(image, {})


def served(folder: Path, **server: Any) -> ImageConfig:
    return ImageConfig(root=folder, project=folder, name="shop", app="shop:app", server=server)


def test_only_the_server_that_serves_is_imported(tmp_path: Path) -> None:
    script = entry_script(served(tmp_path, kind="uvicorn"), {}, {})
    assert "from pystatic_runner.servers.uvicorn import SERVER\n" in script
    assert "gunicorn" not in script


def test_a_configuration_file_is_its_servers_only(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").touch()
    assert copy_server_config(served(tmp_path, kind="uvicorn"), tmp_path) == ""
    assert copy_server_config(served(tmp_path, kind="uvicorn", config=""), tmp_path) == ""
    assert refused(served(tmp_path, kind="uvicorn", config="gunicorn.conf.py")) == (
        'tool.pystatic-tasks.server.config names "gunicorn.conf.py", and uvicorn has no such file.\n'
        "Remove it, and write the settings themselves."
    )


def test_gunicorns_usual_configuration_file_is_frozen_in_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "program").mkdir()
    assert copy_server_config(served(tmp_path), tmp_path / "program") == ""
    (tmp_path / "gunicorn.conf.py").write_text("workers = 3\n", encoding="utf-8")
    name = copy_server_config(served(tmp_path), tmp_path / "program")
    assert (tmp_path / "program" / f"{name}.py").read_text(encoding="utf-8") == "workers = 3\n"
    script = entry_script(served(tmp_path), {}, {})
    assert f"\nimport {name}\n" in script
    assert f"main(SERVER, load, SETTINGS, vars({name}))" in script


def test_no_configuration_file_is_taken_if_none_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").touch()
    assert copy_server_config(served(tmp_path, config=""), tmp_path) == ""
    assert "main(SERVER, load, SETTINGS, {})" in entry_script(served(tmp_path, config=""), {}, {})


def test_programs_that_serve_nothing_have_none(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").touch()
    assert copy_server_config(make_image(tmp_path, script="job.py"), tmp_path) == ""


def test_a_configuration_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refused(served(tmp_path, config="conf/gunicorn.py")) == (
        f'tool.pystatic-tasks.server.config names "conf/gunicorn.py", which is not a file in {tmp_path}.\n'
        "Correct the name."
    )


def test_the_runner_travels_under_its_frozen_name(tmp_path: Path) -> None:
    copy_runner(tmp_path)
    copy = tmp_path / "pystatic_runner"
    copied = {str(path.relative_to(copy)): path for path in copy.rglob("*") if path.is_file()}
    travelling = [path for path in RUNNER.rglob("*.py") if path.name != "unfrozen.py" and "launcher" not in path.parts]
    expected = {str(path.relative_to(RUNNER)): path for path in travelling}
    assert set(copied) == set(expected)
    assert all(path.read_bytes() == expected[name].read_bytes() for name, path in copied.items())


def test_an_older_copy_of_the_runner_is_replaced(tmp_path: Path) -> None:
    copy_runner(tmp_path)
    (tmp_path / "pystatic_runner" / "stale.py").touch()
    copy_runner(tmp_path)
    assert not (tmp_path / "pystatic_runner" / "stale.py").exists()


@pytest.mark.parametrize(
    "reference",
    [
        '"shop.cli"',
        '"shop cli:main"',
        '"shop:main()"',
        "3",
        '":main"',
        '"shop:"',
        '"shop:main."',
        '"shop:.main"',
        '"shop:a..b"',
        '"shop.:main"',
        '"..shop:main"',
        '"1shop:main"',
        '"shop-cli:main"',
        '"shop:main [cli"',
    ],
)
def test_a_command_that_names_no_callable_is_refused(tmp_path: Path, reference: str) -> None:
    root = project(tmp_path, f"[project.scripts]\nshop = {reference}")
    text = reference.strip('"')
    problem = f'[project.scripts] has shop = "{text}", which is not "package.module:callable".\nCorrect it there.'
    assert refused(make_image(root, command="shop")) == problem
    with pytest.raises(ConfigError) as caught:
        check_command(make_image(root, command="shop"))
    assert str(caught.value) == problem
