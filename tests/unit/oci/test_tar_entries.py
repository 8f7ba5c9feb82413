from __future__ import annotations

import tarfile

import pytest

from pystatic_tasks.oci.tar_entries import problem


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("shop", ""),
        ("usr/local/lib/libx.so", "libx.so.1"),
        ("usr/lib/libx.so", "../local/lib/libx.so.1"),
        ("a/b/c", "../.."),
        ("etc/..hidden", "..more"),
        ("größe 1", ""),
    ],
)
def test_what_stays_below_the_root_may_be_written(name: str, link: str) -> None:
    assert problem(name, link) == ""


@pytest.mark.parametrize(
    ("name", "link", "text"),
    [
        ("../x", "", "is no path below the root"),
        ("a/../../x", "", "is no path below the root"),
        ("a/./x", "", "is no path below the root"),
        ("/etc/passwd", "", "is no path below the root"),
        ("a//x", "", "is no path below the root"),
        ("", "", "is no path below the root"),
        ("a\nb", "", "has a control character in its name"),
        ("a\0b", "", "has a control character in its name"),
        ("a\x1b[2J", "", "has a control character in its name"),
        ("a", "b\nc", "has a control character in its name"),
        ("etc/x", "/etc/shadow", "is a link to the absolute path /etc/shadow"),
        ("etc/x", "../../x", "is a link out of the root, to ../../x"),
        ("x", "..", "is a link out of the root, to .."),
        ("a/x", "b/../../../y", "is a link out of the root, to b/../../../y"),
    ],
)
def test_what_could_leave_the_root_is_refused(name: str, link: str, text: str) -> None:
    assert problem(name, link) == text


@pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="this Python has no tarfile.data_filter")
@pytest.mark.parametrize(("name", "link"), [("a", ""), ("a/b", "../c"), ("../a", ""), ("a", "/b"), ("a", "../b")])
def test_it_takes_nothing_that_pythons_own_filter_refuses(name: str, link: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = (tarfile.SYMTYPE, link) if link else (tarfile.REGTYPE, "")
    try:
        tarfile.data_filter(entry, "/nowhere")
        refused = False
    except tarfile.FilterError:
        refused = True
    assert bool(problem(name, link)) is refused
