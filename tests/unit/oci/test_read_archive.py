from __future__ import annotations

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.errors import ConfigError, ImageError
from pystatic_tasks.oci.archive import write_layout
from pystatic_tasks.oci.blobs import digest
from pystatic_tasks.oci.read_archive import open_layers, read_archive, read_layers, read_saved

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


# As engines read it.


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def write_tar(entries: Sequence[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info, content in entries:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def write_archive(path: Path, *layers: Sequence[tarfile.TarInfo]) -> Path:
    """An `image.tar` that somebody else may have written."""
    blobs = [gzip.compress(write_tar([(each, b"") for each in entries])) for entries in layers]
    names = [f"layer-{number}" for number in range(len(blobs))]
    manifest = json.dumps([{"Layers": names}]).encode()
    files = {"manifest.json": manifest, **dict(zip(names, blobs, strict=True))}
    path.write_bytes(write_tar([(entry(name), content) for name, content in files.items()]))
    return path


def refused_layers(path: Path, *layers: Sequence[tarfile.TarInfo]) -> str:
    with pytest.raises(ImageError) as caught:
        list(open_layers(write_archive(path, *layers)))
    assert caught.value.remedy == "Build the image again."
    return caught.value.problem.removeprefix(f"{path} holds ")


def test_the_layers_are_read_from_the_lowest(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "image.tar", [entry("a"), entry("l", tarfile.SYMTYPE, "a")], [entry("b")])
    assert [layer.getnames() for layer in open_layers(archive)] == [["a", "l"], ["b"]]


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (entry("../x"), "'../x', which is no path below the root."),
        (entry("l", tarfile.SYMTYPE, "../x"), "'l', which is a link out of the root, to ../x."),
        (entry("l", tarfile.SYMTYPE, "/etc"), "'l', which is a link to the absolute path /etc."),
        (entry("h", tarfile.LNKTYPE, "a"), "'h', which is neither a file nor a folder nor a symbolic link."),
        (entry("null", tarfile.CHRTYPE), "'null', which is neither a file nor a folder nor a symbolic link."),
    ],
)
def test_an_entry_that_could_leave_the_root_is_named(tmp_path: Path, bad: tarfile.TarInfo, text: str) -> None:
    assert refused_layers(tmp_path / "image.tar", [entry("a")], [entry("b"), bad]) == text


def test_nothing_may_lie_behind_a_link(tmp_path: Path) -> None:
    link = entry("etc", tarfile.SYMTYPE, "usr")
    assert refused_layers(tmp_path / "image.tar", [link], [entry("etc/x")]) == "'etc/x', which lies behind a link."


def test_engines_are_given_its_configuration_its_layers_and_its_names(write_image: Callable[..., Path]) -> None:
    path = write_image()
    saved = read_saved(path)
    assert list(read_layers(path)) == saved.layers
    assert [digest(zlib.decompress(blob)) for blob in saved.layers] == saved.config["rootfs"]["diff_ids"]
    assert saved.references == ["shop:latest"]


@pytest.mark.parametrize(
    "read_ours", [read_saved, lambda path: list(read_layers(path)), lambda path: list(open_layers(path))]
)
@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "manifest.json is not in it"),
        ({"manifest.json": b"{"}, "its JSON is not that of an image"),
        ({"manifest.json": b"[]"}, "its JSON is not that of an image"),
        ({"manifest.json": b'[{"Layers": ["x"], "Config": "x", "RepoTags": []}]'}, "x is not in it"),
    ],
)
def test_an_archive_of_ours_that_is_broken_is_to_be_built_again(
    tmp_path: Path, read_ours: Callable[[Path], object], files: Files, why: str
) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(write_layout(files))
    with pytest.raises(ImageError) as caught:
        read_ours(path)
    assert str(caught.value) == f"{path} is no image archive: {why}.\nBuild the image again."
