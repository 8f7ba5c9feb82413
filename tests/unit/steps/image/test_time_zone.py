from __future__ import annotations

import importlib
import io
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pystatic_tasks.steps.image.time_zone import utc

IN_PYTHON = importlib.import_module("zoneinfo._zoneinfo").ZoneInfo


@pytest.mark.parametrize("year", [1900, 1970, 2026, 2100])
@pytest.mark.parametrize("reader", [ZoneInfo, IN_PYTHON], ids=["compiled", "Python"])
def test_python_reads_it(reader: type[ZoneInfo], year: int) -> None:
    moment = datetime(year, 7, 1, tzinfo=reader.from_file(io.BytesIO(utc()), key="UTC"))
    assert moment.utcoffset() == moment.dst() == timedelta(0)
    assert moment.tzname() == "UTC"


def test_its_bytes_are_those_that_zic_writes() -> None:
    block = b"TZif2" + bytes(15) + bytes(16) + b"\0\0\0\1" + b"\0\0\0\4" + bytes(6) + b"UTC\0"
    assert utc() == block + block + b"\nUTC0\n"
    assert len(utc()) == 114
