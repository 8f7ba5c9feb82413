from __future__ import annotations

import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.steps.resolve import parse
from pystatic_tasks.steps.resolve.files import Source
from pystatic_tasks.steps.resolve.parse import read_stream
from pystatic_tasks.steps.resolve.stream import join

REFERENCE = "registry.example:5000/team/shop@sha256:0123"
SHOP = "pystatic://shop"


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def _both_parsers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML may have been built without libyaml."""
    monkeypatch.setattr(parse, "LOADER", getattr(yaml, request.param))


def resolved(*texts: str) -> str:
    streams = [read_stream(Source(name="a.yaml", text=text)) for text in texts]
    return join(streams, {"shop": REFERENCE})


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_stream(Source(name="k8s/a.yaml", text=text))
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "image: {}\n",
        "image: '{}'\n",
        'image: "{}"',
        "image: &shop {}\nother: *shop\n",
        "image: !!str {}\n",
        "image: &shop\n  !!str '{}' # the image\n",
        "[{}, {{a: {}}}, '{}']\n",
        "{{image: {},other: {}}}\n",
        "{}: the key\n",
        "? {}\n: the value\n",
        "- {}\r\n- b\r\n- {}\r\n",
        "image: >-\n  {}\nnext: 1\n",
        "image: |  # a block\n    {}\n\nnext: 1\n",
        "\U0001f600: ü # ü\nimage: {}\n",
        "a: {}\n---\n# two\nb: {}\n...\n---\n{}\n",
        "%YAML 1.1\n---\nimage: {}\n",
        '{{"image": "{}"}}',
    ],
)
def test_every_value_is_replaced_and_all_else_stays(text: str) -> None:
    numbered = text.format(*[SHOP] * text.count("{}"))
    assert resolved(numbered) == text.format(*[REFERENCE] * text.count("{}"))
    assert list(yaml.safe_load_all(resolved(numbered))) == [replaced(each) for each in yaml.safe_load_all(numbered)]


def replaced(value: Any) -> Any:
    """The same, where a parser has read it."""
    if isinstance(value, dict):
        return {replaced(key): replaced(each) for key, each in value.items()}
    if isinstance(value, list):
        return [replaced(each) for each in value]
    return value.replace(SHOP, REFERENCE) if isinstance(value, str) else value


@pytest.mark.parametrize(
    "text",
    [
        "# image: pystatic://shop\n",
        "image: shop # pystatic://shop\n",
        "script: |\n  pystatic resolve\n  pystatic://shop is an image\n",
        "script: |\n  # comment\n  pystatic://shop\n",
        "text: pystatic://shop is an image\n",
        "args: [--image=pystatic://shop]\n",
        'image: " pystatic://shop"\n',
        "image: pystatic:shop\nother: PYSTATIC://shop\n",
        "",
        "\n \n",
        "a: &a [1]\nb: *a\nc: !custom {x: 'y'}\r\n",
    ],
)
def test_what_only_mentions_an_image_stays(text: str) -> None:
    assert resolved(text) == text


def test_a_comment_in_the_head_of_a_block_stays() -> None:
    assert resolved(f"a: >- # {SHOP}\n  {SHOP}\n# {SHOP}\n") == f"a: >- # {SHOP}\n  {REFERENCE}\n# {SHOP}\n"


def test_a_name_spelled_with_escapes_is_replaced_too() -> None:
    assert resolved('a: &b "pystatic:\\/\\/shop" # c\n') == f'a: &b "{REFERENCE}" # c\n'


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        (["a: 1\n", "b: 2\n"], "a: 1\n---\nb: 2\n"),
        (["a: 1", "b: 2"], "a: 1\n---\nb: 2"),
        (["---\na: 1\n", "# two\n---\nb: 2\n"], "---\na: 1\n# two\n---\nb: 2\n"),
        (["# none\n", "a: 1\n", "", "# none", "b: 2\n"], "# none\na: 1\n# none\n---\nb: 2\n"),
        (["a: 1\n", "%YAML 1.1\n---\nb: 2\n"], "a: 1\n...\n%YAML 1.1\n---\nb: 2\n"),
        (["a: 1\r\n", '{"b": 2}'], 'a: 1\r\n---\n{"b": 2}'),
        (["", ""], ""),
    ],
)
def test_documents_of_several_files_stay_apart(texts: list[str], joined: str) -> None:
    assert resolved(*texts) == joined
    assert list(yaml.safe_load_all(joined)) == [each for text in texts for each in yaml.safe_load_all(text)]


VALUES = st.recursive(
    st.one_of(st.just(SHOP), st.text(), st.integers(), st.none()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.one_of(st.just(SHOP), st.text()), inner)),
)


@given(st.lists(VALUES, min_size=1, max_size=3), st.booleans(), st.sampled_from([None, "'", '"', "|", ">"]))
def test_whatever_a_program_writes_means_the_same_but_for_the_images(
    documents: list[Any], flow: bool, style: Any
) -> None:
    texts = [
        yaml.safe_dump(each, default_flow_style=flow, default_style=style, allow_unicode=True, width=10**6)
        for each in documents
    ]
    assert [*yaml.safe_load_all(resolved(*texts))] == [exactly_replaced(yaml.safe_load(each)) for each in texts]


def exactly_replaced(value: Any) -> Any:
    if isinstance(value, dict):
        return {exactly_replaced(key): exactly_replaced(each) for key, each in value.items()}
    if isinstance(value, list):
        return [exactly_replaced(each) for each in value]
    return REFERENCE if value == SHOP else value


def test_the_lines_of_very_many_names_are_found_at_once() -> None:
    text = f"{'#' * 119}\n" * 5_000 + "- pystatic://shop\n" * 1_000
    began = time.process_time()
    places = read_stream(Source(name="a.yaml", text=text)).places
    parsed = time.process_time()
    for _ in yaml.parse(text, Loader=parse.LOADER):
        pass
    assert (len(places), places[-1].line) == (1_000, 6_000)
    assert parsed - began < 2 * (time.process_time() - parsed) + 0.1


def test_a_name_comes_with_its_line() -> None:
    stream = read_stream(Source(name="a.yaml", text="a: 1\nb: &c\n  pystatic://shop:1.4\nd: 'pystatic://'\n"))
    assert [(each.name, each.line) for each in stream.places] == [("shop:1.4", 3), ("", 4)]


def test_a_value_that_is_nearly_a_name_comes_with_its_line() -> None:
    near = ["'pystatic://shop '", "PYSTATIC://shop", "docker.io/pystatic://shop:1.4", '"\\npystatic://shop"']
    text = "".join(f"- {each}\n" for each in near)
    stream = read_stream(Source(name="a.yaml", text=f"# pystatic://shop\n- use pystatic://shop\n{text}"))
    values = ["pystatic://shop ", "PYSTATIC://shop", "docker.io/pystatic://shop:1.4", "\npystatic://shop"]
    assert [(each.value, each.line) for each in stream.near] == list(zip(values, [3, 4, 5, 6], strict=True))
    assert stream.places == []


@pytest.mark.parametrize("text", ["a: &x 1\n---\nb: *x\n", "a: 1\nb: [&x 2]\nc: *x2\n", "\n\nc: *x\n"])
def test_an_alias_of_nothing_is_refused(text: str) -> None:
    name = text.rpartition("*")[2].rstrip()
    assert refused(text) == (
        f"k8s/a.yaml, line 3, column 4: the alias *{name} has no anchor before it.\n"
        "Correct the YAML, or name only YAML files."
    )


@pytest.mark.parametrize("bracket", ["[", "{"])
def test_too_many_levels_are_refused(bracket: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_stream(Source(name="k8s/a.yaml", text=f"{bracket}\n" * 2_000))
    assert caught.value.problem == "k8s/a.yaml, line 1001, column 1: exceeded maximum nesting depth."


def test_a_long_alias_of_nothing_is_shown_without_its_end() -> None:
    with pytest.raises(ConfigError) as caught:
        read_stream(Source(name="k8s/a.yaml", text=f"a: *{'x' * 10_000}"))
    assert caught.value.problem == (f"k8s/a.yaml, line 1, column 4: the alias *{'x' * 100}… has no anchor before it.")


def test_anchors_of_all_kinds_have_aliases() -> None:
    assert resolved(text := "a: &x {b: &y [&z 1]}\nc: [*x, *y, *z]\n") == text


@pytest.mark.parametrize(
    ("text", "place"),
    [("a: b: c\n", "line 1, column 5"), ("a: 1\nb: @\n", "line 2, column 4"), ("a: 'b\n", "line 2, column 1")],
)
def test_what_is_no_yaml_is_refused_by_its_place(text: str, place: str) -> None:
    problem, remedy = refused(text).splitlines()
    assert problem.startswith(f"k8s/a.yaml, {place}: ")
    assert problem.endswith(".")
    assert remedy == "Correct the YAML, or name only YAML files."


def test_the_parser_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "LOADER", yaml.SafeLoader)
    assert refused("a: b: c\n") == (
        "k8s/a.yaml, line 1, column 5: mapping values are not allowed here.\nCorrect the YAML, or name only YAML files."
    )
