from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.config import ImageConfig
from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.freeze.target import RUNNER, command_script, copy_runner, copy_server_config, entry_script


def project(folder: Path, scripts: str = "") -> Path:
    (folder / "pyproject.toml").write_text(f'[project]\nname = "shop"\n{scripts}\n', encoding="utf-8")
    return folder


def make_image(
    folder: Path, *, app: str | None = None, script: str | None = None, command: str | None = None
) -> ImageConfig:
    return ImageConfig(root=folder, project=folder, name="shop", app=app, script=script, command=command)


def refused(image: ImageConfig) -> str:
    with pytest.raises(ConfigError) as caught:
        entry_script(image, {})
    return str(caught.value)


def test_an_app_is_served_by_the_runner_with_its_settings(tmp_path: Path) -> None:
    image = make_image(tmp_path, app="shop.web:make_app()")
    assert entry_script(image, {"workers": 4, "access_log_format": "{x}"}) == (
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
    text = entry_script(make_image(tmp_path, app=app), {"quotes": "'\"\n"})
    compile(text, "shop.py", "exec")
    assert repr(app) in text


def test_a_script_is_its_own_entry(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("print('größe')\n", encoding="utf-8")
    assert entry_script(make_image(tmp_path, script="run.py"), {}) == "print('größe')\n"


@pytest.mark.parametrize("script", ["run.py", "scripts"])
def test_a_script_that_is_not_there_is_named(tmp_path: Path, script: str) -> None:
    (tmp_path / "scripts").mkdir()
    assert refused(make_image(tmp_path, script=script)) == (
        f'tool.pystatic-tasks.script names "{script}", and there is no such file in {tmp_path}.\nCorrect the name.'
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
    assert command_script(image) == text
    assert entry_script(image, {}) == text


@pytest.mark.parametrize(
    ("scripts", "hint"),
    [
        ("scripts.shopp = 'shop:main'", 'did you mean "shopp"?'),
        ("scripts = { serve = 'shop:main', admin = 'shop:admin' }", "known are admin, serve"),
        ("scripts = {}", "there are none"),
        ("", "there are none"),
    ],
)
def test_a_command_that_is_not_there_is_named_with_the_nearest_or_all(tmp_path: Path, scripts: str, hint: str) -> None:
    assert refused(make_image(project(tmp_path, scripts), command="shop")) == (
        f'tool.pystatic-tasks.command names "shop", which is not in [project.scripts]; {hint}\nCorrect the name.'
    )


def test_commands_are_those_of_the_installed_project(tmp_path: Path) -> None:
    (tmp_path / "backend").mkdir()
    backend = project(tmp_path / "backend", "scripts.shop = 'backend:main'")
    image = ImageConfig(root=project(tmp_path, "scripts.shop = 'other:main'"), project=backend, command="shop")
    assert "from backend import main" in command_script(image)


def served(folder: Path, **server: Any) -> ImageConfig:
    return ImageConfig(root=folder, project=folder, name="shop", app="shop:app", server=server)


def test_only_the_server_that_serves_is_imported(tmp_path: Path) -> None:
    script = entry_script(served(tmp_path, kind="uvicorn"), {})
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
    script = entry_script(served(tmp_path), {})
    assert f"\nimport {name}\n" in script
    assert f"main(SERVER, load, SETTINGS, vars({name}))" in script


def test_no_configuration_file_is_taken_if_none_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").touch()
    assert copy_server_config(served(tmp_path, config=""), tmp_path) == ""
    assert "main(SERVER, load, SETTINGS, {})" in entry_script(served(tmp_path, config=""), {})


def test_programs_that_serve_nothing_have_none(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").touch()
    assert copy_server_config(make_image(tmp_path, script="job.py"), tmp_path) == ""


def test_a_configuration_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refused(served(tmp_path, config="conf/gunicorn.py")) == (
        f'tool.pystatic-tasks.server.config names "conf/gunicorn.py", and there is no such file in {tmp_path}.\n'
        "Correct the name."
    )


def test_the_runner_travels_under_its_frozen_name(tmp_path: Path) -> None:
    copy_runner(tmp_path)
    copy = tmp_path / "pystatic_runner"
    copied = {str(path.relative_to(copy)): path for path in copy.rglob("*") if path.is_file()}
    expected = {str(path.relative_to(RUNNER)): path for path in RUNNER.rglob("*.py") if path.name != "unfrozen.py"}
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
    assert refused(make_image(root, command="shop")) == (
        f'[project.scripts] has shop = "{text}", which is not "package.module:callable".\nCorrect it there.'
    )
