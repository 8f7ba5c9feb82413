from __future__ import annotations

import json
import os
from pathlib import Path

from pystatic_tasks.in_env.protocol import Component, Placed
from pystatic_tasks.steps.freeze.estimate import compressed_alone


def test_each_component_is_compressed_by_itself(tmp_path: Path) -> None:
    contents = {"/a.py": b"a" * 10_000, "/b.bin": os.urandom(10_000), "/c.bin": os.urandom(5_000)}
    for path, content in contents.items():
        Path(f"{tmp_path}{path}").write_bytes(content)
    placed = [
        Placed(location=f"/shop!{path}", path=path, size_bytes=len(content)) for path, content in contents.items()
    ]
    components = [
        Component(kind="distribution", type="pypi", name="a", files=("/shop!/a.py",)),
        Component(kind="distribution", type="pypi", name="b", files=("/shop!/b.bin", "/shop!/c.bin", "/etc/passwd")),
        Component(kind="bundled", type="pypi", name="c"),
    ]
    kept = tmp_path / "kept.json"
    small, large, nothing = compressed_alone(tmp_path, components, placed, kept)
    assert 0 < small < 100
    assert 15_000 <= large < 15_100
    assert nothing == 0
    known = json.loads(kept.read_text(encoding="utf-8"))
    kept.write_text(json.dumps({key: size + 1 for key, size in known.items()}), encoding="utf-8")
    assert compressed_alone(tmp_path, components, placed, kept) == (small + 1, large + 1, 1)
    for damaged in (dict.fromkeys(known, "x"), {key: [1] for key in known}, [[key, None] for key in known], 1):
        kept.write_text(json.dumps(damaged), encoding="utf-8")
        assert compressed_alone(tmp_path, components, placed, kept) == (small, large, 0)
    kept.write_text(json.dumps({key: size + 1 for key, size in known.items()}), encoding="utf-8")
    Path(f"{tmp_path}/a.py").write_bytes(b"b" * 10_000)
    assert compressed_alone(tmp_path, components, placed, kept) == (small, large + 1, 1)


def test_what_lies_in_an_archive_is_not_estimated(tmp_path: Path) -> None:
    component = Component(kind="distribution", type="pypi", name="a", files=("/shop!/a",))
    assert compressed_alone(tmp_path, [component], [Placed(location="/shop!/a", size_bytes=9)], tmp_path / "kept") == ()
