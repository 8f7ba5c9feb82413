from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import ConfigError, MissingToolError, PystaticError
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.resolve.step import resolve

NOT_ONE = "Write pystatic:// followed by the name of an image of the project: web, worker."


@pytest.fixture
def configs(tmp_path: Path) -> list[ImageConfig]:
    return [ImageConfig(root=tmp_path, project=tmp_path, name=name, app="shop:app") for name in ("worker", "web")]


def leave(config: ImageConfig, digest: str, *repositories: str) -> None:
    """What push leaves."""
    config.dist.mkdir(parents=True, exist_ok=True)
    references = [f"{each}@sha256:{digest}" for each in repositories]
    content = {"digest": f"sha256:{digest}", "references": references, "of a later version": 1}
    (config.dist / "push.json").write_text(json.dumps(content), encoding="utf-8")


def write(config: ImageConfig, **files: str) -> None:
    for name, text in files.items():
        (config.root / f"{name}.yaml").write_text(text, encoding="utf-8")


class Caller:
    """Whoever runs the step, pushes to one registry and writes down what is asked for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.pushed: list[str] = []

    def push(self, configs: Sequence[ImageConfig]) -> None:
        for config in configs:
            self.pushed.append(config.name)
            leave(config, "1", f"registry.example/{config.name}", f"mirror.example/{config.name}")

    def resolve(self, configs: Sequence[ImageConfig], *filenames: str, **more: Any) -> str:
        context = StepContext(say=self.lines.append, filenames=filenames, **{"push": self.push, **more})
        return resolve(configs, context).decode()


def refused(configs: Sequence[ImageConfig], *filenames: str, **more: Any) -> str:
    caller = Caller()
    with pytest.raises(PystaticError) as caught:
        caller.resolve(configs, *filenames, **more)
    assert caller.pushed == []
    assert isinstance(caught.value, ConfigError)
    return str(caught.value)


def test_what_is_named_is_pushed_once_and_replaced_by_its_first_reference(configs: list[ImageConfig]) -> None:
    caller = Caller()
    write(configs[0], a="image: pystatic://web # two\r\n", b="- pystatic://web\n- pystatic://worker\n")
    assert caller.resolve(configs, "a.yaml", "b.yaml") == (
        "image: registry.example/web@sha256:1 # two\r\n---\n"
        "- registry.example/web@sha256:1\n- registry.example/worker@sha256:1\n"
    )
    assert caller.pushed == ["web", "worker"]
    assert caller.lines == [
        "pystatic://web: registry.example/web@sha256:1",
        "pystatic://worker: registry.example/worker@sha256:1",
    ]


def test_only_what_is_named_is_pushed(configs: list[ImageConfig]) -> None:
    caller = Caller()
    write(configs[0], a="image: pystatic://worker\n", b="größe: 1\n")
    assert caller.resolve(configs, "a.yaml") == "image: registry.example/worker@sha256:1\n"
    assert caller.resolve(configs, "b.yaml") == "größe: 1\n"
    assert caller.pushed == ["worker"]
    assert caller.lines[1:] == ["nothing is replaced: no value is pystatic://NAME"]


def test_without_a_way_to_push_what_was_pushed_is_taken(configs: list[ImageConfig]) -> None:
    context = StepContext(say=print, filenames=["a.yaml"])
    write(configs[0], a="image: pystatic://web\n")
    leave(configs[1], "2", "registry.example/web")
    assert resolve(configs, context) == b"image: registry.example/web@sha256:2\n"
    (configs[1].dist / "image.json").write_text('{"digest": "sha256:2"}', encoding="utf-8")
    assert resolve(configs, context) == b"image: registry.example/web@sha256:2\n"
    (configs[1].dist / "image.json").write_text('{"digest": "sha256:3"}', encoding="utf-8")
    with pytest.raises(PystaticError) as caught:
        resolve(configs, context)
    assert str(caught.value) == "web was rebuilt after it was pushed.\nPush it: nox -s push."
    (configs[1].dist / "image.json").write_text('{"more": 1}', encoding="utf-8")
    with pytest.raises(PystaticError) as caught:
        resolve(configs, context)
    assert str(caught.value) == "web was rebuilt after it was pushed.\nPush it: nox -s push."
    (configs[1].dist / "push.json").unlink()
    with pytest.raises(PystaticError) as caught:
        resolve(configs, context)
    assert str(caught.value) == "web was not pushed.\nPush it: nox -s push."


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "[" * 100_000, "\x00", '{"references": []}', '{"references": 1}', '{"references": {"a": 1}}'),
        *('{"references": [1]}', '{"references": ["web:1"]}', '{"references": "registry.example/web@sha256:2"}'),
        r'{"references": ["a\nkind: Job # @sha256:2"]}',
        r'{"references": ["web@sha256:2\n"]}',
        r'{"references": ["\ud800@sha256:2"]}',
        '{"references": ["[::1]:5000/web@sha256:2"]}',
        '{"references": ["-/web@sha256:2"]}',
        '{"references": ["[web]@sha256:2"]}',
    ],
)
def test_what_is_no_record_of_a_push_says_of_none(configs: list[ImageConfig], text: str) -> None:
    write(configs[0], a="image: pystatic://web\n")
    leave(configs[1], "2", "registry.example/web")
    (configs[1].dist / "push.json").write_text(text, encoding="utf-8")
    with pytest.raises(PystaticError) as caught:
        resolve(configs, StepContext(say=print, filenames=["a.yaml"]))
    assert str(caught.value) == "web was not pushed.\nPush it: nox -s push."


def test_a_name_that_is_no_image_is_named_before_anything_is_pushed(configs: list[ImageConfig]) -> None:
    write(configs[0], a="image: pystatic://web\n", b="# b\nimage: pystatic://wep\n", c="- pystatic://web:1.4\n")
    assert refused(configs, "a.yaml", "b.yaml") == f'b.yaml, line 2: there is no image "wep".\n{NOT_ONE}'
    assert refused(configs, "c.yaml") == f'c.yaml, line 1: there is no image "web:1.4".\n{NOT_ONE}'


def test_what_is_nearly_a_name_is_said_to_stay(configs: list[ImageConfig]) -> None:
    caller = Caller()
    text = "image: PYSTATIC://web\nurl: https://me:secret@pystatic://web\n"
    write(configs[0], a=text)
    assert caller.resolve(configs, "a.yaml") == text
    stays = "is unchanged: only a value that is exactly pystatic://NAME is replaced"
    assert caller.lines == [
        f'a.yaml, line 1: "PYSTATIC://web" {stays}',
        f'a.yaml, line 2: "https://***@pystatic://web" {stays}',
        "nothing is replaced: no value is pystatic://NAME",
    ]


def test_a_name_in_single_quotes_may_have_an_apostrophe(configs: list[ImageConfig]) -> None:
    write(configs[0], a="image: 'pystatic://it''s'\nkind: \"x\"\n")
    assert refused(configs, "a.yaml") == f'a.yaml, line 1: there is no image "it\'s".\n{NOT_ONE}'


def test_what_is_no_yaml_is_named_before_anything_is_pushed(configs: list[ImageConfig]) -> None:
    write(configs[0], a="image: pystatic://web\n", b="a: 1\nb: @\n")
    assert refused(configs, "a.yaml", "b.yaml").startswith("b.yaml, line 2, column 4: ")


def test_without_files_it_is_said_what_to_type(configs: list[ImageConfig]) -> None:
    assert refused(configs) == (
        "No file to resolve is given.\nName files or folders: nox -s resolve -- -f k8s/, or - for standard input."
    )


def test_without_the_library_it_is_said_what_to_install(
    configs: list[ImageConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(configs[0], a="image: pystatic://web\n")
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.delitem(sys.modules, "pystatic_tasks.steps.resolve.parse", raising=False)
    with pytest.raises(MissingToolError) as caught:
        Caller().resolve(configs, "a.yaml")
    assert str(caught.value) == (
        "Resolving needs the library PyYAML, which is not installed beside Nox.\n"
        'Install it: pip install "pystatic-tasks[resolve]".'
    )


def test_of_several_platforms_the_index_is_what_was_pushed(configs: list[ImageConfig]) -> None:
    web = configs[1]
    context = StepContext(say=print, filenames=["a.yaml"], platforms=("linux/amd64", "linux/arm64"))
    write(configs[0], a="image: pystatic://web\n")
    leave(web, "2", "registry.example/web")
    (web.dist / "index.json").write_text('{"digest": "sha256:3", "references": []}', encoding="utf-8")
    with pytest.raises(PystaticError) as caught:
        resolve(configs, context)
    assert str(caught.value) == "web was not pushed.\nPush it: nox -s push."
    (web.dist / "index.json").write_text('{"references": ["registry.example/web@sha256:3"]}', encoding="utf-8")
    assert resolve(configs, context) == b"image: registry.example/web@sha256:3\n"
