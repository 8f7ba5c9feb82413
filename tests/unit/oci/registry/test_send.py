from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from changed_images import make_sbom
from hostile import Hostile

from pystatic_tasks.config.model import ImageConfig, ImageOptions
from pystatic_tasks.errors import ConfigError, MissingToolError, PushError
from pystatic_tasks.oci.blobs import Blob
from pystatic_tasks.oci.reading.images import ArchivedImage, read_archive
from pystatic_tasks.oci.references import parse_reference
from pystatic_tasks.oci.registry import send as module
from pystatic_tasks.oci.registry.referrers import fallback_tag
from pystatic_tasks.oci.registry.retries import PassingError
from pystatic_tasks.oci.registry.secrets import Secrets
from pystatic_tasks.oci.registry.send import Content, Sent, open_registry, read_sbom, send, targets
from pystatic_tasks.system.terminal import Terminal

SBOM = Blob(media_type="application/vnd.cyclonedx+json", content=b'{"bomFormat": "CycloneDX"}')
QUIET = Terminal(stream=sys.stderr)


class Memory:
    """A registry that writes down what it gets; `fails` says for which tags and digests it does not."""

    def __init__(self, *, knows_subjects: bool = False, fails: Mapping[str, PushError] | None = None) -> None:
        self.bytes_sent = 0
        self.knows_subjects = knows_subjects
        self.fails = fails or {}
        self.blobs: dict[str, set[str]] = {}
        self.manifests: dict[str, bytes] = {}
        self.order: list[str] = []

    def put_blob(self, repository: str, blob: Blob, others: Sequence[str] = ()) -> bool:
        there = set().union(*(self.blobs.get(each, set()) for each in (repository, *others)))
        self.blobs.setdefault(repository, set()).add(blob.digest)
        self.order.append(f"{repository} blob")
        self.bytes_sent += 0 if blob.digest in there else len(blob.content)
        return blob.digest not in there

    def put_manifest(self, repository: str, reference: str, manifest: Blob) -> bool:
        if reference in self.fails:
            raise self.fails[reference]
        self.manifests[f"{repository}:{reference}"] = manifest.content
        self.order.append(f"{repository} {reference}")
        return self.knows_subjects

    def expect(self, repository: str) -> None:
        """It says nothing."""

    def get_manifest(self, repository: str, reference: str, media_type: str) -> bytes | None:
        return self.manifests.get(f"{repository}:{reference}")


@pytest.fixture
def image(write_image: Callable[..., Path]) -> ArchivedImage:
    return read_archive(write_image())


def push(
    monkeypatch: pytest.MonkeyPatch,
    registry: Memory,
    image: ArchivedImage,
    *references: str,
    sbom: Blob | None = None,
    said: list[str] | None = None,
) -> Sent:
    monkeypatch.setattr(module, "open_registry", lambda name, say, secrets: registry)
    content = Content(images=[image], top=image.manifest, sboms={image.manifest.digest: sbom} if sbom else {})
    lines = said if said is not None else []
    return send(content, [parse_reference(each) for each in references], lines.append, QUIET)


def test_tags_are_named_last(monkeypatch: pytest.MonkeyPatch, image: ArchivedImage) -> None:
    registry, said = Memory(), list[str]()
    sent = push(monkeypatch, registry, image, "registry.example/shop:1", "registry.example/shop:2", said=said)
    assert registry.order == [*["shop blob"] * 3, f"shop {image.manifest.digest}", "shop 1", "shop 2"]
    assert {registry.manifests[f"shop:{tag}"] for tag in ("1", "2")} == {image.manifest.content}
    assert sent == Sent(
        references=[f"registry.example/shop@{image.manifest.digest}"],
        bytes_sent=sum(len(blob.content) for blob in image.blobs),
        blobs_sent=3,
        blobs_there=0,
        sboms={},
    )
    assert said == [f"registry.example/shop:{tag} is {image.manifest.digest}" for tag in ("1", "2")]


def test_a_second_repository_takes_from_the_first(monkeypatch: pytest.MonkeyPatch, image: ArchivedImage) -> None:
    sent = push(monkeypatch, Memory(), image, "registry.example/shop:1", "registry.example/mirror/shop:1")
    assert (sent.blobs_sent, sent.blobs_there) == (3, 3)
    assert sent.references == [f"registry.example/{each}@{image.manifest.digest}" for each in ("shop", "mirror/shop")]


@pytest.mark.parametrize("knows_subjects", [True, False])
def test_a_list_of_what_is_in_it_is_there_before_the_tags(
    monkeypatch: pytest.MonkeyPatch, image: ArchivedImage, knows_subjects: bool
) -> None:
    registry = Memory(knows_subjects=knows_subjects)
    sent = push(monkeypatch, registry, image, "registry.example/shop:1", sbom=SBOM)
    digest = sent.sboms[image.manifest.digest]
    assert json.loads(registry.manifests[f"shop:{digest}"])["subject"]["digest"] == image.manifest.digest
    tag = fallback_tag(image.manifest)
    assert (f"shop:{tag}" in registry.manifests) is not knows_subjects
    assert registry.order[-1] == "shop 1"
    assert (sent.blobs_sent, sent.blobs_there) == (3, 0)
    before = dict(registry.manifests)
    push(monkeypatch, registry, image, "registry.example/shop:1", sbom=SBOM)
    assert registry.manifests == before


def test_a_registry_that_takes_no_list_gets_the_image(monkeypatch: pytest.MonkeyPatch, image: ArchivedImage) -> None:
    registry, said = Memory(fails={fallback_tag(image.manifest): PushError("It is no image.")}), list[str]()
    sent = push(monkeypatch, registry, image, "registry.example/shop:1", sbom=SBOM, said=said)
    assert sent.sboms == {}
    assert said[0] == "sbom.cdx.json is left out: It is no image."
    assert "shop:1" in registry.manifests


@pytest.mark.parametrize("kind", [PassingError, PushError])
def test_nothing_is_tagged_where_something_is_missing(
    monkeypatch: pytest.MonkeyPatch, image: ArchivedImage, kind: type[PushError]
) -> None:
    registry = Memory(fails={image.manifest.digest: kind("No.")})
    with pytest.raises(kind):
        push(monkeypatch, registry, image, "registry.example/shop:1")
    assert registry.manifests == {}


def test_a_registry_that_fails_while_it_takes_the_list_has_no_tag(
    monkeypatch: pytest.MonkeyPatch, image: ArchivedImage
) -> None:
    registry = Memory(fails={fallback_tag(image.manifest): PassingError("It is busy.")})
    with pytest.raises(PassingError):
        push(monkeypatch, registry, image, "registry.example/shop:1", sbom=SBOM)
    assert "shop:1" not in registry.manifests


def test_no_registry_says_what_is_secret_of_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image: ArchivedImage, hostile: Hostile, other: Hostile
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    entries = {other.address: {"auth": base64.b64encode(b"me:correct-horse").decode()}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": entries}))
    hostile.behave = lambda heard: [b"HTTP/1.1 418 no correct-horse\r\nContent-Length: 0\r\n\r\n"]
    content = Content(images=[image], top=image.manifest)
    references = [parse_reference(f"{each.address}/shop:1") for each in (hostile, other)]
    with pytest.raises(PushError) as caught:
        send(content, references, print, QUIET)
    assert caught.value.problem.endswith("(418 no ***).")


def shop(*tags: str) -> ImageConfig:
    return ImageConfig(root=Path("/p"), project=Path("/p"), name="shop", app="shop:app", image=ImageOptions(tags=tags))


def test_only_tags_that_name_a_registry_are_pushed_each_once() -> None:
    found = targets(shop("latest", "team/shop:1", "registry.example/shop:1", "registry.example/shop:1"))
    assert [str(each) for each in found] == ["registry.example/shop:1"]


def test_a_list_is_what_stands_beside_the_archive(tmp_path: Path, image: ArchivedImage) -> None:
    assert read_sbom(tmp_path, image.manifest) is None
    content = make_sbom(image.manifest)
    (tmp_path / "sbom.cdx.json").write_bytes(content)
    assert read_sbom(tmp_path, image.manifest) == Blob(media_type=SBOM.media_type, content=content)


def refused_sbom(folder: Path, image: ArchivedImage) -> None:
    with pytest.raises(ConfigError) as caught:
        read_sbom(folder, image.manifest)
    assert str(caught.value) == (
        f"{folder}/sbom.cdx.json is not the list of contents that the image session wrote for the image beside it.\n"
        "Take both from one build, or remove the list."
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN OPENSSH PRIVATE KEY-----",
        b"[]",
        b"{}",
        b"[" * 5000,
        b'{"bomFormat": "CycloneDX", "metadata": {"component": {"hashes": [3]}}}',
        make_sbom(SBOM),
    ],
)
def test_a_list_of_something_else_goes_nowhere(tmp_path: Path, image: ArchivedImage, content: bytes) -> None:
    (tmp_path / "sbom.cdx.json").write_bytes(content)
    refused_sbom(tmp_path, image)


def test_a_list_that_is_a_link_goes_nowhere(tmp_path: Path, image: ArchivedImage) -> None:
    """Whoever made the archive could lead to a file of whoever pushes it."""
    (tmp_path / "elsewhere.json").write_bytes(make_sbom(image.manifest))
    (tmp_path / "sbom.cdx.json").symlink_to("elsewhere.json")
    refused_sbom(tmp_path, image)
    (tmp_path / "sbom.cdx.json").unlink()
    os.mkfifo(tmp_path / "sbom.cdx.json")
    refused_sbom(tmp_path, image)


def test_a_list_has_a_largest_size(tmp_path: Path, image: ArchivedImage, monkeypatch: pytest.MonkeyPatch) -> None:
    content = make_sbom(image.manifest)
    monkeypatch.setattr(module, "LARGEST_SBOM_BYTES", len(content))
    (tmp_path / "sbom.cdx.json").write_bytes(content)
    assert read_sbom(tmp_path, image.manifest) == Blob(media_type=SBOM.media_type, content=content)
    # A whole list, if one reads no further.
    (tmp_path / "sbom.cdx.json").write_bytes(content + b"{")
    refused_sbom(tmp_path, image)


def test_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # As where the import finds nothing.
    modules: dict[str, Any] = sys.modules
    monkeypatch.delitem(modules, "pystatic_tasks.oci.registry.client", raising=False)
    monkeypatch.delitem(modules, "pystatic_tasks.oci.registry.wire", raising=False)
    monkeypatch.setitem(modules, "urllib3", None)
    with pytest.raises(MissingToolError) as caught:
        open_registry("registry.example", print, Secrets())
    assert str(caught.value) == (
        "Pushing needs the library urllib3, which is not installed beside Nox.\n"
        'Install it: pip install "pystatic-tasks[push]".'
    )
