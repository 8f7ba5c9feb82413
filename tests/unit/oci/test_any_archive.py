"""Whatever somebody made of an archive: it is read as it is, or refused in one line, and nothing is written outside."""

from __future__ import annotations

import gzip
import json
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from changed_images import entry, link, make_changed, tar_of
from hypothesis import given
from hypothesis import strategies as st

from pystatic_tasks.engines.local import extract
from pystatic_tasks.errors import PystaticError
from pystatic_tasks.fronts.rebuild.compare import first_difference
from pystatic_tasks.oci.archive import write_archive, write_layout
from pystatic_tasks.oci.blobs import Blob, digest
from pystatic_tasks.oci.layers import Entry, make_layer
from pystatic_tasks.oci.manifest import CONFIG_TYPE, Runtime, make_image
from pystatic_tasks.oci.reading.images import open_layers, read_archive, read_saved

LONGEST_LINE = 500
RUNTIME = Runtime(platform="linux/amd64", user="1:1", entrypoint=["/shop"], env=[], ports=[], labels={"a": "b"})
ENTRIES = [Entry(path="/d", mode=0o755), Entry(path="/d/shop", mode=0o755, content=b"x" * 700)]
LAYER = make_layer("program", ENTRIES, 0, {"gzip": partial(gzip.compress, mtime=0)})
IMAGE = make_image([LAYER], RUNTIME, 0, "gzip")
ARCHIVE = write_archive(IMAGE, ["shop:latest"])
# Few names, so that they meet.
NAMES = st.lists(st.sampled_from(["a", "b", "etc", "hosts", "dev", "tmp", "..", "."]), min_size=1, max_size=4)
PATHS = NAMES.map("/".join) | st.sampled_from(["/etc/hosts", "a\n", "etc/resolv.conf", "x" * 300, "", "/"])
KINDS = [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, b"g"]
MEMBERS = st.builds(entry, PATHS, st.sampled_from(KINDS), PATHS, mode=st.integers(0, 0o7777))
MEMBERS |= st.builds(link, NAMES.map("/".join), NAMES.map("/".join))


def check(content: bytes) -> None:
    """Read an archive in every way, and unpack it; only in the folder for it may anything be made."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "inner")
        folder.mkdir()
        archive, other = folder / "image.tar", folder / "other.tar"
        archive.write_bytes(content)
        other.write_bytes(ARCHIVE)
        hosts = Path("/etc/hosts").stat()
        for read in (
            lambda: read_archive(archive),
            lambda: read_saved(archive),
            lambda: [list(layer) for layer in open_layers(archive)],
            lambda: first_difference(other, archive),
            lambda: extract(archive, folder / "root", volumes=["/a", "/data"]),
        ):
            found = None
            try:
                read()
            except PystaticError as error:
                found = error.problem
            assert found is None or (found.isprintable() and 0 < len(found) < LONGEST_LINE)
        assert {path.name for path in folder.iterdir()} <= {"image.tar", "other.tar", "root"}
        assert list(Path(temporary).iterdir()) == [folder]
        assert Path("/etc/hosts").stat() == hosts


CHANGES = st.lists(st.tuples(st.integers(0, len(ARCHIVE) - 1), st.binary(min_size=1, max_size=12)), max_size=4)


@given(changes=CHANGES, end=st.integers(0, len(ARCHIVE)) | st.just(len(ARCHIVE)))
def test_an_archive_may_have_any_bytes(changes: Sequence[tuple[int, bytes]], end: int) -> None:
    content = bytearray(ARCHIVE)
    for at, found in changes:
        content[at : at + len(found)] = found
    check(bytes(content[:end]))


@given(layers=st.lists(st.lists(MEMBERS, max_size=6), max_size=3))
def test_layers_may_hold_any_entries(layers: Sequence[Sequence[tarfile.TarInfo]]) -> None:
    check(write_archive(make_changed(*map(tar_of, layers)), ["shop:latest"]))


TAR = tar_of([entry("a"), link("b", "a")])


@given(st.lists(st.tuples(st.integers(0, 1024), st.binary(min_size=1, max_size=12)), min_size=1, max_size=4))
def test_a_layer_may_have_any_bytes(changes: Sequence[tuple[int, bytes]]) -> None:
    content = bytearray(TAR)
    for at, found in changes:
        content[at : at + len(found)] = found
    check(write_archive(make_changed(bytes(content)), []))


KEYS = st.sampled_from(
    ["manifests", "Config", "Layers", "RepoTags", "digest", "size", "mediaType", "diff_ids", "Labels"]
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
NEARLY = st.sampled_from(["sha256:" + "0" * 64, "blobs/", "blobs/sha256/x", digest(IMAGE.config), "li\x1b[2J"])
JSON = st.recursive(
    PLAIN | NEARLY, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=10
)


@given(index=JSON, manifest=JSON)
def test_its_json_may_be_any(index: object, manifest: object) -> None:
    files = {"index.json": index, "manifest.json": manifest}
    check(write_layout({name: json.dumps(content).encode() for name, content in files.items()}))


OF_CONFIG = st.sampled_from(["os", "architecture", "variant", "config", "rootfs", "history", "more"])
OF_MANIFEST = st.sampled_from(["mediaType", "layers", "annotations", "more"])


@given(config=st.dictionaries(OF_CONFIG, JSON), manifest=st.dictionaries(OF_MANIFEST, JSON))
def test_its_json_may_be_any_with_the_right_digests(config: dict[str, object], manifest: dict[str, object]) -> None:
    content = json.dumps({**json.loads(IMAGE.config), **config}).encode()
    descriptor = Blob(media_type=CONFIG_TYPE, content=content).descriptor
    changed = {**json.loads(IMAGE.manifest), "config": descriptor, **manifest}
    check(write_archive(replace(IMAGE, config=content, manifest=json.dumps(changed).encode()), []))
