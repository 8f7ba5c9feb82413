from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pystatic_tasks.in_env.attribution.debian_copyright import Terms, terms_of

MACHINE_READABLE = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: x
Upstream-Contact: Ada Größe <ada@x.org>
Source: https://x.example

Files: *
Copyright: 1995-2013 Jean-loup Gailly
\t   1998,
             1999 Mark Adler
License: Zlib

Files: test/* examples/*
Copyright: 1995-2013 Jean-loup Gailly
License: GPL-2+ or Artistic, and BSD-3-clause
 This program is free software …
 .
 Copyright: of nobody

Files: debian/*
Copyright: 2020 A Maintainer
License: GPL-3+

License: Zlib
 This software is provided 'as-is'
"""
PROSE = """\
This is the Debian prepackaged version of x.

    Copyright (C) 1991-2015 Free Software Foundation, Inc.

The complete text can be found in `/usr/share/common-licenses/LGPL-2.1'.
"""
Write = Callable[[str], Terms]


@pytest.fixture
def read(tmp_path: Path) -> Write:
    """What a package with that file says."""

    def read(text: str) -> Terms:
        (tmp_path / "libx1").mkdir()
        (tmp_path / "libx1" / "copyright").write_text(text, encoding="utf-8")
        return terms_of("libx1", tmp_path)

    return read


def test_a_file_for_machines_names_all_licences_and_holders_but_those_of_the_packaging(read: Write) -> None:
    assert read(MACHINE_READABLE) == Terms(
        licenses=("GPL-2+ or Artistic, and BSD-3-clause", "Zlib"),
        copyright="1995-2013 Jean-loup Gailly\n1998,\n1999 Mark Adler",
        contact="Ada Größe <ada@x.org>",
    )


def test_a_file_for_people_is_the_licence_itself(read: Write, tmp_path: Path) -> None:
    path = str(tmp_path / "libx1" / "copyright")
    assert read(PROSE) == Terms(licenses=(path,), copyright="Copyright (C) 1991-2015 Free Software Foundation, Inc.")


@pytest.mark.parametrize(
    "text",
    [
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n",
        "Format: copyright-format\n\nFiles: *\nLicense:\n some text\n",
        "\n \n:\n\nno fields\n",
    ],
)
def test_a_file_that_names_no_licence_is_the_licence_itself(read: Write, tmp_path: Path, text: str) -> None:
    assert read(text) == Terms(licenses=(str(tmp_path / "libx1" / "copyright"),))


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_file_says_nothing(read: Write, text: str) -> None:
    assert read(text) == Terms()


def test_a_package_without_a_file_says_nothing(tmp_path: Path) -> None:
    assert terms_of("libx1", tmp_path) == Terms()


def test_an_address_on_the_web_is_nobody(read: Write) -> None:
    assert read(MACHINE_READABLE.replace("Ada Größe <ada@x.org>", "https://x.example")).contact == ""
