"""What must not get into an image by accident, and what no build keeps."""

from __future__ import annotations

import secrets
from pathlib import Path

from support import write_project

from pystatic_tasks.oci.reading.images import open_layers

TRUSTING = {
    "pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "trusting"
version = "1"
dependencies = ["certifi"]
[tool.setuptools]
packages = ["trusting"]
[tool.setuptools.package-data]
trusting = ["**/*", ".*"]
[tool.pystatic-tasks]
script = "main.py"
layout = "tree"
freeze.data = []
""",
    "main.py": (
        "import importlib.metadata\nimport certifi, trusting\n"
        "print(certifi.where(), importlib.metadata.version('tiny'))\n"
    ),
    "tiny.egg-info/PKG-INFO": (
        "Metadata-Version: 2.1\nName: tiny\nVersion: 1\nRequires-Dist: x @ https://user:sesame@host.example/x.whl\n"
    ),
    "trusting/__init__.py": "",
    "trusting/.env": "PASSWORD=sesame\n",
    "trusting/page.html": "page",
    "trusting/built/app.js": "app",
    "trusting/ca.pem": "-----BEGIN CERTIFICATE-----\nMIIE\n",
    ".gitignore": "built/\n*.egg-info/\n",
}


def test_secrets_among_package_data_are_refused_until_they_are_listed_by_hand(tmp_path: Path) -> None:
    project = write_project(tmp_path, TRUSTING, "trusting")
    project.run("git", "init", "-q", ".")
    printed = project.nox("-s", "freeze", "--", "--no-observe", ok=False)
    entries = '"trusting/.env:trusting", "trusting/built/app.js:trusting/built"'
    assert (
        "2 files of the project would go into trusting unasked:\n"
        "  trusting/.env: a file of variables\n"
        "  trusting/built/app.js: git ignores it\n"
        "Remove what must not go in, and list what should go in under tool.pystatic-tasks.freeze.data: "
        f"{entries}.\n"
    ) in printed
    project.configure("freeze.data = []", f"freeze.data = [{entries}]")
    # PyInstaller finds it by itself.
    printed = project.nox("-s", "freeze", "--", "--no-observe", ok=False)
    assert (
        "1 file of the project would go into trusting unasked:\n  tiny.egg-info/PKG-INFO: a URL with a password\n"
    ) in printed
    (project.root / "tiny.egg-info/PKG-INFO").write_text(
        "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n", encoding="utf-8"
    )
    project.nox("-s", "image", "--", "--engine", "sandbox")
    names = [Path(each.name) for layer in open_layers(project.result("image.tar")) for each in layer]
    data = sorted(
        str(Path(*path.parts[-2:]))
        for path in names
        if path.suffix in (".pem", ".js", ".html", "")
        and (path.parent.name in ("trusting", "built", "certifi") and path.name not in ("trusting", "built", "certifi"))
    )
    assert data == ["built/app.js", "certifi/cacert.pem", "trusting/.env", "trusting/ca.pem", "trusting/page.html"]


DJANGO = {
    "pyproject.toml": '[tool.pystatic-tasks]\nname = "web"\napp = "conf.wsgi:application"\nlayout = "tree"\n',
    "requirements.txt": "django\n",
    "conf/__init__.py": "",
    "conf/settings.py": """
from pathlib import Path

BASE_DIR = Path(__file__).parent.parent
SECRET_KEY = "public"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "conf.urls"
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes"]
INSTALLED_APPS += ["django.contrib.messages", "django.contrib.staticfiles"]
MIDDLEWARE = []
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR.parent / "frontend" / "dist", ("docs", BASE_DIR.parent / "docs")]
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
""",
    "conf/urls.py": "urlpatterns = []\n",
    "conf/wsgi.py": (
        "import os\n\nos.environ['DJANGO_SETTINGS_MODULE'] = 'conf.settings'\n\n"
        "from django.core.wsgi import get_wsgi_application\n\napplication = get_wsgi_application()\n"
    ),
    "../frontend/dist/app.js": "app()\n",
    "../frontend/dist/local.js": "local()\n",
    "../docs/index.html": "page",
    "../docs/notes.local": "notes",
    "../secret.txt": "secret",
    "../.gitignore": "*.local\n/frontend/dist/\n",
}


def test_static_files_from_beside_the_project_are_asked_about(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    project = write_project(tmp_path / "web", DJANGO, "web")
    project.run("git", "init", "-q", "..")
    (tmp_path / "docs/link.txt").symlink_to("../secret.txt")
    printed = project.nox("-s", "freeze", "--", "--no-observe", ok=False)
    assert (
        "2 files of the project would go into web unasked:\n"
        f"  ../docs/link.txt: a link to {tmp_path}/secret.txt\n"
        "  ../docs/notes.local: git ignores it\n"
        "Remove what must not go in, and list what should go in under tool.pystatic-tasks.freeze.data: "
        '"../docs/link.txt:staticfiles/docs", "../docs/notes.local:staticfiles/docs".\n'
    ) in printed
    (tmp_path / "docs/link.txt").unlink()
    (tmp_path / "docs/notes.local").unlink()
    project.nox("-s", "image", "--", "--no-observe", "--engine", "sandbox")
    names = [Path(each.name) for layer in open_layers(project.result("image.tar")) for each in layer]
    static = {
        str(Path(*path.parts[path.parts.index("staticfiles") + 1 :])) for path in names if "staticfiles" in path.parts
    }
    assert {"app.js", "local.js", "docs/index.html", "admin/css/base.css"} <= static
    (tmp_path / "docs/later.local").write_text("notes", encoding="utf-8")
    assert "../docs/later.local: git ignores it" in project.nox("-s", "freeze", "--", "--no-observe", ok=False)


TALKATIVE = {
    "pyproject.toml": """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "talkative"
version = "1"
[project.scripts]
talkative = "talkative:main"
[tool.setuptools]
packages = ["talkative"]
[tool.pystatic-tasks]
command = "talkative"
layout = "tree"
freeze.collect = ["talkative"]
smoke.env = { DATABASE = "$SHOP_DATABASE" }
""",
    "talkative/__init__.py": """
import os
from pathlib import Path
from urllib.parse import urlsplit

ADDRESS = os.environ.get("DATABASE", os.environ.get("SHOP_DATABASE", ""))
print("connecting to", ADDRESS, "with", urlsplit(ADDRESS).password)


def main():
    Path.home().joinpath("settings").write_text(ADDRESS)
""",
}


def test_no_value_of_the_callers_is_kept(tmp_path: Path) -> None:
    project = write_project(tmp_path, TALKATIVE, "talkative")
    password = secrets.token_hex(8)
    printed = project.nox("-s", "freeze", SHOP_DATABASE=f"postgresql://ada:{password}@db.example/shop")
    assert password not in printed
    kept = [path for path in (project.root / "build").rglob("*") if path.is_file()]
    assert [path for path in kept if password.encode() in path.read_bytes()] == []
    observed, analysed = (project.root / f"build/pystatic/talkative/{name}.log" for name in ("observed", "pyinstaller"))
    assert "connecting to *** with ***" in observed.read_text(encoding="utf-8")
    assert "connecting to *** with ***" in analysed.read_text(encoding="utf-8")


WRITING = {
    "pyproject.toml": """
[tool.pystatic-tasks]
script = "main.py"
name = "writing"
layout = "tree"
smoke.env = { TOKEN = "$SHOP_TOKEN" }
""",
    "main.py": """
import os, pathlib, sqlite3
STATE = pathlib.Path(__file__).parent / "state"
token = os.environ.get("TOKEN", "")
if token and not (STATE / "made.json").exists():
    (STATE / "made.json").write_text(token)
    with sqlite3.connect(STATE / "app.db") as database:
        database.execute("create table tokens(token)")
        database.execute("insert into tokens values(?)", (token,))
print(*sorted(path.read_bytes() for path in STATE.iterdir()))
""",
    "state/page.html": "page",
}


def test_what_the_program_writes_with_a_value_of_the_callers_gets_into_no_image(tmp_path: Path) -> None:
    project = write_project(tmp_path, WRITING, "writing")
    token = secrets.token_hex(8)
    # The second time all of it is there from the beginning.
    for _ in range(2):
        printed = project.nox("-s", "freeze", SHOP_TOKEN=token)
        assert "left out: state/app.db, state/made.json, which the program itself wrote; " in printed
        program = project.root / "build/pystatic/writing/tree"
        assert [path.name for path in program.rglob("state/*")] == ["page.html"]
        assert [path for path in program.rglob("*") if path.is_file() and token.encode() in path.read_bytes()] == []
    (project.root / "state/page.html").write_text(f"token {token}", encoding="utf-8")
    printed = project.nox("-s", "freeze", SHOP_TOKEN=token, ok=False)
    assert "  state/page.html: the value of your variable SHOP_TOKEN is in it\n" in printed
