from __future__ import annotations

import re
from pathlib import Path

import pytest

from pystatic_tasks.in_env.attribution import notices as module
from pystatic_tasks.in_env.attribution.notices import NOTICE, bare, is_license_file, notices, notices_in


@pytest.mark.parametrize(
    ("line", "notice"),
    [
        (
            "Copyright (c) 2008-2020 Andrey Petrov and contributors.",
            "Copyright (c) 2008-2020 Andrey Petrov and contributors.",
        ),
        ("# Copyright 2013 by Rackspace Hosting, Inc.", "Copyright 2013 by Rackspace Hosting, Inc."),
        ("2009-2026 (c) Benoît Chesneau <b@x.org>", "2009-2026 (c) Benoît Chesneau <b@x.org>"),
        ("Copyright © 2005-2020 Rich Felker, et al.", "Copyright © 2005-2020 Rich Felker, et al."),
        (" * © 2010 Größe  GmbH */", "© 2010 Größe GmbH"),
        ("Copyright Amazon.com, Inc. or its affiliates.", "Copyright Amazon.com, Inc. or its affiliates."),
        ("    :copyright: (c) 2006 by the Team", "copyright: (c) 2006 by the Team"),
        ("<!-- SPDX-FileCopyrightText: 2024 Ada <a@x.org> -->", "SPDX-FileCopyrightText: 2024 Ada <a@x.org>"),
        ("Copyright (c)\a 2020 Bell", "Copyright (c) 2020 Bell"),
    ],
)
def test_a_notice_is_found_without_the_marks_around_it(line: str, notice: str) -> None:
    assert list(notices(f"x\n{line}\n\ny\n")) == [notice]


@pytest.mark.parametrize(
    "line",
    [
        "2. Grant of Copyright License. Subject to the terms",
        "copyright notice, this list of conditions and the following",
        "THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE",
        "   Copyright [yyyy] [name of copyright owner]",
        "    Copyright (C) <year>  <name of author>",
        "copyright = f'Copyright (c) {year} Ada'",
        "copyright on the Program, and are irrevocable provided the stated",
        f"Copyright (c) 2020 {'x' * 300}",
    ],
)
def test_what_claims_nothing_is_no_notice(line: str) -> None:
    assert list(notices(line)) == []


def test_a_text_without_a_mark_is_not_looked_at_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    class Noting:
        def search(self, line: str) -> re.Match[str] | None:
            searched.append(line)
            return NOTICE.search(line)

    monkeypatch.setattr(module, "NOTICE", Noting())
    assert list(notices("x = 1\n" * 1000)) == []
    assert searched == []
    assert list(notices("x = 1\n# © 2020 Ada\n")) == ["© 2020 Ada"]
    assert len(searched) == 2


def test_that_of_a_licences_own_text_is_not_that_of_what_is_licensed() -> None:
    text = (
        "Copyright (C) 1989, 1991 Free Software Foundation, Inc.,\n51 Franklin Street\n\n"
        "Everyone is permitted to copy and distribute verbatim copies\nof this license document\n\n"
        "Copyright (C) 2020 Ada\n"
    )
    assert list(notices(text)) == ["Copyright (C) 2020 Ada"]


def test_many_notices_take_as_many_times_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each looks at a few lines below it, not at all of them."""
    asked: list[str] = []

    def counted(line: str) -> str:
        asked.append(line)
        return bare(line)

    monkeypatch.setattr(module, "bare", counted)
    assert len(list(notices("Copyright 2020 Ada\n\n" * 1000))) == 1000
    assert len(asked) < 10 * 1000


def test_a_notice_may_go_on_in_the_next_lines() -> None:
    text = "# Copyright (c) 2001, 2002,\n#     2003 Python and\n#     Ada\n# All rights reserved.\n"
    assert list(notices(text)) == ["Copyright (c) 2001, 2002, 2003 Python and Ada"]


def test_each_notice_is_told_once_in_the_order_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"Copyright 2020 Z\nCopyright 2019 \xff\n")
    (tmp_path / "b").write_text("Copyright 2018 A\nCopyright 2020 Z\n", encoding="utf-8")
    found = notices_in([tmp_path / "a", tmp_path / "b", tmp_path / "nowhere"])
    assert found == ("Copyright 2020 Z", "Copyright 2019 \ufffd", "Copyright 2018 A")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("LICENSE", True), ("LICENCE.txt", True), ("COPYING.LESSER", True), ("NOTICE", True), ("web.py", False)],
)
def test_licence_files_are_known_by_their_names(name: str, expected: bool) -> None:
    assert is_license_file(name) is expected
