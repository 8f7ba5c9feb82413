from __future__ import annotations

import os
from pathlib import Path

from pystatic_tasks.in_env.stamps import ABSENT, stamp, stamps


def test_a_stamp_is_another_where_a_file_was_written_and_where_it_is_gone(tmp_path: Path) -> None:
    output = tmp_path / "output"
    output.write_bytes(b"123")
    first = stamps([str(output), str(output.parent / "gone")])
    assert first == {str(output): (3, output.stat().st_mtime_ns, 0), str(output.parent / "gone"): ABSENT}
    os.utime(output, ns=(1, 1))
    assert stamps([str(output)]) == {str(output): (3, 1, 0)} != first


def test_a_stamp_is_another_where_others_may_execute_a_file(tmp_path: Path) -> None:
    (tmp_path / "tool").touch()
    found = []
    for mode in (0o600, 0o700, 0o755):
        (tmp_path / "tool").chmod(mode)
        found.append(stamp(tmp_path / "tool"))
    assert len(set(found)) == len(found)
    (tmp_path / "tool").chmod(0o777)
    assert stamp(tmp_path / "tool") == found[-1]
