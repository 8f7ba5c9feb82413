from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pystatic_tasks.fronts.rebuild.compare import Difference, differing_key, first_difference
from pystatic_tasks.oci.archive import write_archive
from pystatic_tasks.oci.layers import Entry, Layer, make_layer
from pystatic_tasks.oci.manifest import OciImage, Runtime, make_image

SHA256_OF_X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
SHA256_OF_Y = "a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa"
RUNTIME = Runtime(
    platform="linux/amd64", user="65535:65535", entrypoint=["/shop"], env=["A=1"], ports=[8000], labels={"a": "b"}
)
FILES = {"libc": [Entry(path="/lib", mode=0o755)], "project": [Entry(path="/shop", mode=0o755, content=b"x")]}


def build(
    files: Mapping[str, Sequence[Entry]] = FILES, created: int = 1000, level: int = 9, **runtime: Any
) -> OciImage:
    def compress(content: bytes) -> bytes:
        return gzip.compress(content, level, mtime=0)

    layers = [make_layer(kind, entries, created, {"gzip": compress}) for kind, entries in files.items()]
    return make_image(layers, replace(RUNTIME, **runtime), created, "gzip")


def difference(folder: Path, *images: OciImage, names: Sequence[Sequence[str]] = (["a:1"], ["a:1"])) -> Any:
    archives = [folder / "first.tar", folder / "second.tar"]
    for path, image, references in zip(archives, images, names, strict=True):
        path.write_bytes(write_archive(image, references))
    return first_difference(*archives)


def with_project(*entries: Entry) -> OciImage:
    return build({**FILES, "project": entries})


def test_the_same_archives_do_not_differ(tmp_path: Path) -> None:
    assert difference(tmp_path, build(), build()) is None


def test_a_file_of_other_content_is_named_with_both_contents(tmp_path: Path) -> None:
    other = with_project(Entry(path="/shop", mode=0o755, content=b"y"))
    assert difference(tmp_path, build(), other) == Difference(
        where="/shop in the layer project",
        first=f"1 bytes, sha256:{SHA256_OF_X}, mode 0755, owner 0:0, time 1000",
        second=f"1 bytes, sha256:{SHA256_OF_Y}, mode 0755, owner 0:0, time 1000",
    )


@pytest.mark.parametrize(
    ("entries", "where", "second"),
    [
        ([Entry(path="/a", mode=0o755), *FILES["project"]], "/a", "folder, mode 0755, owner 0:0, time 1000"),
        ([], "/shop", "not there"),
        ([Entry(path="/shop", mode=0o777, link="x")], "/shop", "link to x, mode 0777, owner 0:0, time 1000"),
        (
            [Entry(path="/shop", mode=0o644, content=b"x")],
            "/shop",
            f"1 bytes, sha256:{SHA256_OF_X}, mode 0644, owner 0:0, time 1000",
        ),
    ],
)
def test_what_is_there_once_or_is_something_else_is_named(
    tmp_path: Path, entries: list[Entry], where: str, second: str
) -> None:
    found = difference(tmp_path, build(), with_project(*entries))
    assert (found.where, found.second) == (f"{where} in the layer project", second)


def test_another_time_is_seen_at_the_first_file(tmp_path: Path) -> None:
    found = difference(tmp_path, build(), build(created=1001))
    assert (found.where, found.first) == ("/lib in the layer libc", "folder, mode 0755, owner 0:0, time 1000")


def test_another_compression_is_told_from_another_content(tmp_path: Path) -> None:
    big = {"project": [Entry(path="/shop", mode=0o755, content=bytes(range(256)) * 99)]}
    found = difference(tmp_path, build(big), build(big, level=1))
    assert found.where == "the compression of the layer project"


def test_another_order_in_a_layer_is_seen(tmp_path: Path) -> None:
    entries = [Entry(path=path, mode=0o755) for path in ("/a", "/b")]
    found = difference(tmp_path, with_project(*entries), with_project(*reversed(entries)))
    assert found.where == "the order of the layer project"


@pytest.mark.parametrize(
    ("runtime", "expected"),
    [
        ({"env": ["A=2"]}, ("config.Env.0 in the image's configuration", '"A=1"', '"A=2"')),
        ({"labels": {}}, ("config.Labels.a in the image's configuration", '"b"', "not there")),
        ({"ports": [8001]}, ("config.ExposedPorts.8000/tcp in the image's configuration", "{}", "not there")),
    ],
)
def test_a_key_of_the_configuration_is_named(
    tmp_path: Path, runtime: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    found = difference(tmp_path, build(), build(**runtime))
    assert (found.where, found.first, found.second) == expected


def test_a_key_of_the_manifest_is_named(tmp_path: Path) -> None:
    other = replace(build(), manifest=build().manifest.replace(b'"annotations":{"a":"b"}', b'"annotations":{}'))
    found = difference(tmp_path, build(), other)
    assert found.lines == ('first   "b"', "second  not there")
    assert found.where == "annotations.a in the image's manifest"


def test_other_names_are_seen(tmp_path: Path) -> None:
    found = difference(tmp_path, build(), build(), names=(["a:1"], ["a:1", "a:2"]))
    assert (found.where, found.second) == ("1 in its names", '"a:2"')


def test_what_differs_in_the_archive_only_is_seen_too(tmp_path: Path) -> None:
    archives = [tmp_path / "first.tar", tmp_path / "second.tar"]
    for path in archives:
        path.write_bytes(write_archive(build(), ["a:1"]))
    with tarfile.open(archives[1], "a") as tar:
        tar.addfile(tarfile.TarInfo("more"))
    found = first_difference(*archives)
    assert found is not None
    assert found.where == "image.tar"


def test_a_layer_that_is_there_once_is_seen_in_the_configuration(tmp_path: Path) -> None:
    found = difference(tmp_path, build(), build({"libc": FILES["libc"]}))
    assert found.where.startswith("history.1")


def test_what_is_no_table_is_compared_as_a_whole() -> None:
    found = differing_key("x", json.loads("[1, [2]]"), [1, 3])
    assert found == Difference(where="1 in x", first="[2]", second="3")


def test_a_layer_has_its_kind_in_the_history() -> None:
    layer = Layer(kind="third-party", tar=b"", blobs={"gzip": b""}, size_bytes=0)
    config = json.loads(make_image([layer], RUNTIME, 0, "gzip").config)
    assert config["history"][0]["created_by"] == "pystatic-tasks: third-party"
