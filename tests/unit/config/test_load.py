from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support import validate

from pystatic_tasks.config import ImageConfig, load_config
from pystatic_tasks.config.load import pick_image
from pystatic_tasks.config.project import read_pyproject
from pystatic_tasks.errors import ConfigError

KEYS = (
    "app, build, command, freeze, groups, image, install, layout, locked, max-compressed-size, max-size, name, "
    "observe, packer, python, requirements, script, server, services, slim, smoke, staticx"
)
NOT_A_NAME = "is not a valid image name; use lower-case letters, digits and single '-', '_' or '.' between them"
NOT_A_SIZE = 'is not a valid size; write a number and a unit, such as "9MB"'
NOT_A_TAG = 'is not a valid tag; use a tag such as "1.4" or a reference such as "registry.example/shop:1.4"'
NOT_A_TARGET = 'is not a valid target; write "package.module:callable" or "package.module:factory()"'
NOT_A_SOURCE = "is not a valid path; it is too long or has a control character"
NOT_A_REQUIREMENT = "is not a valid requirement; it is too long or has a control character"
NOT_A_USER = 'must be numeric, such as "65535:65535", so that Kubernetes can tell that it is not root'
NOT_READ = "is not read; did you mean [tool.pystatic-tasks]?"
NO_TARGET = 'app: missing; set what to serve, such as app = "package.module:callable"'
ONE_TABLE_EACH = "must contain one table for each image, such as [tool.pystatic-tasks.images.web]"
SHOP = '[project]\nname = "shop"\n[tool.pystatic-tasks]\napp = "shop:app"\n'


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def load(folder: Path, text: str, **sources: Mapping[str, Any]) -> ImageConfig:
    """The one image of a right configuration, which the schema takes too."""
    (image,) = load_config(write(folder, text), **sources)
    validate(read_pyproject(folder), "pyproject.schema.json")
    return image


def refused(folder: Path, text: str, **sources: Mapping[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(write(folder, text), **sources)
    return str(caught.value)


def one_problem(folder: Path, line: str) -> str:
    path = folder / "pyproject.toml"
    return f"1 problem in the configuration of {path}:\n  {line}\nCorrect the lines above and try again."


def test_one_line_is_a_whole_configuration(tmp_path: Path) -> None:
    image = load(tmp_path, SHOP)
    expected = ImageConfig(root=tmp_path, project=tmp_path, project_name="shop", name="shop", app="shop:app")
    assert image == expected


def test_every_table_is_read(tmp_path: Path) -> None:
    image = load(
        tmp_path,
        SHOP
        + """
        layout = "tree"
        max-size = "8.5MB"
        max-compressed-size = "4MB"
        python = "3.12"
        groups = ["web"]
        server.workers = 4
        freeze.hidden-imports = ["shop.plugins"]
        staticx.libraries = ["/usr/lib/libnss_dns.so.2"]
        image.tags = ["1.4", "registry.example/shop"]
        image.user = "1000"
        image.ports = [8080]
        smoke.timeout = 5
        smoke.memory = "64MiB"
        smoke.requests = [{ path = "/health", status = 204 }]
        """,
    )
    assert (image.layout, image.max_size, image.max_compressed_size) == ("tree", 8_500_000, 4_000_000)
    assert (image.python, image.groups) == ("3.12", ("web",))
    assert image.server == {"workers": 4}
    assert image.freeze.hidden_imports == ("shop.plugins",)
    assert image.freeze.optimize == 2
    assert image.staticx.libraries == ("/usr/lib/libnss_dns.so.2",)
    assert image.references == ("shop:1.4", "registry.example/shop:latest")
    assert (image.image.user, image.image.ports) == ("1000:1000", (8080,))
    assert (image.smoke.timeout, image.smoke.memory) == (5.0, 67_108_864)
    assert [(each.path, each.status) for each in image.smoke.requests] == [("/health", 204)]


def test_without_a_file_the_message_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert str(caught.value) == (
        f"There is no pyproject.toml in {tmp_path}.\n"
        'Run pystatic init, or create one with at least [tool.pystatic-tasks] and app = "package.module:callable".'
    )


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path, "= 3") == (
        f"{tmp_path / 'pyproject.toml'} is not valid TOML: Invalid statement (at line 1, column 1).\nCorrect the file."
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('ap = "x"', 'tool.pystatic-tasks.ap: unknown key; did you mean "app"?'),
        ('max_size = "9MB"', 'tool.pystatic-tasks.max_size: unknown key; did you mean "max-size"?'),
        ("freeze.exclude = []", 'tool.pystatic-tasks.freeze.exclude: unknown key; did you mean "excludes"?'),
        (
            "smoke.requests = [{ pth = 3 }]",
            'tool.pystatic-tasks.smoke.requests[0].pth: unknown key; did you mean "path"?',
        ),
        ("zzz = 3", f"tool.pystatic-tasks.zzz: unknown key; available: {KEYS}"),
        ("root = 3", f"tool.pystatic-tasks.root: unknown key; available: {KEYS}"),
        ('"größe" = 3', f"tool.pystatic-tasks.größe: unknown key; available: {KEYS}"),
        ("staticx.x = 3", "tool.pystatic-tasks.staticx.x: unknown key; available: libraries, strip"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_or_all(tmp_path: Path, text: str, line: str) -> None:
    assert refused(tmp_path, SHOP + text) == one_problem(tmp_path, line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name = 3", "name = 3: must be a string"),
        ("freeze.strip = 'yes'", 'freeze.strip = "yes": must be true or false'),
        ("image.env = 3", "image.env = 3: must be a table of strings"),
        ("smoke.requests = [3]", "smoke.requests[0] = 3: must be a table"),
    ],
)
def test_a_wrong_type_is_named_with_the_right_one(tmp_path: Path, text: str, line: str) -> None:
    assert refused(tmp_path, SHOP + text) == one_problem(tmp_path, f"tool.pystatic-tasks.{line}")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("max-size = 'big'", f'max-size = "big": {NOT_A_SIZE}'),
        ("max-size = 0", f"max-size = 0: {NOT_A_SIZE}"),
        ("max-compressed-size = 'big'", f'max-compressed-size = "big": {NOT_A_SIZE}'),
        ("smoke.memory = '1XB'", f'smoke.memory = "1XB": {NOT_A_SIZE}'),
        ("name = 'Shop'", f'name = "Shop": {NOT_A_NAME}'),
        ("name = ''", f'name = "": {NOT_A_NAME}'),
        ("freeze.optimize = 3", "freeze.optimize = 3: must be 0, 1 or 2"),
        (
            "freeze.data = ['x']",
            'freeze.data[0] = "x": must be "SOURCE:FOLDER", such as "templates:templates"',
        ),
        (
            "freeze.data = ['x:../y']",
            "freeze.data[0] = \"x:../y\": must end in a folder inside the program, without a leading '/' or '..'",
        ),
        ("image.tags = ['a b']", f'image.tags[0] = "a b": {NOT_A_TAG}'),
        (
            "image.user = 'root'",
            'image.user = "root": must be numeric, such as "65535:65535", '
            "so that Kubernetes can tell that it is not root",
        ),
        ("image.user = '0:0'", 'image.user = "0:0": is root, which is not allowed; choose another user'),
        (
            "image.user = '4294967295'",
            'image.user = "4294967295": is out of range; the largest user or group number is 4294967294',
        ),
        ("image.ports = [80, 0]", "image.ports[1] = 0: is not a valid port; ports range from 1 to 65535"),
        ("image.healthcheck = 'health'", 'image.healthcheck = "health": must begin with "/"'),
        ("smoke.requests = [{}, { path = 'x' }]", 'smoke.requests[1].path = "x": must begin with "/"'),
        (
            "image.files = { x = 'y' }",
            "image.files = {'x': 'y'}: 'x' must be the absolute path of a file in the image, without '..'",
        ),
        ("image.tags = ['x/y@sha256:abc']", f'image.tags[0] = "x/y@sha256:abc": {NOT_A_TAG}'),
        ("image.env = { '' = 'x' }", "image.env = {'': 'x'}: '' is not a valid variable name"),
        (
            "image.volumes = ['data']",
            'image.volumes[0] = "data": must be the absolute path of a folder in the image, such as "/data"',
        ),
        (
            "services = [{ name = 'My SQL', command = ['x'], port = 3306 }]",
            'services[0].name = "My SQL": is not a valid service name; '
            "use lower-case letters, digits and single '-', '_' or '.' between them",
        ),
        (
            "services = [{ name = 'mysql', command = ['x'], port = 0 }]",
            "services[0].port = 0: is not a valid port; ports range from 1 to 65535",
        ),
        (
            "services = [{ name = 'mysql', command = ['x'], port = 3306, timeout = 0 }]",
            "services[0].timeout = 0: must be a number of seconds above 0 and at most 86400",
        ),
        (
            "services = [{ name = 'mysql', command = ['x'] }]",
            "services[0].port: missing; required: name, command, port",
        ),
        (
            "services = [{ name = 'mysql', command = [], port = 1 }]",
            "services[0].command = []: must have at least one item",
        ),
        (
            "services = [{ name = 'a', command = ['x'], port = 1 }, { name = 'b', command = ['x'], port = 1 }]",
            "services: 2 services have port = 1; give each its own",
        ),
        (
            "services = [{ name = 'a', command = ['x'], port = 1 }, { name = 'a', command = ['x'], port = 2 }]",
            'services: 2 services have name = "a"; give each its own',
        ),
        (
            "services = [{ name = 'a', command = ['a'], port = 1 }, { name = 'b', command = ['/'], port = 2 }]",
            'services[1].command[0] = "/": is not a program',
        ),
        (
            "services = [{ name = 'a', command = ['', 'x'], port = 1 }]",
            'services[0].command[0] = "": is not a program',
        ),
        ("smoke.exit-code = 256", "smoke.exit-code = 256: is not a valid exit code; use a number from 0 to 255"),
        ("smoke.timeout = nan", "smoke.timeout = nan: must be a number of seconds above 0 and at most 86400"),
        (
            "smoke.requests = [{ path = '/a b' }]",
            'smoke.requests[0].path = "/a b": must not contain spaces or non-ASCII characters; write "%20" for a space',
        ),
        (
            "smoke.requests = [{ status = 99 }]",
            "smoke.requests[0].status = 99: is not a valid HTTP status; use a number from 100 to 599",
        ),
        (
            "smoke.requests = [{ headers = { 'A B' = 'x' } }]",
            "smoke.requests[0].headers = {'A B': 'x'}: 'A B' is not a valid HTTP header",
        ),
        (
            "smoke.requests = [{ json = 2026-01-01 }]",
            "smoke.requests[0].json = 2026-01-01: must contain only strings, numbers, booleans, lists and tables",
        ),
        (
            "server.x = 12:00:00",
            "server = {'x': datetime.time(12, 0)}: must contain only strings, numbers, booleans, lists and tables",
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path: Path, text: str, line: str) -> None:
    assert refused(tmp_path, SHOP + text) == one_problem(tmp_path, f"tool.pystatic-tasks.{line}")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"smoke.port = {2**63}", "smoke.port: has a whole number of more than 64 bits"),
        (f"server.x = [{{ y = -{2**63 + 1} }}]", "server: has a whole number of more than 64 bits"),
        (f"smoke.timeout = {'9' * 400}", "smoke.timeout: has a whole number of more than 64 bits"),
        ("smoke.timeout = 1e400", "smoke.timeout = inf: must be a number of seconds above 0 and at most 86400"),
        (f"image.tags = ['{'x' * 5000}']", f'image.tags[0] = "{"x" * 100}…": {NOT_A_TAG}'),
        (f"script = '{'x' * 5000}'", f'script = "{"x" * 100}…": {NOT_A_SOURCE}'),
        (f"install = ['./{'x' * 5000}']", f'install[0] = "./{"x" * 98}…": {NOT_A_REQUIREMENT}'),
        (f"'{'x' * 5000}' = 3", f"{'x' * 100}…: unknown key; available: {KEYS}"),
        ('"a\\nb" = 3', f"a\\nb: unknown key; available: {KEYS}"),
        ('image.user = "a\\nb"', f'image.user = "a\\nb": {NOT_A_USER}'),
    ],
)
def test_what_is_huge_or_not_to_be_seen_is_told_in_one_line(tmp_path: Path, text: str, line: str) -> None:
    assert refused(tmp_path, SHOP + text) == one_problem(tmp_path, f"tool.pystatic-tasks.{line}")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"x = {'9' * 5000}", "it has a number with thousands of digits"),
        (f"x = {'[' * 1000}{']' * 1000}", "it nests tables and lists more than 100 levels deep"),
        (f"x = {'[' * 101}{']' * 101}", "it nests tables and lists more than 100 levels deep"),
        (f"{'.'.join('a' * 1000)} = 1", "it nests tables and lists more than 100 levels deep"),
    ],
)
def test_a_file_that_nobody_means_is_told_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    assert refused(tmp_path, text) == f"{tmp_path / 'pyproject.toml'} is not valid TOML: {why}.\nCorrect the file."


def test_a_call_may_nest_no_deeper_than_a_file(tmp_path: Path) -> None:
    nested: Any = 1
    for _ in range(1000):
        nested = [nested]
    assert refused(tmp_path, SHOP, overrides={"server": {"x": nested}}) == one_problem(
        tmp_path, "register(): server: nests tables and lists more than 100 levels deep"
    )


def test_a_variable_that_is_no_text_is_told(tmp_path: Path) -> None:
    found = refused(tmp_path, SHOP, environment={"PYSTATIC_TASKS_SCRIPT": "\udcff.py", "PYSTATIC_TASKS_\udcff": ""})
    assert "PYSTATIC_TASKS_SCRIPT: has a string that is not valid Unicode\n" in found
    assert "PYSTATIC_TASKS_\\udcff: unknown variable; available:" in found


def test_a_variable_of_thousands_of_digits_is_no_number(tmp_path: Path) -> None:
    found = refused(tmp_path, SHOP, environment={"PYSTATIC_TASKS_SMOKE_PORT": "9" * 5000})
    assert found == one_problem(tmp_path, f'PYSTATIC_TASKS_SMOKE_PORT = "{"9" * 100}…": must be a whole number')


def test_more_problems_than_anybody_reads_are_counted(tmp_path: Path) -> None:
    lines = refused(tmp_path, SHOP + f"image.ports = {[0] * 1000}").splitlines()
    assert (lines[0].partition(" ")[0], len(lines), lines[-2]) == ("1000", 53, "  and 950 more")


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    entry = "/".join([*["x" * 200] * 20, "x" * 70])
    found = refused(tmp_path, SHOP, overrides={"install": [f"./{entry}"]})
    assert found.endswith(": File name too long.\nCorrect the path.")


@pytest.mark.parametrize("name", ["environments", "Environments"])
def test_a_project_whose_name_is_none_for_an_image_is_told(tmp_path: Path, name: str) -> None:
    text = f'[project]\nname = "{name}"\n[tool.pystatic-tasks]\napp = "x:y"\n'
    assert refused(tmp_path, text) == one_problem(
        tmp_path,
        'tool.pystatic-tasks.name: missing, and the project\'s name, "environments", is reserved for something beside '
        "the program, such as image.tar; choose another name",
    )


@pytest.mark.parametrize("text", ["", "[tool.pystatic-tasks]\n", "[tool.pystatic-tasks]\nscript = ''\n", "[tool.x]\n"])
def test_without_a_target_the_message_says_what_to_write(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, text) == one_problem(tmp_path, f"tool.pystatic-tasks.{NO_TARGET}")


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("script = 'run.py'", "app and script"),
        ("command = 'shop'", "app and command"),
        ("script = 'run.py'\ncommand = 'shop'", "app and script and command"),
    ],
)
def test_two_targets_exclude_each_other(tmp_path: Path, text: str, given: str) -> None:
    line = f"tool.pystatic-tasks: {given} are mutually exclusive; keep one"
    assert refused(tmp_path, SHOP + text) == one_problem(tmp_path, line)


@pytest.mark.parametrize("text", ["script = 'run.py'", "command = 'shop'"])
def test_a_script_or_a_command_is_a_target_too(tmp_path: Path, text: str) -> None:
    image = load(tmp_path, f"[tool.pystatic-tasks]\n{text}\n")
    assert (image.app, image.script or image.command) == (None, text.partition("'")[2].rstrip("'"))


def test_all_problems_are_reported_at_once_each_with_its_source(tmp_path: Path) -> None:
    text = SHOP + "x = 1\nimage.ports = [0]\n[pystatic]\n"
    sources: dict[str, Mapping[str, Any]] = {
        "overrides": {"max_siz": 3},
        "environment": {"PYSTATIC_TASKS_FREEZE_OPTIMIZE": "9"},
        "options": {"layout": "flat"},
    }
    assert refused(tmp_path, text, **sources) == (
        f"6 problems in the configuration of {tmp_path / 'pyproject.toml'}:\n"
        f"  [pystatic] {NOT_READ}\n"
        f"  tool.pystatic-tasks.x: unknown key; available: {KEYS}\n"
        "  tool.pystatic-tasks.image.ports[0] = 0: is not a valid port; ports range from 1 to 65535\n"
        '  register(): max-siz: unknown key; did you mean "max-size"?\n'
        "  PYSTATIC_TASKS_FREEZE_OPTIMIZE = 9: must be 0, 1 or 2\n"
        '  --layout = "flat": must be one of "onefile", "tree"\n'
        "Correct the lines above and try again."
    )


# The cascade.

TAGS = """
[tool.pystatic-tasks]
app = "shop:app"
image.tags = ["file"]
[tool.pystatic-tasks.images.web]
image.tags = ["own"]
"""


@pytest.mark.parametrize(
    ("text", "sources", "tag"),
    [
        (SHOP, 0, "latest"),
        (SHOP + "image.tags = ['file']", 0, "file"),
        (TAGS, 0, "own"),
        (TAGS, 1, "register"),
        (TAGS, 2, "variable"),
        (TAGS, 3, "option"),
    ],
)
def test_what_is_nearer_to_the_call_wins(tmp_path: Path, text: str, sources: int, tag: str) -> None:
    every: list[tuple[str, Mapping[str, Any]]] = [
        ("overrides", {"image": {"tags": ["register"]}}),
        ("environment", {"PYSTATIC_TASKS_IMAGE_TAGS": "variable"}),
        ("options", {"image": {"tags": ["option"]}}),
    ]
    assert load(tmp_path, text, **dict(every[:sources])).image.tags == (tag,)


def test_tables_are_merged_key_by_key_and_lists_are_replaced(tmp_path: Path) -> None:
    image = load(
        tmp_path,
        SHOP + "freeze.excludes = ['tkinter']\nfreeze.strip = false\nimage.env = { A = 'file', B = 'file' }",
        overrides={"freeze": {"excludes": ["sqlite3"]}, "image": {"env": {"B": "register"}}},
        environment={"PYSTATIC_TASKS_FREEZE_OPTIMIZE": "0"},
    )
    assert (image.freeze.excludes, image.freeze.strip, image.freeze.optimize) == (("sqlite3",), False, 0)
    assert image.image.env == {"A": "file", "B": "register"}


def test_services_are_those_of_whoever_is_nearest_to_the_call(tmp_path: Path) -> None:
    text = SHOP + "services = [{ name = 'cache', command = ['redis-server', '--port', '6400'], port = 6400 }]"
    [service] = load(tmp_path, text).services
    assert (service.name, service.command, service.port) == ("cache", ("redis-server", "--port", "6400"), 6400)
    other = {"services": [{"name": "other", "command": ["sh", "other.sh"], "port": 1}]}
    assert [each.name for each in load(tmp_path, text, overrides=other).services] == ["other"]
    assert load(tmp_path, text, overrides={"services": []}).services == ()


def test_the_process_environment_is_read_only_where_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSTATIC_TASKS_APP", "other:app")
    assert load(tmp_path, SHOP).app == "shop:app"


# Several images.

TWO = """
[tool.pystatic-tasks]
max-size = "9MB"
[tool.pystatic-tasks.images.web]
app = "shop:app"
[tool.pystatic-tasks.images.worker]
script = "worker.py"
max-size = "5MB"
"""


def test_each_table_under_images_is_an_image_of_its_name(tmp_path: Path) -> None:
    web, worker = load_config(write(tmp_path, TWO))
    assert (web.name, web.app, web.script, web.max_size) == ("web", "shop:app", None, 9_000_000)
    assert (worker.name, worker.app, worker.script, worker.max_size) == ("worker", None, "worker.py", 5_000_000)
    assert web.references == ("web:latest",)


def test_a_name_of_its_own_wins_over_that_of_the_table(tmp_path: Path) -> None:
    (image,) = load_config(write(tmp_path, "[tool.pystatic-tasks.images.web]\nname = 'shop-web'\napp = 'shop:app'\n"))
    assert image.name == "shop-web"


@pytest.mark.parametrize("overrides", [{}, {"name": "shop"}])
def test_several_images_cannot_have_one_name(tmp_path: Path, overrides: dict[str, str]) -> None:
    text = TWO if overrides else TWO.replace("max-size = ", "name = 'shop'\nmax-size = ", 1)
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text), overrides=overrides)
    line = "name: several images cannot share one name; set it for each under [tool.pystatic-tasks.images]"
    assert line in caught.value.details


@pytest.mark.parametrize("name", ["../x", "we b", "Web", ""])
def test_a_table_of_an_image_is_called_as_an_image_may_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, f"[tool.pystatic-tasks.images.'{name}']\napp = 'shop:app'\n"))
    [line] = caught.value.details
    assert line.startswith(f'tool.pystatic-tasks.images.{name}: "{name}" is not a valid image name; use lower-case')


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, TWO + "[tool.pystatic-tasks.images.other]\nname = 'web'\napp = 'shop:app'\n"))
    assert caught.value.details == ('name = "web": 2 images have this name; give each its own',)


def test_a_stronger_target_replaces_a_weaker_one_of_another_kind(tmp_path: Path) -> None:
    [image] = load_config(write(tmp_path, SHOP), environment={"PYSTATIC_TASKS_SCRIPT": "job.py"})
    assert (image.app, image.script) == (None, "job.py")


def test_images_share_nothing_but_the_common_keys(tmp_path: Path) -> None:
    text = TWO + "[tool.pystatic-tasks.images.worker.image.env]\nA = '1'\n"
    web, worker = load_config(write(tmp_path, text))
    assert (web.image.env, worker.image.env) == ({}, {"A": "1"})


def test_overrides_go_to_all_images(tmp_path: Path) -> None:
    images = load_config(write(tmp_path, TWO), overrides={"max_size": "1MB"})
    assert [each.max_size for each in images] == [1_000_000, 1_000_000]


def test_an_empty_table_of_images_leaves_the_single_one(tmp_path: Path) -> None:
    assert load(tmp_path, SHOP + "[tool.pystatic-tasks.images]\n").name == "shop"


@pytest.mark.parametrize("text", ["images = 3", "images = ['web']", "images.web = 'x'", "images.web = [{}]"])
def test_images_must_be_tables(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, SHOP + text) == one_problem(tmp_path, f"tool.pystatic-tasks.images: {ONE_TABLE_EACH}")


def test_a_problem_in_one_image_names_its_table(tmp_path: Path) -> None:
    text = TWO + "image.ports = [0]\nimages = {}\n"
    assert refused(tmp_path, text) == (
        f"2 problems in the configuration of {tmp_path / 'pyproject.toml'}:\n"
        "  tool.pystatic-tasks.images.worker.image.ports[0] = 0: is not a valid port; ports range from 1 to 65535\n"
        '  tool.pystatic-tasks.images.worker.images: unknown key; did you mean "image"?\n'
        "Correct the lines above and try again."
    )


def test_an_image_without_a_target_is_named(tmp_path: Path) -> None:
    text = TWO + "[tool.pystatic-tasks.images.cron]\n"
    assert refused(tmp_path, text) == one_problem(tmp_path, f"tool.pystatic-tasks.images.cron.{NO_TARGET}")


def test_an_image_with_two_targets_is_named(tmp_path: Path) -> None:
    line = "tool.pystatic-tasks.images.worker: script and command are mutually exclusive; keep one"
    assert refused(tmp_path, TWO + "command = 'shop'\n") == one_problem(tmp_path, line)


# The project, its name and what is installed.


@pytest.mark.parametrize(
    ("project", "name"),
    [("shop", "shop"), ("My_Shop.Web", "my-shop-web"), ("A--B", "a-b"), ("__", "app"), ("größe", "gr-e")],
)
def test_the_name_is_the_projects_as_an_image_may_have_it(tmp_path: Path, project: str, name: str) -> None:
    image = load(tmp_path, f'[project]\nname = "{project}"\n[tool.pystatic-tasks]\napp = "shop:app"\n')
    assert (image.name, image.project_name) == (name, project)


def test_without_a_project_the_folder_gives_the_name(tmp_path: Path) -> None:
    image = load(tmp_path / "My Shop", '[tool.pystatic-tasks]\napp = "shop:app"\n')
    assert (image.name, image.project_name) == ("my-shop", "")


def test_the_project_named_in_install_gives_the_name(tmp_path: Path) -> None:
    backend = write(tmp_path / "backend", '[project]\nname = "shop-backend"\n')
    image = load(tmp_path, SHOP + 'install = ["gevent", "./backend[web]"]\n')
    assert (image.name, image.project_name, image.project) == ("shop-backend", "shop-backend", backend)
    assert image.install == ("gevent", "./backend[web]")
    assert image.work == tmp_path / "build/pystatic/shop-backend"


def test_a_broken_project_named_in_install_is_named(tmp_path: Path) -> None:
    write(tmp_path / "shop" / "backend", "= 3")
    with pytest.raises(ConfigError, match=r"backend/pyproject\.toml is not valid TOML: "):
        load(tmp_path / "shop", '[tool.pystatic-tasks]\napp = "shop:app"\ninstall = ["./backend"]\n')


@pytest.mark.parametrize("text", ["tool = 3", "project = 3", "tool = []"])
def test_what_must_be_a_table_and_is_none_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"pyproject\.toml: (tool|project) must be a table."):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "shown"), [("[tool]\npystatic-tasks = 3\n", "3"), ("[[tool.pystatic-tasks]]\n", "[{}]")]
)
def test_our_own_table_must_be_one(tmp_path: Path, text: str, shown: str) -> None:
    line = f"tool.pystatic-tasks: must be a table, not {shown}"
    assert refused(tmp_path, text) == one_problem(tmp_path, line)


def test_a_folder_that_pip_cannot_install_may_name_another_that_it_can(tmp_path: Path) -> None:
    image = load(tmp_path, '[tool.pystatic-tasks]\napp = "shop:app"\ninstall = ["./backend"]\n')
    assert image.install == ("./backend",)


@pytest.mark.parametrize("table", ["[project]\nname = 'shop'\n", "[build-system]\nrequires = []\n"])
def test_a_folder_that_pip_can_install_is_installed(tmp_path: Path, table: str) -> None:
    assert load(tmp_path, table + '[tool.pystatic-tasks]\napp = "shop:app"\n').install == (".",)


def test_a_folder_with_a_setup_script_is_installed(tmp_path: Path) -> None:
    (tmp_path / "setup.py").touch()
    assert load(tmp_path, '[tool.pystatic-tasks]\napp = "shop:app"\n').install == (".",)


def test_a_folder_that_pip_cannot_install_is_not(tmp_path: Path) -> None:
    image = load(tmp_path, '[tool.pystatic-tasks]\napp = "shop:app"\n')
    assert (image.install, image.project) == ((), tmp_path)


def test_requirements_of_a_folder_that_pip_cannot_install_are_installed(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").touch()
    app = '[tool.pystatic-tasks]\napp = "shop:app"\n'
    assert load(tmp_path, app).requirements == ("requirements.txt",)
    assert load(tmp_path, app + "requirements = ['other.txt']\n").requirements == ("other.txt",)
    assert load(tmp_path, app + "requirements = []\n").requirements == ()
    assert load(tmp_path, app + "install = ['./backend']\n").requirements == ()
    assert load(tmp_path, SHOP).requirements == ()
    assert load(tmp_path, SHOP + "install = []\n").requirements == ()


def test_nothing_is_installed_where_that_is_said(tmp_path: Path) -> None:
    assert load(tmp_path, SHOP + "install = []\n").install == ()


def test_an_app_that_is_not_a_target_is_named(tmp_path: Path) -> None:
    line = f'tool.pystatic-tasks.app = "shop": {NOT_A_TARGET}'
    assert refused(tmp_path, "[tool.pystatic-tasks]\napp = 'shop'\n") == one_problem(tmp_path, line)


def test_an_app_has_the_port_of_its_server(tmp_path: Path) -> None:
    text = '[tool.pystatic-tasks]\napp = "shop:app"\nsmoke.port = 8080\n'
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert caught.value.details == (
        "tool.pystatic-tasks.smoke.port: does not apply to an app, which is reached at its server's port; remove it",
    )


def test_an_image_is_picked_by_its_name(tmp_path: Path) -> None:
    images = load_config(
        write(tmp_path, "[tool.pystatic-tasks.images]\nweb.app = 'shop:app'\nworker.script = 'worker.py'\n")
    )
    assert [pick_image(images, name).name for name in ("web", "worker")] == ["web", "worker"]
    assert pick_image(images[:1], "") is images[0]
    with pytest.raises(ConfigError) as caught:
        pick_image(images[:1], "worker")
    assert str(caught.value) == 'There is no image "worker"; available: web\nName one of them.'
