from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from pystatic_tasks.in_env.attribution.credits import copyright_of, supplier_and_originator
from pystatic_tasks.in_env.protocol import NO_NOTICES


def installed(site: Path, headers: str = "", **texts: str) -> importlib.metadata.Distribution:
    """A distribution with these files, whose names have "__" for "/"."""
    info = site / "depx-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: depx\nVersion: 1.0\n{headers}\n", encoding="utf-8")
    files = {name.replace("__", "/").replace("_dot_", "."): text for name, text in texts.items()}
    for file, text in files.items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(text, encoding="utf-8")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files), encoding="utf-8")
    return importlib.metadata.PathDistribution(info)


@pytest.mark.parametrize(
    ("headers", "supplier", "originator"),
    [
        ("Author-email: Kurt Griffiths <mail@kgriffs.com>", "Kurt Griffiths <mail@kgriffs.com>", ""),
        ("Author: Ada\nAuthor-email: ada@x.org", "Ada <ada@x.org>", ""),
        ("Author: Ada <ada@x.org>", "Ada <ada@x.org>", ""),
        ("Author: Ada", "Ada", ""),
        ("Author-email: ada@x.org", "ada@x.org", ""),
        ("Author: Ada\nMaintainer: Bob\nMaintainer-email: bob@x.org", "Bob <bob@x.org>", "Ada"),
        ("Author: Ada\nMaintainer: Ada", "Ada", ""),
        ("Author-email: Ada <ada@x.org>, Bob <bob@x.org>, carl@x.org", "Ada, Bob", ""),
        ('Author-email: "Ada, Bob and others" <list@x.org>', "Ada, Bob and others <list@x.org>", ""),
        ("Author: Ada\tand\a Bob", "Ada and Bob", ""),
        ("Author: UNKNOWN\nAuthor-email: UNKNOWN", "", ""),
        ("", "", ""),
    ],
)
def test_a_distribution_is_supplied_by_its_maintainer_or_else_its_author(
    tmp_path: Path, headers: str, supplier: str, originator: str
) -> None:
    assert supplier_and_originator(installed(tmp_path, headers)) == (supplier, originator)


def test_licence_files_tell_whose_it_is(tmp_path: Path) -> None:
    found = installed(
        tmp_path,
        **{
            "depx-1.0.dist-info__licenses__LICENSE": "Copyright (c) 2020 Ada\n",
            "depx-1.0.dist-info__NOTICE_dot_txt": "Copyright 2021 Bob\n",
            "depx__web_dot_py": "# Copyright 2022 Carl\n",
        },
    )
    assert copyright_of(found) == "Copyright 2021 Bob\nCopyright (c) 2020 Ada"


def test_without_notices_in_licence_files_all_texts_are_looked_at(tmp_path: Path) -> None:
    found = installed(
        tmp_path,
        **{
            "depx-1.0.dist-info__LICENSE": "Copyright [yyyy] [name of copyright owner]\n",
            "depx__web_dot_py": "# Copyright 2022 Carl\n",
            "depx__c_dot_so": "Copyright 2023 Dora\n",
        },
    )
    assert copyright_of(found) == "Copyright 2022 Carl"


def test_a_distribution_without_any_notice_has_none(tmp_path: Path) -> None:
    assert copyright_of(installed(tmp_path, depx__web_dot_py="x = 1\n")) == NO_NOTICES


def test_of_a_distribution_without_a_record_nothing_is_known(tmp_path: Path) -> None:
    found = installed(tmp_path)
    (tmp_path / "depx-1.0.dist-info" / "RECORD").unlink()
    assert copyright_of(found) == ""
