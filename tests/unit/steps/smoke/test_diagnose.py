from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import FROZEN

from pystatic_tasks.config.model import Freeze, ImageConfig, ImageOptions, Service, Smoke, Staticx
from pystatic_tasks.errors import Repair
from pystatic_tasks.in_image.left_out import refuse_names
from pystatic_tasks.steps.manifest import write_manifest
from pystatic_tasks.steps.results import Slimmed
from pystatic_tasks.steps.slim_lock import write_lock
from pystatic_tasks.steps.smoke import diagnose as module
from pystatic_tasks.steps.smoke.diagnose import Advice, Diagnosis, diagnose, diagnose_all, find_library

NO_TMP = "The program cannot unpack itself into /tmp. Make /tmp writable: --tmpfs /tmp:exec,mode=1777."
READ_ONLY = (
    "The program writes temporary files, but its root is read-only: "
    "mount a writable /tmp where the image is deployed, and let smoke do so too."
)
NO_USABLE = "FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp']"
NO_ZONE = "zoneinfo._common.ZoneInfoNotFoundError: 'No time zone found with key Europe/Berlin'"
PORT = "The port in server.bind is in use where the program runs. Stop the program that uses it, or change server.bind."
ONEFILE = "/tmp/staticx-aBc/_MEI1a2B3c"
TREE = "/usr/local/lib/python3.13/site-packages"
LDCONFIG = """#!/bin/sh
[ "$*" = -p ] || exit 1
echo "2 libs found in cache"
printf '\\tlibgone.so.1 (libc6,x86-64) => {folder}/gone/libgone.so.1\\n'
printf '\\tlibxyz.so.10 (libc6,x86-64) => {folder}/libxyz.so.10\\n'
printf '\\tlibxyz.so.1 (libc6,x86-64) => {folder}/libxyz.so.1\\n'
"""


def make_image(root: Path = Path(), **freeze: Any) -> ImageConfig:
    return ImageConfig(root=root, project=root, name="shop", app="a:b", packer="staticx", freeze=Freeze(**freeze))


def a_file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x", encoding="utf-8")
    return path


@pytest.fixture
def image(tmp_path: Path) -> ImageConfig:
    """The image of a project that was frozen."""
    image = make_image(tmp_path / "shop")
    python = a_file(tmp_path / "environment/bin/python")
    (tmp_path / "environment/lib/python3.13/site-packages").mkdir(parents=True)
    write_manifest(image, replace(FROZEN, environment_python=python), inputs="", outputs=[])
    return image


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "environment/lib/python3.13/site-packages"


def advice(problem: str, key: str, *value: str) -> Advice:
    """The advice that ends in a line of configuration."""
    table, _, name = key.partition(".")
    shown = ", ".join(f'"{each}"' for each in value)
    return Advice(
        text=f"{problem} Add this to [tool.pystatic-tasks.{table}] in pyproject.toml, "
        f"or write it as {key} under [tool.pystatic-tasks]:\n"
        f"  {name} = [{shown}]\n"
        'Then run the session again, or let "nox -s smoke -- --fix" repair it.',
        repair=Repair(table=table, key=name, value=value),
    )


def switch(problem: str, key: str) -> Advice:
    """The advice to set a key to true."""
    table, _, name = key.partition(".")
    return Advice(
        text=f"{problem} Add this to [tool.pystatic-tasks.{table}] in pyproject.toml, "
        f"or write it as {key} under [tool.pystatic-tasks]:\n"
        f"  {name} = true\n"
        'Then run the session again, or let "nox -s smoke -- --fix" repair it.',
        repair=Repair(table=table, key=name, value=True),
    )


def opens(path: str) -> str:
    return f"FileNotFoundError: [Errno 2] No such file or directory: '{path}'\n"


@pytest.mark.parametrize(
    ("configured", "value"), [((), ["shop.plugins"]), (("a", "b.c"), ["a", "b.c", "shop.plugins"])]
)
def test_a_module_that_was_not_seen_gets_its_line_of_configuration(
    configured: tuple[str, ...], value: list[str]
) -> None:
    output = "Traceback (most recent call last):\nModuleNotFoundError: No module named 'shop.plugins'\n"
    problem = 'The program imports "shop.plugins" by name, which the analysis cannot see.'
    assert diagnose(make_image(hidden_imports=configured), output) == advice(problem, "freeze.hidden-imports", *value)


@pytest.mark.parametrize(("name", "module"), [("cp1251", "encodings.cp1251"), ("ISO-8859-15", "encodings.iso8859_15")])
def test_an_encoding_that_slim_left_out_gets_its_line(image: ImageConfig, name: str, module: str) -> None:
    write_lock(image, Slimmed(python="3.12", left_out={"standard library": (module,)}, kept={}))
    problem = f'The program uses the encoding "{name}", which pystatic.lock leaves out.'
    output = f"LookupError: unknown encoding: {name}\n"
    assert diagnose(image, output) == advice(problem, "slim.keep", module)
    assert diagnose(image, "LookupError: unknown encoding: cp1250\n") == Advice(text="")


def test_names_of_characters_that_slim_left_out_get_their_line(image: ImageConfig) -> None:
    with pytest.raises(RuntimeError) as caught:
        refuse_names("a")
    problem = "The program looks up names of characters, which pystatic.lock leaves out."
    assert diagnose(image, f"RuntimeError: {caught.value}\n") == advice(problem, "slim.keep", "unicodedata.names")


def test_what_is_configured_already_is_no_repair() -> None:
    image = make_image(hidden_imports=("a", "yaml"))
    assert diagnose(image, "No module named 'yaml'") == Advice(
        text='The program imports "yaml" by name, which the analysis cannot see. '
        'freeze.hidden-imports already names "yaml", but that is not enough: see the logs in build/pystatic/shop.'
    )


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("shop/plug_a.py", "plug_a"),
        ("shop/src/shop/plugins/__init__.py", "shop.plugins"),
        ("environment/lib/python3.13/site-packages/fast/_c.cpython-313.so", "fast._c"),
        ("x", "plistlib"),
    ],
)
def test_a_module_that_is_there_can_be_named(image: ImageConfig, tmp_path: Path, file: str, name: str) -> None:
    a_file(tmp_path / file)
    repair = diagnose(image, f"No module named '{name}'").repair
    assert repair == Repair(table="freeze", key="hidden-imports", value=(name,))


def test_a_script_may_import_what_lies_beside_it(image: ImageConfig) -> None:
    a_file(image.root / "jobs/helper.py")
    script = replace(image, app=None, script="jobs/run.py")
    assert diagnose(image, "No module named 'helper'").repair is None
    write_manifest(script, replace(FROZEN, environment_python=image.root / "x/y"), inputs="", outputs=[])
    (image.root / "lib/python3.13/site-packages").mkdir(parents=True)
    assert diagnose(script, "No module named 'helper'").repair is not None


def test_a_module_that_is_nowhere_is_not_named(image: ImageConfig) -> None:
    assert diagnose(image, "No module named 'yaml.x'") == Advice(
        text='The program imports "yaml.x", which is neither in the project nor in the build environment. '
        "Add the package that provides it to the project's dependencies."
    )


@pytest.fixture
def plugs(image: ImageConfig, site: Path) -> ImageConfig:
    """The image, with a package in its environment that loads modules by name."""
    for name in ("__init__", "a", "b", "c"):
        a_file(site / f"plugs/{name}.py")
    return image


SEVERAL = 'The program imports modules of "plugs" by name, which the analysis cannot see.'


@pytest.mark.parametrize("there", ["plugs.a", "plugs"])
def test_at_its_second_module_a_package_is_taken_whole(plugs: ImageConfig, there: str) -> None:
    image = replace(plugs, freeze=Freeze(hidden_imports=(there, "x"), collect=("y",)))
    assert diagnose(image, "No module named 'plugs.b'") == advice(SEVERAL, "freeze.collect", "y", "plugs")


def test_two_modules_of_one_package_in_one_log_have_it_taken_whole(plugs: ImageConfig) -> None:
    output = "No module named 'plugs.b'\nNo module named 'plistlib'\nNo module named 'plugs.c'\n"
    assert diagnose_all(plugs, output).repairs == (
        Repair(table="freeze", key="collect", value=("plugs",)),
        Repair(table="freeze", key="hidden-imports", value=("plistlib",)),
    )


def test_a_module_that_is_nowhere_is_no_second_one(plugs: ImageConfig) -> None:
    output = "No module named 'plugs.b'\nNo module named 'plugs.speedups'\n"
    assert diagnose_all(plugs, output).repairs == (Repair(table="freeze", key="hidden-imports", value=("plugs.b",)),)


def test_a_package_that_is_taken_whole_already_is_no_repair(plugs: ImageConfig) -> None:
    image = replace(plugs, freeze=Freeze(hidden_imports=("plugs.a",), collect=("plugs",)))
    assert diagnose(image, "No module named 'plugs.b'") == Advice(
        text=f'{SEVERAL} freeze.collect already names "plugs", but that is not enough: '
        "see the logs in build/pystatic/shop."
    )


@pytest.mark.parametrize(
    ("package", "file"), [("shop", "__init__.py"), ("shop", "_c.so"), ("spaces", "b.py"), ("plistlib", "x")]
)
def test_the_projects_own_modules_and_those_without_a_package_are_named_one_by_one(
    image: ImageConfig, site: Path, package: str, file: str
) -> None:
    a_file(site / package / file)
    for each in ("a", "b"):
        a_file(site / package / f"{each}.py")
    named = replace(image, freeze=Freeze(hidden_imports=(f"{package}.a",)))
    assert diagnose(named, f"No module named '{package}.b'").repair == Repair(
        table="freeze", key="hidden-imports", value=(f"{package}.a", f"{package}.b")
    )


@pytest.mark.parametrize(
    "line",
    [
        NO_USABLE,
        "OSError: [Errno 30] Read-only file system: '/tmp/cache.db'",
        "OSError: [Errno 30] Read-only file system: PosixPath('/tmp/cache.db')",
    ],
)
def test_temporary_files_get_their_line(line: str) -> None:
    assert diagnose(make_image(), line) == switch(READ_ONLY, "smoke.writable-tmp")


def test_a_writable_tmp_that_is_not_enough_is_told() -> None:
    image = replace(make_image(), smoke=Smoke(writable_tmp=True))
    assert diagnose(image, NO_USABLE) == Advice(
        text=f"{READ_ONLY} smoke.writable-tmp is already set, but that is not enough: "
        "see the logs in build/pystatic/shop."
    )


@pytest.mark.parametrize("written", ["'/var/lib/shop/orders.db'", "PosixPath('/var/lib/shop/orders.db')"])
def test_a_folder_that_is_written_to_may_be_a_volume(written: str) -> None:
    problem = 'The program writes "/var/lib/shop/orders.db", but its root is read-only: make that folder a volume.'
    line = f"OSError: [Errno 30] Read-only file system: {written}"
    assert diagnose(make_image(), line) == advice(problem, "image.volumes", "/var/lib/shop")


@pytest.mark.parametrize("path", ["/orders.db", f"{TREE}/shop/orders.db"])
def test_what_is_written_where_no_volume_can_be_needs_a_folder_of_its_own(path: str) -> None:
    assert diagnose(make_image(), f"OSError: [Errno 30] Read-only file system: '{path}'") == Advice(
        text=f'The program writes "{path}", but its root is read-only: '
        "let it write to its own folder, and add that folder to image.volumes."
    )


@pytest.mark.parametrize("line", ["unable to open database file", "attempt to write a readonly database"])
def test_a_database_that_cannot_be_written_is_told(line: str) -> None:
    assert diagnose(make_image(), f"sqlite3.OperationalError: {line}") == Advice(
        text="The program cannot write its SQLite database: its root is read-only. Put the database into a folder "
        "in image.volumes, or into /tmp with smoke.writable-tmp, and mount it where the image is deployed."
    )


@pytest.fixture
def zones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with one time zone."""
    a_file(tmp_path / "zoneinfo/Europe/Berlin")
    monkeypatch.setattr(module, "TIMEZONES", tmp_path / "zoneinfo")


@pytest.mark.usefixtures("zones")
def test_time_zones_get_their_line() -> None:
    problem = 'The program uses the time zone "Europe/Berlin", which is not in the image.'
    assert diagnose(make_image(), NO_ZONE) == switch(problem, "image.timezones")
    there = replace(make_image(), image=ImageOptions(timezones=True))
    assert diagnose(there, NO_ZONE) == Advice(
        text=f"{problem} image.timezones is already set, but that is not enough: see the logs in build/pystatic/shop."
    )


@pytest.mark.usefixtures("zones")
def test_a_time_zone_that_the_machine_lacks_is_no_repair() -> None:
    assert diagnose(make_image(), "No time zone found with key Europe/Bonn") == Advice(
        text='The program uses the time zone "Europe/Bonn", which is not in the image. '
        "This machine does not have it either. Correct the name, or add tzdata to the project's dependencies."
    )


@pytest.mark.parametrize(
    "line",
    [
        "importlib.metadata.PackageNotFoundError: No package metadata was found for shop-plugins",
        "pkg_resources.DistributionNotFound: The 'shop-plugins' distribution was not found and is required by",
        "pkg_resources.DistributionNotFound: The 'shop-plugins>=1.0' distribution was not found and is required by",
    ],
)
def test_metadata_that_was_not_seen_gets_its_line(image: ImageConfig, site: Path, line: str) -> None:
    problem = 'The program reads the metadata of "shop-plugins" by a name that the analysis cannot see.'
    wanted = advice(problem, "freeze.metadata", "shop-plugins")
    assert diagnose(make_image(), line) == wanted
    a_file(site / "Shop_Plugins-1.0.dist-info/METADATA")
    assert diagnose(image, line) == wanted


def test_metadata_of_what_is_not_installed_is_not_named(image: ImageConfig, site: Path) -> None:
    a_file(site / "falcon-4.0.dist-info/METADATA")
    assert diagnose(image, "No package metadata was found for shop-plugins\n") == Advice(
        text='The program reads the metadata of "shop-plugins", which is not installed in the build environment. '
        "Add it to the project's dependencies."
    )


@pytest.mark.parametrize("bundle", [ONEFILE, TREE])
@pytest.mark.parametrize(
    ("file", "inside", "entry"),
    [
        ("shop/rates.json", "shop/rates.json", "shop/rates.json:shop"),
        ("src/shop/rates.json", "shop/rates.json", "src/shop/rates.json:shop"),
        ("rates.json", "rates.json", "rates.json:."),
        ("config/größe 1.ini", "shop/../config/größe 1.ini", "config/größe 1.ini:config"),
        ("shop/data/a.csv", "shop/data", "shop/data:shop/data"),
    ],
)
def test_a_data_file_of_the_project_gets_its_line(
    image: ImageConfig, bundle: str, file: str, inside: str, entry: str
) -> None:
    a_file(image.project / file)
    opened = "config/größe 1.ini" if ".." in inside else inside
    problem = f'The program opens "{opened}", which is not in the image.'
    assert diagnose(image, opens(f"{bundle}/{inside}")) == advice(problem, "freeze.data", entry)


def test_a_path_object_is_read_too(image: ImageConfig) -> None:
    a_file(image.project / "rates.json")
    output = f'No such file or directory: PosixPath("{TREE}/rates.json")'
    assert diagnose(image, output).repair == Repair(table="freeze", key="data", value=("rates.json:.",))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (".env", "", "a file of variables"),
        ("settings.txt", f"-----BEGIN {'PRIVATE KEY'}-----\n{'MIIE' * 9}\n", "a private key"),
        ("built.css", "", "git ignores it"),
    ],
)
def test_what_the_program_opens_and_would_be_refused_is_left_to_a_person(
    image: ImageConfig, name: str, content: str, reason: str
) -> None:
    a_file(image.project / "src/shop" / name).write_text(content, encoding="utf-8")
    (image.project / ".gitignore").write_text("built.css\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", image.project], check=True)
    assert diagnose(image, opens(f"{TREE}/shop/{name}")) == Advice(
        text=f'The program opens "shop/{name}", which is not in the image. It would be refused ({reason}): '
        f'pass it to the program at run time, or list it in freeze.data yourself: "src/shop/{name}:shop".'
    )


def test_a_folder_of_templates_that_git_ignores_is_left_to_a_person(image: ImageConfig) -> None:
    a_file(image.project / "templates/notes/index.html")
    (image.project / ".gitignore").write_text("templates/\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", image.project], check=True)
    found = diagnose(image, TEMPLATE_LINES[0])
    assert found.repair is None
    assert "It would be refused (git ignores it): " in found.text


def test_where_git_fails_data_is_left_to_a_person(image: ImageConfig) -> None:
    a_file(image.project / "rates.json")
    a_file(image.project / ".git")
    assert (
        "It would be refused (git does not say whether it ignores it): "
        in diagnose(image, opens(f"{TREE}/rates.json")).text
    )


def test_data_is_named_from_the_root(image: ImageConfig) -> None:
    project = image.root.parent / "backend"
    a_file(project / "shop/rates.json")
    found = diagnose(replace(image, project=project), opens(f"{TREE}/shop/rates.json")).repair
    assert found == Repair(table="freeze", key="data", value=("../backend/shop/rates.json:shop",))


def test_a_data_file_of_another_package_has_it_collected(image: ImageConfig, site: Path) -> None:
    a_file(site / "phones/data/de.csv")
    problem = 'The program opens "phones/data/de.csv", which is not in the image.'
    assert diagnose(image, opens(f"{TREE}/phones/data/de.csv")) == advice(problem, "freeze.collect", "phones")


@pytest.mark.parametrize("inside", ["phones/data/de.csv", "../etc/x", "top.dat", "phones-1.0.dist-info/x"])
def test_a_data_file_that_is_nowhere_is_told(image: ImageConfig, site: Path, inside: str) -> None:
    a_file(image.project.parent / "etc/x")
    a_file(site / "top.dat")
    a_file(site / "phones-1.0.dist-info/x")
    assert diagnose(image, opens(f"{ONEFILE}/{inside}")) == Advice(
        text=f'The program opens "{inside}", which is not in the image. '
        "Neither the project nor the build environment has it there. "
        "Add its path to freeze.data, or let the program write it to a folder in image.volumes."
    )


def test_files_elsewhere_are_the_programs_own_affair(image: ImageConfig) -> None:
    a_file(image.project / "shop.db")
    assert diagnose(image, opens("/var/lib/shop.db") + opens("other.db")) == Advice(text="")


TEMPLATE_LINES = [
    "jinja2.exceptions.TemplateNotFound: notes/index.html",
    "jinja2.exceptions.TemplateNotFound: 'notes/index.html' not found in search path: 'templates'",
    "django.template.exceptions.TemplateDoesNotExist: notes/index.html",
    "django.template.exceptions.TemplateDoesNotExist: notes/index.html, notes/base.html",
]


@pytest.mark.parametrize("line", TEMPLATE_LINES)
@pytest.mark.parametrize(
    ("file", "entry"),
    [
        ("shop/templates/notes/index.html", "shop/templates:shop/templates"),
        ("src/shop/templates/notes/index.html", "src/shop/templates:shop/templates"),
        ("pages/notes/index.html", "pages:pages"),
    ],
)
def test_a_template_of_the_project_gets_its_folders_line(image: ImageConfig, line: str, file: str, entry: str) -> None:
    for other in ("dist/templates", "build/templates", ".cache/templates", "venv/templates", "a", "src", "."):
        a_file(image.project / other / "notes/index.html" if other != "a" else image.project / "a/index.html")
    a_file(image.project / "venv/pyvenv.cfg")
    a_file(image.project / "aa/notes/index.html" if "templates" in file else image.project / "b/index.html")
    a_file(image.project / file)
    problem = 'The program looks for the template "notes/index.html", which is not in the image.'
    assert diagnose(image, line) == advice(problem, "freeze.data", entry)


def test_a_template_of_another_package_has_it_collected(image: ImageConfig, site: Path) -> None:
    a_file(site / "forms/themes/notes/index.html")
    problem = 'The program looks for the template "notes/index.html", which is not in the image.'
    assert diagnose(image, TEMPLATE_LINES[0]) == advice(problem, "freeze.collect", "forms")


def test_a_template_that_is_nowhere_is_told(image: ImageConfig) -> None:
    assert diagnose(image, TEMPLATE_LINES[0]) == Advice(
        text='The program looks for the template "notes/index.html", which is not in the image. '
        "Neither the project nor the build environment has a folder with it. Add its path to freeze.data."
    )


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the libraries of this machine, as its ldconfig lists them."""
    folder = tmp_path / "libraries"
    for name in ("ldconfig", "libxyz.so.1", "libxyz.so.10"):
        a_file(folder / name)
    (folder / "ldconfig").write_text(LDCONFIG.format(folder=folder), encoding="utf-8")
    (folder / "ldconfig").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def test_a_library_of_the_machine_gets_its_line(libraries: Path) -> None:
    image = replace(make_image(), staticx=Staticx(libraries=("/lib/a.so",)))
    output = "OSError: libxyz.so.1: cannot open shared object file: No such file or directory"
    problem = 'The program opens the shared library "libxyz.so.1" by name, which the analysis cannot see.'
    wanted = advice(problem, "staticx.libraries", "/lib/a.so", f"{libraries}/libxyz.so.1")
    assert diagnose(image, output) == wanted
    assert diagnose(image, output.replace("libxyz", "/opt/x/libxyz")) == wanted


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("name", ["libgone.so.1", "libother.so", "libxyz.so"])
def test_a_library_that_is_not_there_is_to_be_installed(name: str) -> None:
    assert diagnose(make_image(), f"OSError: {name}: cannot open shared object file") == Advice(
        text=f'The program opens the shared library "{name}", which is not on this machine. '
        "Install the package that provides it."
    )


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("Error: Port 8000 of 0.0.0.0 is in use. Stop the program that holds it.", PORT.replace(".bind", ".port")),
        (
            "ERROR:    Child process [9] ended with code -9",
            "A worker was killed, most likely because it used too much memory. Raise smoke.memory.",
        ),
        ("[ERROR] Connection in use: ('0.0.0.0', 8000)", ""),
    ],
)
def test_each_server_knows_its_own_log(output: str, text: str) -> None:
    assert diagnose(replace(make_image(), server={"kind": "uvicorn"}), output) == Advice(text=text)


def test_the_machines_own_libraries_are_found(libraries: Path) -> None:
    (libraries / "ldconfig").unlink()
    assert Path(find_library("libc.so.6")).is_file()


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("Error: Port 8000 of 0.0.0.0 is in use. Stop the program that holds it.", PORT),
        ("[ERROR] Connection in use: ('0.0.0.0', 8000)", PORT),
        ("Failed to execv() /tmp/staticx-abc/shop: Permission denied", NO_TMP),
        ("[7] Could not create temporary directory!", NO_TMP),
        ("shop: Failed to create temporary directory in /tmp", NO_TMP),
        ("ValueError: Failed to create database", ""),
        (
            "RuntimeError: Directory 'static' does not exist",
            'The program serves files from "static", relative to its working directory, which is "/" in the image. '
            "Build the path from __file__ in the code, or add this to "
            '[tool.pystatic-tasks.image.files] in pyproject.toml:\n  "/static" = "static"',
        ),
        (
            "Error: Port 80 of 0.0.0.0 is not allowed to this user. Set PORT to one above 1023.",
            "Only root may listen there. Set a port above 1023 in server.bind, and map it where the image is deployed.",
        ),
        (
            "[ERROR] Worker (pid:9) was sent SIGKILL! Perhaps out of memory?",
            "A worker was killed, most likely because it used too much memory. Raise smoke.memory.",
        ),
        ("[INFO] Shutting down: Master", ""),
        ("", ""),
    ],
)
def test_the_log_says_what_to_do(output: str, text: str) -> None:
    assert diagnose(make_image(), output) == Advice(text=text)


@pytest.mark.parametrize(
    "output",
    [
        "Error: Config file 'mkdocs.yml' does not exist.",
        "FileNotFoundError: [Errno 2] No such file or directory: 'mkdocs.yml'",
        "FileNotFoundError: [Errno 2] No such file or directory: PosixPath('./mkdocs.yml')",
        """Config value 'x': The path "/mkdocs.yml" isn't an existing file.""",
        "Error: Invalid value: File 'mkdocs.yml' not found",
        "Could not find 'mkdocs.yml'. Ensure that it is there.",
        'Error: unable to read config file: "mkdocs.yml"',
    ],
)
def test_what_is_read_in_the_current_folder_is_told(image: ImageConfig, output: str) -> None:
    assert diagnose(image, output) == Advice(text="")
    a_file(image.project / "mkdocs.yml")
    assert diagnose(image, output) == Advice(
        text='The program reads "mkdocs.yml" in its current folder, which is "/" in the image. '
        "Build the path from __file__ in the code, or add this to "
        "[tool.pystatic-tasks.image.files] in pyproject.toml:\n"
        '  "/mkdocs.yml" = "mkdocs.yml"'
    )


def test_a_secret_in_the_current_folder_is_not_to_be_added(image: ImageConfig) -> None:
    a_file(image.project / ".env.prod")
    found = diagnose(image, "No such file or directory: '.env.prod'").text
    assert "It would be refused (" in found
    assert "pass it to the program at run time, or list it in image.files yourself:" in found


@pytest.mark.parametrize("name", ["../mkdocs.yml", "/", ".", "/usr/share/nothing"])
def test_what_the_project_does_not_have_is_not_taken_for_its_own(image: ImageConfig, name: str) -> None:
    assert diagnose(image, f"No such file or directory: '{name}'") == Advice(text="")


def test_a_service_that_does_not_listen_is_told() -> None:
    output = 'connection to server at "127.0.0.1", port 5432 failed: Connection refused'
    assert diagnose(make_image(), output) == Advice(
        text="The program connects to an address where nothing listens. If it needs a service on this machine, such as "
        "a database, declare it in [[tool.pystatic-tasks.services]] to have it started."
    )
    service = Service(name="postgresql", command=("sh", "postgresql.sh"), port=15432)
    assert diagnose(replace(make_image(), services=(service,)), output) == Advice(
        text="The program connects to an address where nothing listens. Check whether it is that of one of its "
        "services (postgresql at 127.0.0.1:15432), and read their logs in build/pystatic/shop."
    )


def test_a_missing_module_is_told_before_what_follows_from_it() -> None:
    output = "Worker (pid:9) was sent SIGKILL!\nModuleNotFoundError: No module named 'yaml'\n"
    assert '"yaml"' in diagnose(make_image(), output).text


def test_what_can_be_repaired_is_told_before_what_cannot(image: ImageConfig) -> None:
    a_file(image.project / "rates.json")
    output = "No module named 'speedups'\nNo module named 'more'\n" + opens(f"{TREE}/rates.json")
    assert diagnose(image, output).repair == Repair(table="freeze", key="data", value=("rates.json:.",))
    a_file(image.project / "more.py")
    assert diagnose(image, output).repair == Repair(table="freeze", key="hidden-imports", value=("more",))


def test_all_that_can_be_repaired_is_told_at_once() -> None:
    output = "No module named 'b'\nNo module named 'a'\nNo package metadata was found for six\nwas sent SIGKILL\n"
    output += f"{NO_USABLE}\n"
    assert diagnose_all(make_image(hidden_imports=("x",)), output) == Diagnosis(
        text='The program imports "b" by name, which the analysis cannot see.\n'
        'The program imports "a" by name, which the analysis cannot see.\n'
        'The program reads the metadata of "six" by a name that the analysis cannot see.\n'
        f"{READ_ONLY}\n"
        "Add this to [tool.pystatic-tasks] in pyproject.toml:\n"
        '  freeze.hidden-imports = ["x", "b", "a"]\n'
        '  freeze.metadata = ["six"]\n'
        "  smoke.writable-tmp = true\n"
        'Then run the session again, or let "nox -s smoke -- --fix" repair it.',
        repairs=(
            Repair(table="freeze", key="hidden-imports", value=("x", "b", "a")),
            Repair(table="freeze", key="metadata", value=("six",)),
            Repair(table="smoke", key="writable-tmp", value=True),
        ),
    )


@pytest.mark.parametrize("output", ["No module named 'b'", "was sent SIGKILL", ""])
def test_one_finding_is_told_as_it_is(output: str) -> None:
    advice = diagnose(make_image(), output)
    repairs = (advice.repair,) if advice.repair else ()
    assert diagnose_all(make_image(), output) == Diagnosis(text=advice.text, repairs=repairs)
