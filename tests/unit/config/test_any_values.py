"""Whatever stands in a configuration or is typed after `--`: it is understood, or one line says what is wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given, note
from hypothesis import strategies as st

from pystatic_tasks.config import load_config
from pystatic_tasks.config.convert import keys, types_of
from pystatic_tasks.config.model import ImageConfig, Request, Service
from pystatic_tasks.config.options import OPTIONS, Options, parse_options
from pystatic_tasks.config.sources import ENVIRONMENT_PREFIX, environment_names
from pystatic_tasks.errors import ConfigError

LONGEST_LINE = 1000
PATHS = st.sampled_from(["/", "/x", "x:y", "../x", "/" * 5000, "/".join(["x" * 99] * 50), "x" * 5000, "~", "a\0b"])
TEXTS = (
    st.text(max_size=20) | PATHS | st.sampled_from(["9MB", "9" * 5000, "1:1", "$X", "\udcff", "1e400", "GET", "gzip"])
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([19, 400, 5000]).map(lambda digits: 10**digits)
DATES = st.dates() | st.times() | st.datetimes()
PLAIN = TEXTS | NUMBERS | DATES | st.booleans()
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=8
)


def nested(levels: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


ANY = VALUES | st.none() | st.sampled_from([99, 100, 1000, 5000]).map(nested)


def paths(cls: type, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every key, with the tables that it stands in."""
    found = []
    for name, field in keys(cls).items():
        kind = types_of(cls)[field.name]
        found += paths(kind, (*above, name)) if hasattr(kind, "__dataclass_fields__") else [(*above, name)]
    return found


def within(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = {name: value}
    assert isinstance(value, dict)
    return value


def check(read: Callable[[], object]) -> None:
    """What is read is understood, or refused in lines that a person can read."""
    found = None
    try:
        read()
    except ConfigError as error:
        found = error
    for line in (found.problem, found.remedy, *found.details) if found else ():
        assert line.isprintable()
        assert 0 < len(line) < LONGEST_LINE


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("any")
    (folder / "pyproject.toml").write_text('[tool.pystatic-tasks]\napp = "shop:app"\n', encoding="utf-8")
    return folder


def load(root: Path, overrides: Mapping[str, Any]) -> None:
    images = load_config(root, overrides=overrides)
    assert all(isinstance(image, ImageConfig) for image in images)
    # What follows from a configuration by itself.
    assert all(image.references and image.environment and image.work and image.dist for image in images)


@given(value=ANY)
def test_a_key_may_have_any_value(root: Path, value: Any) -> None:
    for path in paths(ImageConfig):
        note(".".join(path))
        check(partial(load, root, within(path, value)))


@given(value=ANY)
def test_a_request_may_have_any_value(root: Path, value: Any) -> None:
    for path in paths(Request):
        note(".".join(path))
        check(partial(load, root, {"smoke": {"requests": [within(path, value)]}}))


@given(value=ANY)
def test_a_service_may_have_any_value(root: Path, value: Any) -> None:
    service = {"name": "x", "command": ["x"], "port": 1}
    for path in paths(Service):
        note(".".join(path))
        check(partial(load, root, {"services": [{**service, **within(path, value)}]}))


@given(tables=st.dictionaries(TEXTS, VALUES, max_size=4))
def test_there_may_be_any_keys(root: Path, tables: dict[str, Any]) -> None:
    check(lambda: load(root, tables))
    check(lambda: load(root, {"smoke": tables}))


@given(text=st.text() | st.binary().map(lambda found: found.decode("latin-1")))
def test_the_file_may_be_any_text(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
        check(lambda: load_config(Path(folder)))


UNICODE = st.characters(exclude_categories=["Cs"])
TOML_VALUES = st.recursive(
    st.text(UNICODE, max_size=20) | st.integers() | st.floats() | st.booleans() | DATES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc.\n\"'", min_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(tables=st.dictionaries(st.sampled_from(["app", "images", "image", "smoke", "name", "x"]), TOML_VALUES))
def test_the_file_may_hold_any_tables(tables: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = tomlkit.dumps({"tool": {"pystatic-tasks": tables}, "project": tables})
        Path(folder, "pyproject.toml").write_text(text, encoding="utf-8")
        check(lambda: load_config(Path(folder)))


@given(
    name=st.sampled_from(sorted(environment_names())) | st.text(st.characters(exclude_characters="=\0"), max_size=20),
    text=TEXTS | NUMBERS.map(lambda number: f"{number!r:.99}" if isinstance(number, float) else hex(number)),
)
def test_a_variable_may_hold_any_text(root: Path, name: str, text: str) -> None:
    check(lambda: load_config(root, environment={f"{ENVIRONMENT_PREFIX}{name}": text}))


WORDS = st.sampled_from([option.name for option in OPTIONS]) | TEXTS
WORDS |= st.builds("{}={}".format, st.sampled_from([option.name for option in OPTIONS]), TEXTS)


@given(words=st.lists(WORDS, max_size=5))
def test_any_words_may_stand_after_the_hyphens(root: Path, words: list[str]) -> None:
    def read() -> None:
        options = parse_options(words)
        assert isinstance(options, Options)
        load_config(root, options=options.config)

    check(read)
