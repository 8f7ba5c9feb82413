from __future__ import annotations

import os
from pathlib import Path

from pystatic_tasks.in_env.stamps import ABSENT, stamps


def test_a_stamp_is_another_where_a_file_was_written_and_where_it_is_gone(tmp_path: Path) -> None:
    output = tmp_path / "output"
    output.write_bytes(b"123")
    first = stamps([str(output), str(output.parent / "gone")])
    assert first == {str(output): (3, output.stat().st_mtime_ns), str(output.parent / "gone"): ABSENT}
    os.utime(output, ns=(1, 1))
    assert stamps([str(output)]) == {str(output): (3, 1)} != first
