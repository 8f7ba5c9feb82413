from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from pystatic_tasks.engines.layers import open_layers
from pystatic_tasks.errors import ImageError


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


def refused(path: Path, *layers: Sequence[tarfile.TarInfo]) -> str:
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
    assert refused(tmp_path / "image.tar", [entry("a")], [entry("b"), bad]) == text


def test_nothing_may_lie_behind_a_link(tmp_path: Path) -> None:
    link = entry("etc", tarfile.SYMTYPE, "usr")
    assert refused(tmp_path / "image.tar", [link], [entry("etc/x")]) == "'etc/x', which lies behind a link."
