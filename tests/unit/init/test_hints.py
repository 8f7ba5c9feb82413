from __future__ import annotations

import pytest
from unit.init.conftest import Write

from pystatic_tasks.init.hints import hints, hints_in
from pystatic_tasks.init.modules import read_code
from pystatic_tasks.init.targets import Hint


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("web: gunicorn shop.web:app --bind 0.0.0.0:8000", [("shop.web", "app")]),
        ('CMD ["gunicorn", "-b", "0.0.0.0:8000", "shop:create_app()"]', [("shop", "create_app")]),
        ("\tuvicorn --factory shop.main:make_app --host localhost --port 80", [("shop.main", "make_app")]),
        (
            "command: gunicorn -w 2 \\\n  --bind unix:/tmp/x.sock \\\n  config.wsgi:application",
            [("config.wsgi", "application")],
        ),
        ('CMD ["fastapi", "run", "app/main.py", "--port", "80"]', [("app.main", "")]),
        ("FLASK_APP=shop.web", [("shop.web", "")]),
        ("FLASK_APP=app.py", [("app", "")]),
        ("flask --app shop.web:app run", [("shop.web", "app")]),
        ('wsgi_app = "shop.web:app"', [("shop.web", "app")]),
        ("# gunicorn shop.web:app", []),
        ("python -m http.server a:b", []),
        ("image: registry.example/gunicorn", []),
        ("uvicorn http://example:app", []),
    ],
)
def test_what_starts_a_server_says_what_it_serves(line: str, expected: list[Hint]) -> None:
    assert list(hints_in(line)) == expected


def test_a_long_line_is_read_as_fast_as_a_short_one() -> None:
    assert list(hints_in(f"fastapi {'run ' * 10_000}{'a' * 100_000}")) == []
    assert next(hints_in(f"/bin/fastapi run {'a/' * 50_000}x.py"))[0].endswith(".a.x")


def test_files_are_asked_before_settings(write: Write) -> None:
    root = write(
        {
            "Procfile": "web: gunicorn a:app\n",
            "Dockerfile": "FROM python\nCMD gunicorn b:app\n",
            "Makefile": "run:\n\tuvicorn c:app\n",
            "config/settings.py": 'WSGI_APPLICATION = "config.wsgi.application"\n',
        }
    )
    found = hints(root, read_code(root, [root]))
    assert found == [("a", "app"), ("b", "app"), ("c", "app"), ("config.wsgi", "application")]


def test_asgi_goes_first_where_the_settings_name_it(write: Write) -> None:
    root = write(
        {"s.py": 'WSGI_APPLICATION = "config.wsgi.application"\nASGI_APPLICATION = "config.asgi.application"\n'}
    )
    found = hints(root, read_code(root, [root]))
    assert found == [("config.asgi", "application"), ("config.wsgi", "application")]
