from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support import validate

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.steps.import_times import by_package, parse_imports, read_imports, slowest, total_us
from pystatic_tasks.steps.manifest import report_path, write_report
from pystatic_tasks.steps.results import Imported, Imports, StartPhase

OUTPUT = """\
import time: self [us] | cumulative | imported package
import time:       310 |        310 |   encodings.aliases
[2026-01-01 12:00:00 +0000] [1] [INFO] Starting gunicorn
import time:      4420 |       4730 | encodings
import time:     20100 |      20100 |   shop.models
import time:      1000 |      21100 | shop
"""
FOUND = (
    Imported(name="encodings.aliases", self_us=310, cumulative_us=310, depth=1),
    Imported(name="encodings", self_us=4420, cumulative_us=4730, depth=0),
    Imported(name="shop.models", self_us=20100, cumulative_us=20100, depth=1),
    Imported(name="shop", self_us=1000, cumulative_us=21100, depth=0),
)
IMPORTS = Imports(
    version=1,
    name="shop",
    digest=f"sha256:{1:064x}",
    engine="docker",
    first_answer_ms=312,
    imports=FOUND,
    phases=(StartPhase(name="container", us=40_400),),
)


def test_imports_are_found_among_what_a_program_logs() -> None:
    assert tuple(parse_imports(OUTPUT)) == FOUND


def test_what_a_python_prints_is_read_and_fits_together() -> None:
    command = [sys.executable, "-IS", "-X", "importtime", "-c", "import json"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    found = list(parse_imports(output))
    assert len(found) == len(output.splitlines()) - 1
    decoder = next(each for each in found if each.name == "json.decoder")
    assert decoder.depth == 1
    behind = found[found.index(decoder) + 1 :]
    assert next(each.name for each in behind if each.depth < decoder.depth) == "json"
    assert decoder.cumulative_us > decoder.self_us


@pytest.mark.parametrize("number", ["9" * 13, "9" * 5000])
def test_times_that_no_program_takes_are_none(number: str) -> None:
    assert not list(parse_imports(f"import time: {number} | 1 | shop\nimport time: 1 | {number} | shop\n"))


def test_packages_are_summed_up_the_slowest_first() -> None:
    assert by_package(FOUND) == [("shop", 21100), ("encodings", 4730)]
    assert total_us(FOUND) == 25830
    assert slowest(IMPORTS) == "slowest imports: shop 21 ms, encodings 5 ms; all 4 take 26 ms"


def test_what_an_older_version_wrote_is_read_without_phases(tmp_path: Path) -> None:
    config = ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")
    content = to_json(IMPORTS)
    del content["phases"]
    validate(content, "imports.schema.json")
    config.dist.mkdir(parents=True)
    report_path(config, "imports").write_text(json.dumps(content), encoding="utf-8")
    assert read_imports(config) == replace(IMPORTS, phases=())


def test_what_was_written_is_read(tmp_path: Path) -> None:
    config = ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")
    assert read_imports(config) is None
    config.dist.mkdir(parents=True)
    write_report(config, IMPORTS)
    validate(json.loads(report_path(config, "imports").read_text(encoding="utf-8")), "imports.schema.json")
    assert read_imports(config) == IMPORTS


@pytest.mark.parametrize("content", ["", "[]", "[" * 100_000, '{"version": 1}', '{"imports": 1}'])
def test_what_cannot_be_read_counts_as_not_there(tmp_path: Path, content: str) -> None:
    config = ImageConfig(root=tmp_path, project=tmp_path, name="shop", app="shop:app")
    config.dist.mkdir(parents=True)
    report_path(config, "imports").write_text(content, encoding="utf-8")
    assert read_imports(config) is None
