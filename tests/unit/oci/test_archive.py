from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pystatic_tasks.config.model import Compression
from pystatic_tasks.oci.archive import full_name, index, write_archive
from pystatic_tasks.oci.layers import Entry, Layer, make_layer
from pystatic_tasks.oci.manifest import OciImage, Runtime, make_image

REFERENCES = ["shop:1.4", "registry.example/shop:latest"]
# By whatever method: here it only matters whose bytes they are.
COMPRESS: Mapping[Compression, Callable[[bytes], bytes]] = {"gzip": zlib.compress, "zstd": lambda tar: b"zstd" + tar}


def make_layers(*kinds: str, compression: Compression) -> list[Layer]:
    methods = {name: COMPRESS[name] for name in dict.fromkeys(("gzip", compression))}
    return [make_layer(kind, [Entry(path=f"/{kind}", mode=0o755, content=b"x")], 0, methods) for kind in kinds]


def make(*kinds: str, compression: Compression = "gzip") -> OciImage:
    runtime = Runtime(
        platform="linux/amd64", user="65535:65535", entrypoint=["/shop"], env=[], ports=[8000], labels={"a": "b"}
    )
    return make_image(make_layers(*kinds, compression=compression), runtime, 1000, compression)


@pytest.fixture
def image() -> OciImage:
    return make("system", "program")


def read(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
        files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name: file.read() for name, file in files.items() if file}


def blob(files: Mapping[str, bytes], descriptor: Mapping[str, Any]) -> bytes:
    """What a descriptor points at, if its digest and size are right."""
    content = files[f"blobs/{descriptor['digest'].replace(':', '/')}"]
    assert hashlib.sha256(content).hexdigest() == descriptor["digest"].removeprefix("sha256:")
    assert len(content) == descriptor["size"]
    return content


def test_oci_readers_find_the_image_from_the_index(image: OciImage) -> None:
    files = read(write_archive(image, REFERENCES))
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(blob(files, entry))
    assert blob(files, manifest["config"]) == image.config
    assert [blob(files, each) for each in manifest["layers"]] == [layer.blobs["gzip"] for layer in image.layers]


def test_docker_finds_the_image_from_its_own_manifest(image: OciImage) -> None:
    files = read(write_archive(image, REFERENCES))
    (entry,) = json.loads(files["manifest.json"])
    assert files[entry["Config"]] == image.config
    assert [files[path] for path in entry["Layers"]] == [layer.blobs["gzip"] for layer in image.layers]
    assert entry["RepoTags"] == REFERENCES


def test_each_reader_finds_layers_that_it_can_unpack() -> None:
    image = make("system", "program", compression="zstd")
    files = read(write_archive(image, REFERENCES))
    (entry,) = json.loads(files["index.json"])["manifests"]
    layers = json.loads(blob(files, entry))["layers"]
    assert [blob(files, each) for each in layers] == [layer.blobs["zstd"] for layer in image.layers]
    (own,) = json.loads(files["manifest.json"])
    assert [files[path] for path in own["Layers"]] == [layer.blobs["gzip"] for layer in image.layers]
    assert files[own["Config"]] == blob(files, json.loads(blob(files, entry))["config"])
    assert len([path for path in files if path.startswith("blobs/")]) == 6


def test_every_blob_has_the_name_of_its_content(image: OciImage) -> None:
    blobs = {path: data for path, data in read(write_archive(image, REFERENCES)).items() if path.startswith("blobs/")}
    assert len(blobs) == 4
    assert all(path == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}" for path, content in blobs.items())


def test_the_same_image_is_the_same_archive(image: OciImage) -> None:
    assert write_archive(make("system", "program"), REFERENCES) == write_archive(image, REFERENCES)


def test_the_archive_tells_no_time_and_no_owner(image: OciImage) -> None:
    with tarfile.open(fileobj=io.BytesIO(write_archive(image, REFERENCES))) as tar:
        members = tar.getmembers()
    assert {(each.mtime, each.uid, each.gid, each.uname, each.gname) for each in members} == {(0, 0, 0, "", "")}
    assert {f"{each.mode:o}" for each in members if each.isfile()} == {"644"}
    assert [each.name for each in members if each.isdir()] == ["blobs", "blobs/sha256"]


def test_two_equal_layers_are_stored_once() -> None:
    files = read(write_archive(make("program", "program"), REFERENCES))
    (entry,) = json.loads(files["manifest.json"])
    assert entry["Layers"][0] == entry["Layers"][1]
    assert len([path for path in files if path.startswith("blobs/")]) == 3


@pytest.mark.parametrize(
    ("reference", "name", "tag"),
    [
        ("shop:1.4", "docker.io/library/shop:1.4", "1.4"),
        ("registry.example:5000/team/shop:latest", "registry.example:5000/team/shop:latest", "latest"),
    ],
)
def test_the_index_names_the_first_reference(image: OciImage, reference: str, name: str, tag: str) -> None:
    manifests: Any = index(image, [reference, "other:2"])["manifests"]
    assert manifests[0]["annotations"] == {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": tag,
    }


def test_an_image_without_reference_has_no_name(image: OciImage) -> None:
    (entry,) = json.loads(read(write_archive(image, []))["index.json"])["manifests"]
    assert "annotations" not in entry


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("shop:1", "docker.io/library/shop:1"),
        ("team/shop:1", "docker.io/team/shop:1"),
        ("registry.example/shop:1", "registry.example/shop:1"),
        ("registry:5000/shop:1", "registry:5000/shop:1"),
        ("localhost/shop:1", "localhost/shop:1"),
    ],
)
def test_containerd_is_told_the_registry(reference: str, name: str) -> None:
    assert full_name(reference) == name
