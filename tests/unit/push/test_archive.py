from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.errors import ConfigError
from pystatic_tasks.image.archive import write_layout
from pystatic_tasks.image.layers import digest
from pystatic_tasks.push.archive import read_archive

Files = dict[str, bytes]
REMEDY = "Name an image.tar that the session image has written."


def read(path: Path) -> Files:
    with tarfile.open(path) as tar:
        members = [(each.name, tar.extractfile(each)) for each in tar if each.isfile()]
        return {name: member.read() for name, member in members if member}


def refused(path: Path) -> str:
    """Why an archive was refused."""
    with pytest.raises(ConfigError) as caught:
        read_archive(path)
    assert caught.value.remedy == REMEDY
    before, _, why = caught.value.problem.partition(f"{path} is no image archive: ")
    assert before == ""
    return why


def test_it_holds_what_its_manifest_names_each_once(write_image: Callable[..., Path]) -> None:
    path = write_image(platform="linux/arm/v7", title="Shop")
    files, image = read(path), read_archive(path)
    (entry,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(image.manifest.content)
    assert image.manifest.digest == entry["digest"]
    assert [blob.digest for blob in image.blobs] == [
        each["digest"] for each in (manifest["config"], *manifest["layers"])
    ]
    assert (image.program, image.annotations) == ("/shop", {"title": "Shop"})
    assert image.manifest.descriptor == {name: entry[name] for name in ("mediaType", "digest", "size")}


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
def test_its_platform_is_that_of_its_configuration(write_image: Callable[..., Path], platform: str) -> None:
    assert read_archive(write_image(platform=platform)).platform == platform


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "image.tar") == "there is no such file."


def test_a_folder_is_none(tmp_path: Path) -> None:
    assert refused(tmp_path) == "Is a directory."


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8b" * 600])
def test_other_files_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "image.tar").write_bytes(content)
    assert refused(tmp_path / "image.tar") == "it is no tar."


def test_a_cut_archive_is_none(write_image: Callable[..., Path]) -> None:
    path = write_image()
    path.write_bytes(path.read_bytes()[:2000])
    assert refused(path)


def changed(path: Path, change: Callable[[Files, Any], object]) -> Path:
    """The archive with other files, of which the index is given as an object."""
    files = read(path)
    index = json.loads(files["index.json"])
    change(files, index)
    path.write_bytes(write_layout({**files, "index.json": json.dumps(index).encode()}))
    return path


def test_an_archive_of_several_images_is_refused(write_image: Callable[..., Path]) -> None:
    path = changed(write_image(), lambda _, index: index["manifests"].append(index["manifests"][0]))
    assert refused(path) == "it does not hold exactly one image."


def test_an_archive_of_an_index_is_refused(write_image: Callable[..., Path]) -> None:
    path = changed(write_image(), lambda _, index: index["manifests"][0].update(mediaType="index"))
    assert refused(path) == "it does not hold exactly one image."


def test_a_blob_that_is_another_is_refused(write_image: Callable[..., Path]) -> None:
    path = write_image()
    layer = json.loads(read_archive(path).manifest.content)["layers"][0]["digest"]
    changed(path, lambda files, _: files.update({f"blobs/{layer.replace(':', '/')}": b"another"}))
    assert refused(path) == f"the content of {layer} is another."


def test_a_blob_that_is_not_there_is_named(write_image: Callable[..., Path]) -> None:
    path = write_image()
    layer = json.loads(read_archive(path).manifest.content)["layers"][0]["digest"].replace(":", "/")
    changed(path, lambda files, _: files.pop(f"blobs/{layer}"))
    assert refused(path) == f"blobs/{layer} is not in it."


@pytest.mark.parametrize("found", ["sha256:../../../etc/passwd", "md5:0", "sha256:ABC"])
def test_a_digest_that_is_none_leads_nowhere(write_image: Callable[..., Path], found: str) -> None:
    path = changed(write_image(), lambda _, index: index["manifests"][0].update(digest=found))
    assert refused(path) == "it has a digest that is no SHA-256."


@pytest.mark.parametrize("index", [b"no JSON", b"[]", b"{}", b'{"manifests": 3}', b'{"manifests": [3]}', b"\xff"])
def test_an_index_that_is_none_is_refused(tmp_path: Path, index: bytes) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(write_layout({"index.json": index}))
    assert refused(path) == "its JSON is not that of an image."


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_what_is_no_file_is_not_followed(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "image.tar"
    with tarfile.open(path, "w") as tar:
        other = tarfile.TarInfo("other")
        other.size = 2
        tar.addfile(other, io.BytesIO(b"{}"))
        member = tarfile.TarInfo("index.json")
        member.type, member.linkname = kind, "other"
        tar.addfile(member)
    assert refused(path) == "index.json in it is no file."


def test_a_manifest_without_a_configuration_is_refused(tmp_path: Path) -> None:
    manifest = b'{"layers": []}'
    entry = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": digest(manifest),
        "size": len(manifest),
    }
    files = {
        "index.json": json.dumps({"manifests": [entry]}).encode(),
        f"blobs/{digest(manifest).replace(':', '/')}": manifest,
    }
    (tmp_path / "image.tar").write_bytes(write_layout(files))
    assert refused(tmp_path / "image.tar") == "its JSON is not that of an image."
