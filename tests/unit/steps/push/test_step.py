from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from changed_images import make_sbom
from support import BUILT, validate

from pystatic_tasks.config.model import ImageConfig, ImageOptions
from pystatic_tasks.errors import ConfigError, MissingToolError, PushError, PystaticError
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.oci.reading.images import read_archive
from pystatic_tasks.oci.registry.send import Content, Sent
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import write_manifest
from pystatic_tasks.steps.push import step

TAGS = ("latest", "registry.example/shop:1.4")


@pytest.fixture
def archive(write_image: Callable[..., Path]) -> Path:
    return write_image("dist/pystatic/shop/image.tar")


@pytest.fixture
def built(tmp_path: Path, archive: Path) -> Callable[..., ImageConfig]:
    """An image with these tags, after the image step."""

    def build(*tags: str, digest: str = "") -> ImageConfig:
        shop = ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app", image=ImageOptions(tags=tags))
        left = replace(BUILT, digest=digest or read_archive(archive).manifest.digest)
        write_manifest(shop, left, inputs="", outputs=[archive])
        return shop

    return build


@pytest.fixture
def contents(monkeypatch: pytest.MonkeyPatch) -> list[Content]:
    """What is sent, and taken."""
    seen: list[Content] = []

    def send(content: Content, references: Any, *_: Any) -> Sent:
        seen.append(content)
        digest = content.top.digest
        pinned = [f"{each.place}@{digest}" for each in references]
        sboms = dict.fromkeys(content.sboms, digest)
        return Sent(references=pinned, bytes_sent=1_234_567, blobs_sent=2, blobs_there=3, sboms=sboms)

    monkeypatch.setattr(step, "send", send)
    return seen


def test_what_was_sent_is_left_in_a_file_and_for_the_job(
    built: Callable[..., ImageConfig], contents: list[Content], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    shop, said = built(*TAGS), list[str]()
    report = step.push(shop, StepContext(say=said.append))
    digest = contents[0].images[0].manifest.digest
    assert to_json(report) == {
        "version": 1,
        "name": "shop",
        "tags": ["registry.example/shop:1.4"],
        "digest": digest,
        "references": [f"registry.example/shop@{digest}"],
        "bytes_sent": 1_234_567,
        "blobs_sent": 2,
        "blobs_there": 3,
        "sbom": None,
    }
    validate(to_json(report), "push.schema.json")
    assert json.loads((shop.dist / "push.json").read_text(encoding="utf-8")) == to_json(report)
    assert (tmp_path / "outputs").read_text(encoding="utf-8") == (
        f"digest={digest}\nreference=registry.example/shop@{digest}\n"
    )
    assert said == ["1.23 MB sent: 2 blobs; 3 were already there"]


def test_a_list_of_what_is_in_it_goes_with_it(built: Callable[..., ImageConfig], contents: list[Content]) -> None:
    shop = built(*TAGS)
    sbom = make_sbom(read_archive(shop.dist / "image.tar").manifest)
    (shop.dist / "sbom.cdx.json").write_bytes(sbom)
    report = step.push(shop, StepContext(say=print))
    assert contents[0].sboms[report.digest].content == sbom
    assert report.sbom == report.digest
    validate(to_json(report), "push.schema.json")


def test_an_archive_of_something_else_is_not_sent(built: Callable[..., ImageConfig], contents: list[Content]) -> None:
    shop = built(*TAGS, digest="sha256:other")
    with pytest.raises(PystaticError) as caught:
        step.push(shop, StepContext(say=print))
    assert str(caught.value) == f"{shop.dist}/image.tar does not contain sha256:other.\nRun the image session again."
    assert contents == []


def test_without_a_registry_nothing_is_looked_at(tmp_path: Path) -> None:
    shop = ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")
    with pytest.raises(ConfigError, match=r"^No tag of shop names a registry: shop:latest\.\n"):
        step.push(shop, StepContext(say=print))


def test_what_an_earlier_push_left_does_not_outlive_a_failure(
    built: Callable[..., ImageConfig], contents: list[Content], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = built(*TAGS)
    step.push(shop, StepContext(say=print))

    def fail(*_: Any) -> Sent:
        raise PushError("No.")

    monkeypatch.setattr(step, "send", fail)
    with pytest.raises(PushError):
        step.push(shop, StepContext(say=print))
    assert not (shop.dist / "push.json").exists()


@pytest.mark.parametrize(
    ("command", "typed"),
    [
        ("pystatic push --tag registry.example/shop:1.4", "pystatic push --tag registry.example/shop:1.4"),
        ("", "--tag registry.example/shop:1.4"),
    ],
)
def test_without_one_it_is_said_what_to_type(built: Callable[..., ImageConfig], command: str, typed: str) -> None:
    host = StepContext(say=print, command=lambda *_: command)
    shop = built("1.4", "latest")
    with pytest.raises(ConfigError) as caught:
        step.check(shop, host)
    assert str(caught.value) == (
        f"No tag of shop names a registry: shop:1.4, shop:latest.\nName one: {typed}, or image.tags in pyproject.toml."
    )


def test_what_lacks_for_it_is_known_before_anything_is_built(
    built: Callable[..., ImageConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    step.check(built(*TAGS), StepContext(say=print))
    monkeypatch.delitem(sys.modules, "pystatic_tasks.oci.registry.client")
    monkeypatch.setitem(sys.modules, "pystatic_tasks.oci.registry.client", None)
    with pytest.raises(MissingToolError, match="Pushing needs the library urllib3"):
        step.check(built(*TAGS), StepContext(say=print))
