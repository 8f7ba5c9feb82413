from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence

import pytest
from changed_images import entry, link, tar_of

from pystatic_tasks.oci import tar_reader
from pystatic_tasks.oci.layers import Entry, write_tar
from pystatic_tasks.oci.tar_reader import BLOCK, BrokenArchiveError, Member, Pieces, read_members

LONG = "/".join(["größe"] * 30)


def members(tar: bytes) -> list[Member]:
    return list(read_members(io.BytesIO(tar)))


def refused(tar: bytes) -> str:
    with pytest.raises(BrokenArchiveError) as caught:
        members(tar)
    return str(caught.value)


def header(at: slice, content: bytes, of: tarfile.TarInfo | None = None) -> bytes:
    """A tar whose first header, of an empty file, has other bytes somewhere, and the right checksum."""
    tar = bytearray(tar_of([of or entry("a"), entry("z")]))
    tar[at] = content
    tar[148:156] = b" " * 8
    tar[148:156] = b"%06o\0 " % sum(tar[:BLOCK])
    return bytes(tar)


def test_it_reads_what_is_written_here() -> None:
    entries = [
        Entry(path="/d", mode=0o1777),
        Entry(path=f"/{LONG}", mode=0o4755, content=b"x" * 1000),
        Entry(path="/l", mode=0o777, link=f"d/{LONG}"),
        Entry(path="/z", mode=0o644, content=b""),
    ]
    tar = write_tar(entries, modified=7)
    found = [
        (each.name, each.kind, each.mode, each.link, each.modified, tar[each.start : each.start + each.size])
        for each in read_members(io.BytesIO(tar))
    ]
    assert found == [
        ("d", "folder", 0o1777, "", 7, b""),
        (LONG, "file", 0o4755, "", 7, b"x" * 1000),
        ("l", "link", 0o777, f"d/{LONG}", 7, b""),
        ("z", "file", 0o644, "", 7, b""),
    ]


@pytest.mark.parametrize("pieces", [1, 7, 512, 10_000])
def test_the_content_is_read_however_it_comes(pieces: int) -> None:
    tar = tar_of([(entry("a"), b"first" * 200), (entry("b"), b"second")])
    source = Pieces(tar[at : at + pieces] for at in range(0, len(tar), pieces))
    assert [b"".join(each.content) for each in read_members(source)] == [b"first" * 200, b"second"]


def test_a_piece_of_nothing_is_no_end() -> None:
    tar = tar_of([(entry("a"), b"first")])
    assert Pieces(iter([b"", tar[:600], b"", b"", tar[600:], b""])).read(len(tar) + 1) == tar


def test_what_is_no_file_folder_or_link_is_neither() -> None:
    kinds = [tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE]
    assert {each.kind for each in members(tar_of(entry("a", kind) for kind in kinds))} == {"other"}


@pytest.mark.parametrize(
    ("tar", "why"),
    [
        (b"", "it ends too early"),
        (tar_of([(entry("a"), b"x" * 600)])[:1000], "it ends too early"),
        (tar_of([entry("a")])[:BLOCK], "it ends too early"),
        (b"x" * BLOCK, "it is not a tar archive"),
        (tar_of([]) * 2, "it goes on after its end"),
        (bytes(BLOCK) + tar_of([entry("a")])[:BLOCK], "it goes on after its end"),
        (bytes(2 * BLOCK) + b"x", "it goes on after its end"),
        (header(slice(124, 136), b"-0000000001\0"), "it is not a tar archive"),
        (header(slice(124, 136), b"\x80" + bytes(10) + b"\x01"), "it is not a tar archive"),
        (header(slice(124, 136), b"\xff" * 12), "it is not a tar archive"),
        (header(slice(124, 136), bytes(7) + b"0000\0"), "it is not a tar archive"),
        (header(slice(124, 136), b" \0" + b"000000000\0"), "it is not a tar archive"),
        (header(slice(124, 136), b"00000000001\0", link("l", "a")), "it is not a tar archive"),
        (tar_of([link("l", "")]), "it is not a tar archive"),
    ],
    ids=[
        "empty",
        "cut",
        "no end",
        "no header",
        "two",
        "behind a lone block",
        "behind two blocks",
        "negative",
        "huge",
        "minus one",
        "zeros before a number",
        "a zero between",
        "link of a size",
        "no target",
    ],
)
def test_what_is_no_tar_is_refused(tar: bytes, why: str) -> None:
    assert refused(tar) == why


def extended(content: bytes) -> bytes:
    return tar_of([(entry("x", b"x"), content), entry("a")])


@pytest.mark.parametrize(
    "content",
    [b"x", b"9 path=a", b"8 path=a\n", b"99999 path=a\n", b"0 path=a\n", b"4 =\n\n", b"9 path:a\n"],
)
def test_an_extended_header_that_is_none_is_refused(content: bytes) -> None:
    assert refused(extended(content)) == "it is not a tar archive"


@pytest.mark.parametrize("content", [b"10 size=1\n", b"23 GNU.sparse.major=1\n\n"])
def test_sparse_and_huge_files_are_refused(content: bytes) -> None:
    assert refused(extended(content)) == (
        "it holds what is not written here: sparse files, or files of more than 8 GiB"
    )


@pytest.mark.parametrize(
    ("at", "content"),
    [
        (slice(508, 512), b"tar\0"),
        (slice(500, 501), b"x"),
        (slice(0, 4), b"a\0b\0"),
        (slice(157, 160), b"a\0b"),
        (slice(345, 348), b"a\0b"),
    ],
)
def test_a_header_that_some_read_otherwise_is_refused(at: slice, content: bytes) -> None:
    """Those of star have another end, and less of a path."""
    assert refused(header(at, content, link("a", "b"))) == "it is not a tar archive"


MODE, UID, GID, MODIFIED, MAJOR, MINOR = (slice(at, at + 8) for at in (100, 108, 116, 140, 329, 337))


@pytest.mark.parametrize("at", [MODE, UID, GID, MODIFIED, MAJOR, MINOR])
@pytest.mark.parametrize("of", [entry("a"), entry("d", tarfile.DIRTYPE), link("l", "a"), entry("x", b"x")])
def test_every_number_in_a_header_is_one(at: slice, of: tarfile.TarInfo) -> None:
    """Some readers end at another one, or refuse the tar."""
    assert refused(header(at, b"00E0000\0", of)) == "it is not a tar archive"


@pytest.mark.parametrize("at", [MAJOR, MINOR])
@pytest.mark.parametrize("of", [entry("a"), entry("d", tarfile.DIRTYPE), link("l", "a"), entry("x", b"x")])
def test_only_a_device_has_the_numbers_of_one(at: slice, of: tarfile.TarInfo) -> None:
    assert refused(header(at, b"0000001\0", of)) == "it is not a tar archive"
    assert members(header(at, b"0000001\0", entry("a", tarfile.CHRTYPE)))[0].kind == "other"


@pytest.mark.parametrize("digits", [b"0000000\0", b"000000 \0", b"       \0", b"\0" * 8])
def test_what_is_no_device_has_none_or_zeros(digits: bytes) -> None:
    assert members(header(slice(329, 345), digits * 2))[0].name == "a"


@pytest.mark.parametrize(
    ("mode", "of"),
    [
        ("0040755", entry("a")),
        ("0120755", entry("a")),
        ("0010644", entry("a")),
        ("1000644", entry("a")),
        ("0100755", entry("d", tarfile.DIRTYPE)),
        ("0060755", entry("d", tarfile.DIRTYPE)),
        ("0100777", link("l", "a")),
        ("0040000", entry("x", b"x")),
    ],
)
def test_a_mode_of_another_kind_is_refused(mode: str, of: tarfile.TarInfo) -> None:
    """Some readers take a folder for what its mode says."""
    assert refused(header(MODE, f"{mode}\0".encode(), of)) == "it is not a tar archive"


@pytest.mark.parametrize(
    ("mode", "of"),
    [("0100644", entry("a")), ("0040755", entry("d", tarfile.DIRTYPE)), ("0120777", link("l", "a"))],
)
def test_a_mode_may_say_its_own_kind(mode: str, of: tarfile.TarInfo) -> None:
    """As in archives of Docker, Podman and skopeo."""
    assert members(header(MODE, f"{mode}\0".encode(), of))[0].mode == int(mode, 8)


def test_what_an_extended_header_says_is_known_by_its_keywords() -> None:
    info = entry("a")
    info.pax_headers = {"uid": "7", "comment": "x"}
    assert [each.extended for each in members(tar_of([info, entry("b")]))] == [{"uid", "comment"}, set()]


def test_an_extended_header_of_any_size_is_not_read() -> None:
    assert refused(extended(bytes(2**15))) == "it has a header that is too large"


def record(keyword: str, text: str = "") -> bytes:
    body = f" {keyword}={text}\n"
    return next(f"{size}{body}".encode() for size in range(len(body), len(body) + 6) if len(f"{size}{body}") == size)


@pytest.mark.parametrize("keywords", [[f"x{number}" for number in range(33)], ["path"] * 33])
def test_an_extended_header_of_very_many_records_is_not_read(keywords: Sequence[str]) -> None:
    """Each may be a keyword of its own, which is kept, or one that is said again and again."""
    assert len(members(extended(b"".join(record(each, "b") for each in keywords[1:])))) == 1
    assert refused(extended(b"".join(record(each, "b") for each in keywords))) == "it has a header that is too large"


@pytest.mark.parametrize("content", [b"", record("path", "b")])
def test_an_extended_header_is_that_of_an_entry(content: bytes) -> None:
    """Very many that say nothing of any entry would take long."""
    header = (entry("x", b"x"), content)
    assert refused(tar_of([header, header, entry("a")])) == "it is not a tar archive"
    assert refused(tar_of([entry("a"), header])) == "it is not a tar archive"


def test_there_is_an_end_to_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_reader, "MOST_MEMBERS", 3)
    assert len(members(tar_of([entry("a")] * 3))) == 3
    assert refused(tar_of([entry("a")] * 4)) == "it has more than 3 entries"
