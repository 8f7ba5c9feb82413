from __future__ import annotations

import pytest

from pystatic_tasks.system.units import megabytes


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(0, "0.00 MB"), (4_999, "0.00 MB"), (7_996_000, "8.00 MB"), (123_456_789, "123.46 MB")]
)
def test_sizes_are_shown_in_decimal_megabytes(size_bytes: int, text: str) -> None:
    assert megabytes(size_bytes) == text
