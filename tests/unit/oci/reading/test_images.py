from __future__ import annotations

import gzip
import io
import json
import math
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from changed_images import RUNTIME, entry, link, make_changed, tar_of, with_json, write_changed

from pystatic_tasks.config.model import Compression
from pystatic_tasks.errors import ConfigError, ImageError
from pystatic_tasks.oci.archive import Written, layout_index, saved_names, write_archive, write_layout
from pystatic_tasks.oci.blobs import Blob, blob_path, digest
from pystatic_tasks.oci.compression import zstd
from pystatic_tasks.oci.layers import Layer
from pystatic_tasks.oci.manifest import INDEX_TYPE, LAYER_TYPES, MANIFEST_TYPE, canonical, make_image
from pystatic_tasks.oci.reading import layers, opened, root, unpacking
from pystatic_tasks.oci.reading.images import open_layers, read_archive, read_saved
from pystatic_tasks.oci.reading.opened import LARGEST_JSON, digest_of
from pystatic_tasks.oci.reading.unpacking import TAR_TYPE
from pystatic_tasks.oci.tar_reader import BLOCK
from pystatic_tasks.system import files as system_files

Files = dict[str, bytes]
REMEDY = "Name an image.tar that the image session wrote."


def read(path: Path) -> Files:
    with tarfile.open(path) as tar:
        members = [(each.name, tar.extractfile(each)) for each in tar if each.isfile()]
        return {name: member.read() for name, member in members if member}


def refused(path: Path) -> str:
    """Why an archive was refused."""
    with pytest.raises(ConfigError) as caught:
        read_archive(path)
    assert caught.value.remedy == REMEDY
    before, _, why = caught.value.problem.partition(f"{path} is not an image archive: ")
    assert before == ""
    return why


def test_it_holds_what_its_manifest_names_each_once(write_image: Callable[..., Path]) -> None:
    path = write_image(platform="linux/arm64", title="Shop")
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


def test_what_is_no_regular_file_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        assert refused(path) == "it is not a regular file."


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "it ends too early."), (b"hello", "it ends too early."), (b"\x1f\x8b" * 600, "it is not a tar archive.")],
)
def test_other_files_are_none(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "image.tar").write_bytes(content)
    assert refused(tmp_path / "image.tar") == why


def test_a_cut_archive_is_none(write_image: Callable[..., Path]) -> None:
    path = write_image()
    path.write_bytes(path.read_bytes()[:2000])
    assert refused(path) == "it ends too early."


def changed(path: Path, change: Callable[[Files, Any], object]) -> Path:
    """The archive with other files, of which the index is given as an object."""
    files = read(path)
    index = json.loads(files["index.json"])
    change(files, index)
    path.write_bytes(write_layout({**files, "index.json": json.dumps(index).encode()}))
    return path


def test_an_archive_of_several_images_is_refused(write_image: Callable[..., Path]) -> None:
    other = {"mediaType": MANIFEST_TYPE, "digest": digest(b"x"), "size": 1}
    path = changed(write_image(), lambda _, index: index["manifests"].append({**index["manifests"][0], **other}))
    assert refused(path) == "it does not hold exactly one image."


def test_an_archive_of_no_image_is_refused(write_image: Callable[..., Path]) -> None:
    path = changed(write_image(), lambda _, index: index["manifests"].clear())
    assert refused(path) == "it does not hold exactly one image."


def test_an_image_may_have_several_names(write_image: Callable[..., Path]) -> None:
    """Docker writes an entry for each."""

    def name_again(_: Files, index: Any) -> None:
        [named] = index["manifests"]
        index["manifests"].append({**named, "annotations": {"org.opencontainers.image.ref.name": "other"}})

    path = write_image()
    digest_before = read_archive(path).manifest.digest
    assert read_archive(changed(path, name_again)).manifest.digest == digest_before
    assert refused_image(path) == "index.json in it is not as it was written."


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
    assert refused(path) == "it has a digest that is not a SHA-256."


@pytest.mark.parametrize("index", [b"no JSON", b"[]", b"{}", b'{"manifests": 3}', b'{"manifests": [3]}', b"\xff"])
def test_an_index_that_is_none_is_refused(tmp_path: Path, index: bytes) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(write_layout({"index.json": index}))
    assert refused(path) == "its JSON is not that of an image."


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_what_is_no_file_is_not_followed(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(tar_of([(entry("other"), b"{}"), entry("index.json", kind, "other")]))
    assert refused(path) == "'index.json' in it is neither a file nor a folder."


def test_there_is_an_end_to_what_an_archive_holds(
    write_image: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is kept while it is read."""
    assert opened.MOST_ENTRIES == 10_000
    monkeypatch.setattr(opened, "MOST_ENTRIES", 100)
    path = write_image()
    there = [(entry(name), content) for name, content in read(path).items()]
    path.write_bytes(tar_of([*there, *(entry(f"x{number}") for number in range(100 - len(there)))]))
    assert read_archive(path).program == "/shop"
    path.write_bytes(tar_of([*there, *(entry(f"x{number}") for number in range(101 - len(there)))]))
    assert refused(path) == "it has more than 100 entries."


def test_a_folder_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(tar_of([entry("index.json", tarfile.DIRTYPE)]))
    assert refused(path) == "index.json in it is not a file."


@pytest.mark.parametrize(
    "name", ["./manifest.json", "/manifest.json", "x/../manifest.json", f"blobs//sha256/{'0' * 64}", ".", "x/"]
)
def test_a_name_that_some_readers_take_for_another_is_refused(write_image: Callable[..., Path], name: str) -> None:
    path = write_image()
    members = [(entry(each), content) for each, content in read(path).items()]
    path.write_bytes(tar_of([*members, (entry(name), b"[]")]))
    assert refused(path) == f"it holds {name!r}, which is not a path below the root."
    assert refused_image(path) == f"it holds {name!r}, which is not a path below the root."


@pytest.mark.parametrize(("key", "other"), [("Layers", "layers"), ("Layers", "LAYERS"), ("Layers", "layer\u017f")])
def test_keys_that_are_one_for_go_are_refused(write_image: Callable[..., Path], key: str, other: str) -> None:
    path = write_image()
    named = read(path)["manifest.json"].decode()
    for more in (other, key):
        path.write_bytes(write_layout({**read(path), **with_key(named, key, more)}))
        assert refused(path) == "its JSON is not that of an image."
        assert refused_image(path) == "its JSON is not that of an image."


def with_key(named: str, key: str, more: str) -> Files:
    return {"manifest.json": named.replace(f'"{key}":', f'"{more}":[],"{key}":').encode()}


@pytest.mark.parametrize(
    "change",
    [
        {"config": {"Variant": "v7"}},
        {"config": {"config": {"ENTRYPOINT": ["/other"]}}},
        {"manifest": {"Annotations": {"a": "x"}}},
        {"manifest": {"MediaType": INDEX_TYPE}},
    ],
)
def test_what_only_go_reads_under_a_key_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = with_json(tmp_path / "image.tar", **change, left_out=["annotations", "mediaType"])
    assert refused(path) == "its JSON is not that of an image."


@pytest.mark.parametrize(
    "change",
    [
        {"mediaType": INDEX_TYPE},
        {"mediaType": None},
        {"manifests": []},
        {"Manifests": []},
        {"fsLayers": []},
        {"history": []},
        {"subject": {"digest": "sha256:0"}},
        {"artifactType": "application/x"},
        {"schemaVersion": 1},
        {"config": Blob(media_type="application/vnd.cncf.helm.config.v1+json", content=b"{}").descriptor},
    ],
)
def test_a_manifest_that_may_be_something_else_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """Readers go by the type beside it, by that in it, or by what it holds."""
    path = with_json(tmp_path / "image.tar", manifest=change)
    assert refused(path) == "its JSON is not that of an image."


@pytest.mark.parametrize(
    "change",
    [
        {"mediaType": MANIFEST_TYPE},
        {"layers": []},
        {"Config": {}},
        {"subject": {}},
        {"artifactType": "x"},
        {"schemaVersion": 1},
    ],
)
def test_an_index_that_may_be_something_else_is_refused(
    write_image: Callable[..., Path], change: dict[str, Any]
) -> None:
    path = changed(write_image(), lambda _, index: index.update(change))
    assert refused(path) == "its JSON is not that of an image."


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_json_that_engines_cannot_read_is_refused(write_image: Callable[..., Path], encoding: str) -> None:
    path = write_image()
    index = read(path)["index.json"].decode().encode(encoding)
    path.write_bytes(write_layout({**read(path), "index.json": index}))
    assert refused(path) == "its JSON is not that of an image."


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 2.0, 1e300])
def test_numbers_that_count_nothing_are_refused(tmp_path: Path, number: float) -> None:
    path = with_json(tmp_path / "image.tar", config={"x": number})
    assert refused(path) == "its JSON is not that of an image."


@pytest.mark.parametrize(
    "change",
    [
        {"config": {"config": {"Entrypoint": "/shop"}}},
        {"config": {"config": {"Entrypoint": {"/shop": 1}}}},
        {"config": {"variant": 0}},
        {"config": {"config": {"Labels": {"a": 1}}}},
        {"config": {"config": {"Labels": ["a"]}}},
        {"config": {"config": {"labels": {"a": 1}}}},
        {"manifest": {"annotations": {"a": 1}}},
    ],
)
def test_what_is_of_another_kind_than_engines_read_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    assert refused(with_json(tmp_path / "image.tar", **change)) == "its JSON is not that of an image."


def test_an_object_in_place_of_the_list_of_tars_is_refused(tmp_path: Path) -> None:
    rootfs = {"type": "layers", "diff_ids": {digest(b""): 0}}
    path = with_json(tmp_path / "image.tar", config={"rootfs": rootfs})
    assert refused(path) == "its layers are not those that its configuration lists."


def with_described_layer(path: Path, **more: object) -> Path:
    """An archive that says more of its layer than where it is."""
    layer = make_changed(tar_of([entry("shop")])).layers[0].blobs["gzip"]
    with_json(
        path,
        config={"rootfs": {"type": "layers", "diff_ids": [digest(gzip.decompress(layer))]}},
        manifest={"layers": [{**Blob(media_type=LAYER_TYPES["gzip"], content=layer).descriptor, **more}]},
    )
    files = {**read(path), blob_path(digest(layer)): layer}
    del files["manifest.json"]
    path.write_bytes(write_layout(files))
    return path


@pytest.mark.parametrize("key", ["urls", "URLs", "data", "platform", "artifactType", "\u202e"])
def test_a_blob_of_which_something_else_is_said_is_refused(tmp_path: Path, key: str) -> None:
    """As where readers are to take it from."""
    path = with_described_layer(tmp_path / "image.tar", **{key: ["https://x.example/layer"]})
    assert refused(path) == f"it says {key!r} of a blob, which is not read."


@pytest.mark.parametrize(
    "name",
    [
        "io.containers.zstd-chunked.manifest-position",
        "io.github.containers.zstd-chunked.manifest-checksum",
        "containerd.io/snapshot/stargz/toc.digest",
        "containerd.io/snapshot/nydus-bootstrap",
        "containerd.io/snapshot/overlaybd/blob-digest",
    ],
)
def test_a_layer_that_some_readers_unpack_by_annotations_is_refused(tmp_path: Path, name: str) -> None:
    path = with_described_layer(tmp_path / "image.tar", annotations={name: "0"})
    assert refused(path) == f"it has a blob with the annotation {name!r}, which is not read."


@pytest.mark.parametrize("annotations", [{}, None])
def test_a_layer_may_have_no_annotations(tmp_path: Path, annotations: object) -> None:
    path = with_described_layer(tmp_path / "image.tar", annotations=annotations)
    assert read_archive(path).program == "/shop"


@pytest.mark.parametrize("name", ["buildkit/rewritten-timestamp", "org.opencontainers.image.title"])
def test_what_some_tools_note_of_a_layer_is_allowed(tmp_path: Path, name: str) -> None:
    path = with_described_layer(tmp_path / "image.tar", annotations={name: "0"})
    assert read_archive(path).program == "/shop"


def test_docker_may_say_for_which_platform_a_configuration_is(tmp_path: Path) -> None:
    """Of versions 25.0.1 to 26.0.0."""
    path = with_json(tmp_path / "image.tar")
    said = {"platform": {"os": "linux", "architecture": "amd64"}}
    config = {**json.loads(read_archive(path).manifest.content)["config"], **said}
    with_json(path, manifest={"config": config})
    image = read_archive(path)
    assert json.loads(image.manifest.content)["config"] == config
    assert [each.digest for each in image.blobs] == [config["digest"]]


@pytest.mark.parametrize("key", ["urls", "data", "artifactType"])
def test_nothing_else_is_said_of_a_configuration(tmp_path: Path, key: str) -> None:
    path = with_json(tmp_path / "image.tar")
    config = {**json.loads(read_archive(path).manifest.content)["config"], key: "x"}
    with_json(path, manifest={"config": config})
    assert refused(path) == f"it says {key!r} of a blob, which is not read."


def test_a_configuration_has_no_annotations(tmp_path: Path) -> None:
    path = with_json(tmp_path / "image.tar")
    config = {**json.loads(read_archive(path).manifest.content)["config"], "annotations": {"a": "b"}}
    with_json(path, manifest={"config": config})
    assert refused(path) == "it has a blob with the annotation 'a', which is not read."


def named(path: Path, **more: object) -> Path:
    """The archive with other values in its manifest.json."""
    files = read(path)
    [entry] = json.loads(files["manifest.json"])
    path.write_bytes(write_layout({**files, "manifest.json": json.dumps([{**entry, **more}]).encode()}))
    return path


FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def sources(path: Path, **more: object) -> dict[str, Any]:
    """What Docker says of a layer since version 25.0."""
    layer = json.loads(read_archive(path).manifest.content)["layers"][0]
    return {
        layer["digest"]: {"mediaType": layer["mediaType"], "size": layer["size"], "digest": layer["digest"], **more}
    }


def test_docker_may_say_again_what_a_layer_is(write_image: Callable[..., Path]) -> None:
    path = write_image()
    assert read_archive(named(path, LayerSources=sources(path))).program == "/shop"
    assert read_archive(named(path, LayerSources=None)).program == "/shop"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"urls": ["https://x.example"]}, "it says 'urls' of a blob, which is not read."),
        ({"data": "eA=="}, "it says 'data' of a blob, which is not read."),
        ({"annotations": {"a": "b"}}, "it has a blob with the annotation 'a', which is not read."),
        ({"mediaType": FOREIGN}, f"it has a layer of the type '{FOREIGN}', which is not read."),
        ({"digest": "x"}, "it has a digest that is not a SHA-256."),
        ({"digest": f"sha256:{'1' * 64}"}, f"blobs/sha256/{'1' * 64} is not in it."),
    ],
)
def test_a_layer_is_said_to_come_from_nowhere_else(
    write_image: Callable[..., Path], change: dict[str, Any], why: str
) -> None:
    path = write_image()
    assert refused(named(path, LayerSources=sources(path, **change))) == why


@pytest.mark.parametrize(
    "more", [{"LayerSources": "x"}, {"LayerSources": []}, {"LayerSources": {"x": "y"}}, {"layerSources": {}}]
)
def test_what_is_said_of_layers_is_what_docker_says(write_image: Callable[..., Path], more: dict[str, Any]) -> None:
    assert refused(named(write_image(), **more)) == "its JSON is not that of an image."


@pytest.mark.parametrize("key", ["RepoTags", "Layers"])
@pytest.mark.parametrize("value", ["shop:latest", 3, True, {"shop:latest": 1}, ["shop:latest", 3], [None]])
def test_the_names_in_a_list_are_texts(write_image: Callable[..., Path], key: str, value: object) -> None:
    path = named(write_image(), **{key: value})
    assert refused(path) == f"{key} in its manifest.json is not a list of texts."
    assert refused_image(path) == f"{key} in its manifest.json is not a list of texts."


@pytest.mark.parametrize("tags", [None, []])
def test_an_image_may_have_no_name(write_image: Callable[..., Path], tags: object) -> None:
    assert read_archive(named(write_image(), RepoTags=tags)).program == "/shop"


def test_other_tools_name_images_by_annotations_and_platforms(write_image: Callable[..., Path]) -> None:
    said = {
        "annotations": {"org.example.name": "x"},
        "artifactType": "application/vnd.example",
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    path = changed(write_image(), lambda _, index: index["manifests"][0].update(said))
    assert read_archive(path).program == "/shop"


def test_of_an_image_nothing_else_is_said(write_image: Callable[..., Path]) -> None:
    path = changed(write_image(), lambda _, index: index["manifests"][0].update(urls=["x"]))
    assert refused(path) == "it says 'urls' of a blob, which is not read."


@pytest.mark.parametrize("content", [None, b"{}", b"[]", b'{"imageLayoutVersion": "2.0.0"}', b"no JSON"])
def test_an_archive_says_that_it_is_a_layout(write_image: Callable[..., Path], content: bytes | None) -> None:
    path = write_image()
    entries = [(entry(name, mode=0o644), text) for name, text in read(path).items() if name != "oci-layout"]
    path.write_bytes(tar_of([*entries, *([(entry("oci-layout"), content)] if content else [])]))
    assert refused(path) == ("its JSON is not that of an image." if content else "oci-layout is not in it.")


def test_labels_and_folders_may_differ_in_capitals_only(tmp_path: Path) -> None:
    config = {"config": {"Labels": {"A": "1", "a": "2"}, "Volumes": {"/A": {}, "/a": {}}}}
    path = with_json(tmp_path / "image.tar", config=config, manifest={"annotations": {"A": "1", "a": "2"}})
    assert read_archive(path).annotations == {"A": "1", "a": "2"}


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


def with_other_layer(path: Path, blob: bytes, media_type: str = LAYER_TYPES["gzip"]) -> Path:
    """The archive with an index that leads to another layer, all of it with its digests, beside what it names."""
    files, there = read(path), read_archive(path).manifest
    del files[blob_path(there.digest)]
    manifest = json.loads(there.content)
    manifest["layers"][0] = Blob(media_type=media_type, content=blob).descriptor
    content = canonical(manifest)
    described = layout_index(Blob(media_type=MANIFEST_TYPE, content=content).descriptor, ["shop:latest"])
    blobs = {blob_path(digest(each)): each for each in (blob, content)}
    path.write_bytes(write_layout({**files, **blobs, "index.json": canonical(described)}))
    return path


EVIL = tar_of([(entry("python"), b"evil")])


@pytest.mark.parametrize(
    ("blob", "media_type", "why"),
    [
        (gzip.compress(EVIL), LAYER_TYPES["gzip"], "the content of {} is another."),
        (zstd(EVIL), LAYER_TYPES["zstd"], "the content of {} is another."),
        (EVIL, TAR_TYPE, "the content of {} is another."),
        (b"junk", LAYER_TYPES["gzip"], "a layer in it is not valid gzip."),
        (b"junk", LAYER_TYPES["zstd"], "a layer in it is not valid zstd."),
        (zstd(EVIL)[:-1], LAYER_TYPES["zstd"], "a layer in it is not valid zstd."),
        (zstd(EVIL) + b"more", LAYER_TYPES["zstd"], "a layer in it is not valid zstd."),
        (bytes.fromhex("502a4d1800000000") + zstd(EVIL), LAYER_TYPES["zstd"], "a layer in it is not valid zstd."),
        (EVIL, LAYER_TYPES["zstd"], "a layer in it is not valid zstd."),
        (b"", LAYER_TYPES["zstd"], "a layer in it is not valid zstd."),
        (b"junk", "x", "it has a layer of the type 'x', which is not read."),
    ],
)
def test_every_layer_that_is_named_holds_the_tar_of_the_configuration(
    write_image: Callable[..., Path], blob: bytes, media_type: str, why: str
) -> None:
    """Podman and containerd read index.json, and Podman compares no layer with the configuration."""
    path = write_image()
    expected = why.format(read_saved(path).layers[0].diff_id)
    with_other_layer(path, blob, media_type)
    assert refused(path) == expected
    assert refused_image(path) == expected
    changed(path, lambda files, _: files.pop("manifest.json"))
    assert refused(path) == expected


@pytest.mark.parametrize("begin", ["1f8b08", "425a68", "fd377a585a00", "28b52ffd", "502a4d18", "5f2a4d18", "04224d18"])
def test_a_tar_that_engines_take_for_something_compressed_is_refused(
    write_image: Callable[..., Path], begin: str
) -> None:
    """They know by the first bytes, as of a name, whatever the type says, and then see another tar."""
    path = with_other_layer(write_image(), bytes.fromhex(begin) + EVIL, TAR_TYPE)
    assert refused(path) == refused_image(path) == "a layer in it begins as something compressed does."


@pytest.mark.parametrize(("media_type", "pack"), [(LAYER_TYPES["zstd"], zstd), (TAR_TYPE, bytes)])
def test_layers_may_be_compressed_in_any_way_and_in_two(
    write_image: Callable[..., Path], media_type: str, pack: Callable[[bytes], bytes]
) -> None:
    path = write_image()
    saved = read_saved(path)
    with_other_layer(path, pack(b"".join(saved.layers[0].tar())), media_type)
    assert read_saved(path) == replace(saved, layers=read_saved(path).layers)
    assert read_archive(path).blobs[1].media_type == media_type


def test_both_ways_lead_to_one_image(tmp_path: Path) -> None:
    one, other = make_changed(tar_of([entry("a")])), make_changed(tar_of([entry("b")]))
    files: list[Files] = []
    for image in (one, other):
        (tmp_path / "image.tar").write_bytes(write_archive(image, ["shop:latest"]))
        files.append(read(tmp_path / "image.tar"))
    path = tmp_path / "image.tar"
    path.write_bytes(write_layout({**files[0], **files[1], "index.json": files[0]["index.json"]}))
    assert refused(path) == "its index.json and its manifest.json name different images."
    built = Written(digest=other.digest, image_id=other.image_id, references=["shop:latest"])
    assert refused_image(path, built) == "its index.json and its manifest.json name different images."


def test_a_manifest_has_as_many_layers_as_the_configuration(tmp_path: Path) -> None:
    path = with_json(tmp_path / "image.tar", config={"rootfs": {"diff_ids": [digest(b"")]}})
    assert refused(path) == "its layers are not those that its configuration lists."


def test_no_more_is_unpacked_than_an_image_may_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "LARGEST", 2**20)
    path = write_changed(tmp_path / "image.tar", [(entry("zeros"), bytes(2**21))])
    assert refused(path) == "it unpacks to more than 1.05 MB."


# As engines read it.


def refused_layers(path: Path, *layers: Sequence[tarfile.TarInfo]) -> str:
    with pytest.raises(ImageError) as caught:
        list(open_layers(write_changed(path, *layers)))
    assert caught.value.remedy == "Build the image again."
    return caught.value.problem.removeprefix(f"{path} holds ")


def refused_image(path: Path, built: Written | None = None) -> str:
    with pytest.raises(ImageError) as caught:
        list(open_layers(path, built))
    assert caught.value.remedy == "Build the image again."
    return caught.value.problem.removeprefix(f"{path} is not an image archive: ")


def test_the_layers_are_read_from_the_lowest(tmp_path: Path) -> None:
    archive = write_changed(tmp_path / "image.tar", [entry("a"), link("l", "a")], [entry("b")])
    assert [[member.name for member in layer] for layer in open_layers(archive)] == [["a", "l"], ["b"]]


def owned(name: str, **numbers: int) -> tarfile.TarInfo:
    info = entry(name)
    info.uid, info.gid = numbers.get("uid", 0), numbers.get("gid", 0)
    return info


def extended(name: str, **records: str) -> tarfile.TarInfo:
    """An entry of which an extended header says more; `_` in a keyword stands for `.`."""
    info = entry(name)
    info.pax_headers = {keyword.replace("_", "."): text for keyword, text in records.items()}
    return info


MORE = "which has attributes that are not written here."
BAD_ENTRIES = pytest.mark.parametrize(
    ("bad", "text"),
    [
        (owned("x", uid=1000), "'x', which is not owned by root."),
        (owned("x", gid=1000), "'x', which is not owned by root."),
        (extended("x", uid="1000"), f"'x', {MORE}"),
        (extended("x", SCHILY_xattr_security_capability="0"), f"'x', {MORE}"),
        (entry("../x"), "'../x', which is not a path below the root."),
        (link("l", "../x"), "'l', which is a link out of the root, to ../x."),
        (link("l", "/etc"), "'l', which is a link to the absolute path /etc."),
        (entry("h", tarfile.LNKTYPE, "a"), "'h', which is neither a file nor a folder nor a symbolic link."),
        (entry("null", tarfile.CHRTYPE), "'null', which is neither a file nor a folder nor a symbolic link."),
        (entry("a/b"), "'a/b', which lies behind a file."),
        (entry("a", tarfile.DIRTYPE), "'a', which is a folder and something else."),
        (entry("x/.wh.a"), "'x/.wh.a', which is the mark of a removed file."),
        (entry("x/" * 300 + "x"), f"'{('x/' * 300)[:100]}…', which has a name that is too long, or too many levels."),
        (entry("y" * 256), f"'{'y' * 100}…', which has a name that is too long, or too many levels."),
    ],
)


@BAD_ENTRIES
def test_an_entry_that_is_not_written_here_is_named(tmp_path: Path, bad: tarfile.TarInfo, text: str) -> None:
    assert refused_layers(tmp_path / "image.tar", [entry("a")], [entry("b"), bad]) == text


@BAD_ENTRIES
def test_an_entry_in_an_archive_that_somebody_names_is_named(tmp_path: Path, bad: tarfile.TarInfo, text: str) -> None:
    path = write_changed(tmp_path / "image.tar", [entry("a")], [entry("b"), bad])
    with pytest.raises(ConfigError) as caught:
        read_archive(path)
    assert str(caught.value) == f"{path} holds {text}\n{REMEDY}"


def test_a_layer_in_an_archive_that_somebody_names_is_a_tar(tmp_path: Path) -> None:
    assert (
        refused(with_layer(tmp_path / "image.tar", gzip.compress(b"no tar" * 99), b"no tar" * 99))
        == "it is not a tar archive."
    )


def test_links_that_lead_out_are_named_in_an_archive_that_somebody_names(tmp_path: Path) -> None:
    path = write_changed(tmp_path / "image.tar", [link("l", "a/up/..")], [link("a/up", "..")])
    with pytest.raises(ConfigError) as caught:
        read_archive(path)
    assert caught.value.problem == f"{path} holds 'l', which is a link out of the root, through other links."


def test_a_layer_that_lies_above_itself_once_more_is_the_upper_one(tmp_path: Path) -> None:
    """By the lower one alone, the last layer would lead out."""
    harmless, out = tar_of([link("a/up", "x")]), tar_of([link("a/up", ".."), link("l", "a/up/..")])
    path = tmp_path / "image.tar"
    path.write_bytes(write_archive(make_changed(harmless, out, harmless), ["shop:latest"]))
    assert read_archive(path).program == "/shop"
    path.write_bytes(write_archive(make_changed(out, harmless, out), ["shop:latest"]))
    with pytest.raises(ConfigError):
        read_archive(path)


def test_nothing_may_lie_behind_a_link(tmp_path: Path) -> None:
    links = [link("etc", "usr")]
    assert refused_layers(tmp_path / "image.tar", links, [entry("etc/x")]) == "'etc/x', which lies behind a link."


def test_links_that_lead_out_through_one_another_are_named(tmp_path: Path) -> None:
    """Each of them stays below the root, if the other were a folder."""
    layers = [link("a/up", ".."), link("l", "a/up/..")]
    assert refused_layers(tmp_path / "image.tar", layers) == (
        "'l', which is a link out of the root, through other links."
    )
    assert refused_layers(tmp_path / "image.tar", layers[1:], layers[:1]).startswith("'l', which is a link out")


def test_links_that_lead_in_circles_are_named(tmp_path: Path) -> None:
    links = [link("a", "b"), link("b", "a")]
    assert refused_layers(tmp_path / "image.tar", links) == "'a', which is a link that leads in circles."


@pytest.mark.parametrize("bad", [entry("../x"), entry("a/x"), entry("x", tarfile.CHRTYPE)])
def test_what_is_read_after_the_check_is_checked_too(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    """The file may be another by then, or the same with other bytes."""
    path = write_changed(tmp_path / "image.tar", [entry("a")], [entry("b", mode=0o644)])
    layers = open_layers(path)
    first = [member.name for member in next(layers)]
    saved = read_saved(path).layers[1]
    other = gzip.compress(tar_of([bad]), mtime=0)
    with path.open("r+b") as file:
        file.seek(saved.start)
        file.write(other.ljust(saved.size, b"\0"))
    with pytest.raises(ImageError) as caught:
        list(next(layers))
    assert (first, caught.value.remedy) == (["a"], "Build the image again.")
    assert caught.value.problem.startswith(f"{path} holds '{bad.name}', which ")


def test_other_content_is_told_after_the_check_too(tmp_path: Path) -> None:
    path = write_changed(tmp_path / "image.tar", [entry("a")])
    layers, saved = open_layers(path), read_saved(path).layers[0]
    layer = next(layers)
    with path.open("r+b") as file:
        file.seek(saved.start)
        file.write(gzip.compress(tar_of([entry("c")]), mtime=0).ljust(saved.size, b"\0"))
    with pytest.raises(ImageError) as caught:
        list(layer)
    assert caught.value.problem in (
        f"{path} is not an image archive: the content of {saved.digest} is another.",
        f"{path} is not an image archive: a layer in it is not valid gzip.",
    )


def test_so_is_other_content_while_a_file_is_unpacked(tmp_path: Path) -> None:
    path = write_changed(tmp_path / "image.tar", [(entry("a"), os.urandom(2**22))])
    layers, saved = open_layers(path), read_saved(path).layers[0]
    file = next(next(layers)).content
    with path.open("r+b") as archive:
        archive.seek(saved.start)
        archive.write(bytes(saved.size))
    with pytest.raises(ImageError) as caught:
        list(file)
    assert (
        str(caught.value) == f"{path} is not an image archive: a layer in it is not valid gzip.\nBuild the image again."
    )


def written(path: Path) -> Written:
    """What an archive holds, taken for what was built."""
    saved, manifest = read_saved(path), read_archive(path).manifest
    image_id = json.loads(manifest.content)["config"]["digest"]
    return Written(digest=manifest.digest, image_id=image_id, references=saved.references)


def test_only_the_image_that_was_built_is_read(write_image: Callable[..., Path]) -> None:
    path = write_image()
    built, other = written(path), f"sha256:{'1' * 64}"
    assert read_saved(path, built).references == ["shop:latest"]
    assert refused_image(path, replace(built, image_id=other)) == f"it holds {built.image_id}, and {other} was built."
    assert refused_image(path, replace(built, digest=other)) == f"it holds {built.digest}, and {other} was built."


def test_an_archive_of_ours_does_not_give_its_image_other_names(write_image: Callable[..., Path]) -> None:
    """Who loads it would give them to the image, whichever had them."""
    path = write_image()
    built, names = written(path), ["shop:latest", "python:3.13-slim"]
    tags = json.loads(read(path)["manifest.json"])
    tags[0]["RepoTags"] = names
    path.write_bytes(write_layout({**read(path), "manifest.json": canonical(tags)}))
    assert read_saved(path).references == names
    assert refused_image(path, built) == "manifest.json in it is not as it was written."


def with_other_layer_for_docker(path: Path) -> Path:
    """The archive in which manifest.json names the first layer in another compression, of which it is the only user."""
    files, image = read(path), read_saved(path)
    blob = gzip.compress(b"".join(image.layers[0].tar()), 1, mtime=1)
    names = json.loads(files["manifest.json"])
    names[0]["Layers"][0] = blob_path(digest(blob))
    described = {blob_path(blob.digest) for blob in read_archive(path).blobs}
    unused = {blob_path(image.layers[0].digest)} - described
    kept = {name: content for name, content in files.items() if name not in unused}
    path.write_bytes(write_layout({**kept, blob_path(digest(blob)): blob, "manifest.json": canonical(names)}))
    return path


def test_docker_gets_the_own_layers_of_an_image_of_ours(write_image: Callable[..., Path]) -> None:
    path = write_image()
    built = written(path)
    with_other_layer_for_docker(path)
    assert refused_image(path, built) == "manifest.json in it is not as it was written."
    assert read_archive(path).program == "/shop"


def test_for_docker_layers_in_zstd_are_compressed_in_another_way(tmp_path: Path) -> None:
    path, tar = tmp_path / "image.tar", tar_of([entry("a")])
    layer = Layer(kind="x", tar=tar, blobs={"gzip": gzip.compress(tar, mtime=0), "zstd": zstd(tar)}, size_bytes=0)
    path.write_bytes(write_archive(make_image([layer], RUNTIME, 0, "zstd"), ["shop:latest"]))
    built = written(path)
    before = read_saved(path, built)
    after = read_saved(with_other_layer_for_docker(path), built)
    assert before.layers[0].digest != after.layers[0].digest
    assert before.layers[0].diff_id == after.layers[0].diff_id


JUST = "it does not hold just what was written, in that order."


def test_an_archive_of_ours_holds_nothing_else(write_image: Callable[..., Path]) -> None:
    """Older engines read other files too, and those of other names for the same."""
    path = write_image()
    files, built = read(path), written(path)
    for more in ("repositories", "blobs/sha256/" + digest(b"x").removeprefix("sha256:"), "x/index.json"):
        path.write_bytes(write_layout({**files, more: b"x"}))
        assert refused_image(path, built) == JUST


@pytest.mark.parametrize(
    "change", [{"mode": 0o777}, {"uid": 7}, {"mtime": 1}, {"pax_headers": {"SCHILY.xattr.a": "b"}}]
)
@pytest.mark.parametrize("name", ["blobs", "index.json"])
def test_an_archive_of_ours_holds_it_as_it_was_written(
    write_image: Callable[..., Path], name: str, change: dict[str, Any]
) -> None:
    path = write_image()
    built, buffer = written(path), io.BytesIO()
    with tarfile.open(path) as before, tarfile.open(fileobj=buffer, mode="w") as after:
        for each in before:
            content = before.extractfile(each)
            for key, value in change.items() if each.name == name else ():
                setattr(each, key, value)
            after.addfile(each, content)
    path.write_bytes(buffer.getvalue())
    assert refused_image(path, built) == JUST


def test_no_mode_in_an_archive_of_ours_says_a_kind(write_image: Callable[..., Path]) -> None:
    """Docker and Podman do in those that they save."""
    path = write_image()
    built, header = written(path), bytearray(path.read_bytes()[:BLOCK])
    header[100:108] = b"0040755\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path.write_bytes(bytes(header) + path.read_bytes()[BLOCK:])
    assert read_archive(path).program == "/shop"
    assert refused_image(path, built) == JUST


@pytest.mark.parametrize("content", [b"{}", b'{"imageLayoutVersion":"9.0.0"}', bytes(100_000)])
def test_an_archive_of_ours_says_which_layout_it_has(write_image: Callable[..., Path], content: bytes) -> None:
    """By that, containerd reads index.json or manifest.json."""
    path = write_image()
    path.write_bytes(write_layout({**read(path), "oci-layout": content}))
    assert refused_image(path) == "oci-layout in it is not as it was written."


@pytest.mark.parametrize("begin", [b"BZh91AY&SY", b"(\xb5/\xfd", b"P*M ", b"x"])
def test_an_archive_of_ours_is_none_that_engines_unpack_first(write_image: Callable[..., Path], begin: bytes) -> None:
    """They know by the first bytes, and then see another archive; here in the name of a header that none reads."""
    path = write_image()
    built = written(path)
    before = io.BytesIO()
    with tarfile.open(fileobj=before, mode="w") as tar:
        tar.addfile(extended("blobs", path="blobs/"))
    first = bytearray(before.getvalue()[: 2 * BLOCK])
    first[:100] = begin.ljust(100, b"\0")
    first[148:156] = b" " * 8
    first[148:156] = b"%06o\0 " % sum(first[:BLOCK])
    path.write_bytes(bytes(first) + path.read_bytes())
    assert read_archive(path).program == "/shop"
    assert refused_image(path, built) == JUST


def test_an_archive_of_ours_has_the_annotations_that_were_written(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    image, references = make_changed(tar_of([entry("a")])), ["shop:latest"]
    built = Written(digest=image.digest, image_id=image.image_id, references=references)
    other = canonical({**json.loads(image.manifest), "annotations": {"org.opencontainers.image.source": "elsewhere"}})
    path.write_bytes(write_archive(replace(image, manifest=other), references))
    assert read_saved(path).references == references
    assert refused_image(path, built) == f"it holds {digest(other)}, and {built.digest} was built."


@pytest.mark.parametrize(
    ("name", "written", "changed_to"),
    [
        ("index.json", b"library/shop:latest", b"library/python:latest"),
        ("index.json", b'"manifests":', b'"manifests": '),
        ("manifest.json", b'"RepoTags":', b'"Parent":"x","RepoTags":'),
    ],
)
def test_an_archive_of_ours_names_its_image_as_it_was_written(
    write_image: Callable[..., Path], name: str, written: bytes, changed_to: bytes
) -> None:
    path = write_image()
    files = read(path)
    assert written in files[name]
    path.write_bytes(write_layout({**files, name: files[name].replace(written, changed_to)}))
    assert refused_image(path) == f"{name} in it is not as it was written."


def test_an_archive_of_ours_has_the_manifest_that_was_written(tmp_path: Path) -> None:
    path = with_json(tmp_path / "image.tar")
    name = blob_path(read_archive(path).manifest.digest)
    assert refused_image(path) == f"{name} in it is not as it was written."


def with_layer(path: Path, blob: bytes, tar: bytes) -> Path:
    """An archive with one layer, whose gzip and tar need not belong together."""
    layer = Layer(kind="x", tar=tar, blobs={"gzip": blob}, size_bytes=0)
    path.write_bytes(write_archive(make_image([layer], RUNTIME, 0, "gzip"), []))
    return path


EMPTY = tar_of([])


@pytest.mark.parametrize(
    ("blob", "tar", "why"),
    [
        (b"", EMPTY, "a layer in it is not valid gzip"),
        (b"no gzip", EMPTY, "a layer in it is not valid gzip"),
        (gzip.compress(EMPTY)[:-9], EMPTY, "a layer in it is not valid gzip"),
        (gzip.compress(EMPTY) + b"more", EMPTY, "a layer in it is not valid gzip"),
        (gzip.compress(EMPTY), b"another", f"the content of {digest(b'another')} is another"),
        (gzip.compress(b"no tar" * 99), b"no tar" * 99, "it is not a tar archive"),
        (gzip.compress(b""), b"", "it ends too early"),
        (gzip.compress(EMPTY * 2), EMPTY * 2, "it goes on after its end"),
    ],
    ids=["empty", "no gzip", "cut", "more", "another tar", "no tar", "empty tar", "two tars"],
)
def test_a_layer_that_is_none_is_told(tmp_path: Path, blob: bytes, tar: bytes, why: str) -> None:
    assert refused_image(with_layer(tmp_path / "image.tar", blob, tar)) == f"{why}."


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
@pytest.mark.parametrize("more", [b"more", gzip.compress(b"", mtime=0), zstd(b"")], ids=["other", "gzip", "zstd"])
def test_what_follows_what_is_compressed_is_told_wherever_reading_paused(
    write_image: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes], more: bytes
) -> None:
    path = write_image()
    kind: Compression = "gzip" if pack is gzip.compress else "zstd"
    blob = pack(b"".join(read_saved(path).layers[0].tar()))
    with_other_layer(path, blob + more, LAYER_TYPES[kind])
    for module in (system_files, unpacking):
        monkeypatch.setattr(module, "PIECE", len(blob))
    assert refused(path) == refused_image(path) == f"a layer in it is not valid {kind}."


def test_a_layer_of_ever_more_zeros_is_told_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root, "LARGEST", 2**20)
    tar = tar_of([(entry("zeros"), bytes(2**21))])
    with pytest.raises(ImageError) as caught:
        list(open_layers(with_layer(tmp_path / "image.tar", gzip.compress(tar), tar)))
    assert caught.value.problem == f"{tmp_path / 'image.tar'} unpacks to more than 1.05 MB."


def test_a_huge_sparse_archive_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.touch()
    os.truncate(path, 20 * 10**9)
    assert refused(path) == "it has 20000.00 MB, and no more than 8589.93 MB are read."
    assert refused_image(path) == "it has 20000.00 MB, and no more than 8589.93 MB are read."


def test_a_layer_that_is_named_ever_so_often_is_read_once(tmp_path: Path) -> None:
    image, times = make_changed(EMPTY), 5_000
    layers = json.loads(image.manifest)["layers"] * times
    path = with_json(
        tmp_path / "image.tar", config={"rootfs": {"diff_ids": [digest(EMPTY)] * times}}, manifest={"layers": layers}
    )
    image_id = digest_of(json.loads(read(path)["manifest.json"])[0]["Config"])
    named = {"manifest.json": canonical(saved_names(image_id, [], [layers[0]["digest"]] * times))}
    blob = {blob_path(layers[0]["digest"]): image.layers[0].blobs["gzip"]}
    path.write_bytes(write_layout({**read(path), **named, **blob}))
    started = time.monotonic()
    assert len(read_archive(path).blobs) == len(["configuration", "layer"])
    assert time.monotonic() - started < 5


def test_json_of_any_size_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(write_layout({"index.json": b" " * (LARGEST_JSON + 1)}))
    assert refused(path) == "its JSON has 4.19 MB, and no more than 4.19 MB are read."


def test_a_name_that_is_there_twice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(tar_of([entry("index.json"), entry("index.json")]))
    assert refused(path) == "'index.json' is in it twice."


def test_a_blob_of_no_digest_is_told(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(tar_of([entry("blobs/sha256/x")]))
    assert refused(path) == "'blobs/sha256/x' in it has a name that is not a SHA-256."


@pytest.mark.parametrize("change", [{"os": "li\x1b[2J"}, {"config": {"Entrypoint": ["/shop\n"]}}, {"os": 3}])
def test_a_configuration_that_a_terminal_could_be_misled_by_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    assert refused(with_json(tmp_path / "image.tar", config=change)) == "its JSON is not that of an image."


@pytest.mark.parametrize(
    "annotations", [[["a", "x"], [1, "y"]], ["ab"], "ab", {"a": "\ud800"}, {"\ud800": "a"}, {"a": {"b": "\udfff"}}]
)
def test_annotations_that_no_json_can_hold_again_are_refused(tmp_path: Path, annotations: object) -> None:
    path = with_json(tmp_path / "image.tar", manifest={"annotations": annotations})
    assert refused(path) == "its JSON is not that of an image."


@pytest.mark.parametrize("word", ["../../x", "a/b", "..", "x" * 33, "x\n", "größe", 3])
@pytest.mark.parametrize("key", ["os", "architecture", "variant"])
def test_a_platform_is_of_short_words(tmp_path: Path, key: str, word: object) -> None:
    path = with_json(tmp_path / "image.tar", config={key: word})
    assert refused(path) == "its JSON is not that of an image."


def test_a_variant_is_a_part_of_the_platform(tmp_path: Path) -> None:
    config = {"architecture": "arm", "variant": "v7"}
    assert read_archive(with_json(tmp_path / "image.tar", config=config)).platform == "linux/arm/v7"


NO_MEMORY = """
import resource, sys
from pathlib import Path
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.oci.reading.images import read_archive

taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 2**24,) * 2)
try:
    read_archive(Path(sys.argv[1]))
except PystaticError as error:
    print(error.problem)
"""


def test_a_layer_larger_than_memory_is_told(tmp_path: Path) -> None:
    tar = tar_of([(entry("zeros"), bytes(2**25))])
    layer = Layer(kind="x", tar=tar, blobs={"gzip": gzip.compress(tar, 0)}, size_bytes=0)
    path = tmp_path / "image.tar"
    path.write_bytes(write_archive(make_image([layer], RUNTIME, 0, "gzip"), []))
    command = [sys.executable, "-c", NO_MEMORY, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == f"{path} is not an image archive: there is not enough memory to read it.\n"


def test_engines_are_given_its_configuration_its_layers_and_its_names(write_image: Callable[..., Path]) -> None:
    saved = read_saved(write_image())
    assert [layer.diff_id for layer in saved.layers] == saved.config["rootfs"]["diff_ids"]
    assert (saved.kinds, saved.references) == (["python", "project"], ["shop:latest"])


NO_BLOB = b'[{"Layers": [], "Config": "x", "RepoTags": []}]'


@pytest.mark.parametrize("read_ours", [read_saved, lambda path: list(open_layers(path))])
@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "manifest.json is not in it"),
        ({"manifest.json": b"{"}, "its JSON is not that of an image"),
        ({"manifest.json": b"[]"}, "its JSON is not that of an image"),
        ({"manifest.json": b"[" * 100_000}, "its JSON is not that of an image"),
        ({"manifest.json": b"[" * 500 + b"]" * 500}, "its JSON is not that of an image"),
        ({"manifest.json": b"9" * 5000}, "its JSON is not that of an image"),
        ({"manifest.json": NO_BLOB}, "'x', which it names, is not a blob"),
    ],
)
def test_an_archive_of_ours_that_is_broken_is_to_be_built_again(
    tmp_path: Path, read_ours: Callable[[Path], object], files: Files, why: str
) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(write_layout(files))
    with pytest.raises(ImageError) as caught:
        read_ours(path)
    assert str(caught.value) == f"{path} is not an image archive: {why}.\nBuild the image again."
