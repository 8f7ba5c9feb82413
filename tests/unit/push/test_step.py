from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import validate

from pystatic_tasks.config.model import Image, ImageOptions
from pystatic_tasks.errors import ConfigError, PushError, PystaticError
from pystatic_tasks.host import Host
from pystatic_tasks.pipeline import write_manifest
from pystatic_tasks.push import step
from pystatic_tasks.push.archive import read_archive
from pystatic_tasks.push.send import Content, Sent

TAGS = ("latest", "registry.example/shop:1.4")


@pytest.fixture
def archive(write_image: Callable[..., Path]) -> Path:
    return write_image("dist/pystatic/shop/image.tar")


@pytest.fixture
def built(tmp_path: Path, archive: Path) -> Callable[..., Image]:
    """An image with these tags, after the image step."""

    def build(*tags: str, digest: str = "") -> Image:
        shop = Image(root=tmp_path, project=tmp_path, name="shop", app="shop:app", image=ImageOptions(tags=tags))
        facts = {"digest": digest or read_archive(archive).manifest.digest}
        write_manifest(shop, "image", inputs="", outputs=[archive], facts=facts)
        return shop

    return build


@pytest.fixture
def contents(monkeypatch: pytest.MonkeyPatch) -> list[Content]:
    """What is sent, and taken."""
    seen: list[Content] = []

    def send(content: Content, references: Any, host: Host) -> Sent:
        seen.append(content)
        digest = content.top.digest
        pinned = [f"{each.place}@{digest}" for each in references]
        sboms = dict.fromkeys(content.sboms, digest)
        return Sent(references=pinned, bytes_sent=1_234_567, blobs_sent=2, blobs_there=3, sboms=sboms)

    monkeypatch.setattr(step, "send", send)
    return seen


def test_what_was_sent_is_left_in_a_file_and_for_the_job(
    built: Callable[..., Image], contents: list[Content], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    shop, said = built(*TAGS), list[str]()
    report = step.push(shop, Host(say=said.append))
    digest = contents[0].images[0].manifest.digest
    assert report == {
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
    validate(report, "push.schema.json")
    assert json.loads((shop.dist / "push.json").read_text(encoding="utf-8")) == report
    assert (tmp_path / "outputs").read_text(encoding="utf-8") == (
        f"digest={digest}\nreference=registry.example/shop@{digest}\n"
    )
    assert said == ["1.23 MB sent: 2 blobs, and 3 were there already"]


def test_a_list_of_what_is_in_it_goes_with_it(built: Callable[..., Image], contents: list[Content]) -> None:
    shop = built(*TAGS)
    (shop.dist / "sbom.cdx.json").write_bytes(b"{}")
    report = step.push(shop, Host(say=print))
    assert contents[0].sboms[report["digest"]].content == b"{}"
    assert report["sbom"] == report["digest"]
    validate(report, "push.schema.json")


def test_an_archive_of_something_else_is_not_sent(built: Callable[..., Image], contents: list[Content]) -> None:
    shop = built(*TAGS, digest="sha256:other")
    with pytest.raises(PystaticError) as caught:
        step.push(shop, Host(say=print))
    assert str(caught.value) == f"{shop.dist}/image.tar does not hold sha256:other.\nRun the image session again."
    assert contents == []


def test_without_a_registry_nothing_is_looked_at(tmp_path: Path) -> None:
    shop = Image(root=tmp_path, project=tmp_path, name="shop", app="shop:app")
    with pytest.raises(ConfigError, match=r"^No tag of shop names a registry: shop:latest\.\n"):
        step.push(shop, Host(say=print))


def test_what_an_earlier_push_left_does_not_outlive_a_failure(
    built: Callable[..., Image], contents: list[Content], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = built(*TAGS)
    step.push(shop, Host(say=print))

    def fail(*_: Any) -> Sent:
        raise PushError("No.")

    monkeypatch.setattr(step, "send", fail)
    with pytest.raises(PushError):
        step.push(shop, Host(say=print))
    assert not (shop.dist / "push.json").exists()
