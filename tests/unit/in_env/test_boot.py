from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from pystatic_tasks.in_env import boot
from pystatic_tasks.steps.build_environment import IN_ENV

# Runs boot.py, and says whether the search path is as it was and which modules come from its folder.
SEEN = """
import json, os, runpy, sys
before, boot = [*sys.path], sys.argv.pop(1)
runpy.run_path(boot, run_name="__main__")
places = {name: [getattr(module, "__file__", ""), *getattr(module, "__path__", ())] for name, module in
          sys.modules.items()}
ours = [name for name, found in places.items() if any(str(each).startswith(os.path.dirname(boot)) for each in found)]
print(json.dumps([sys.path == before, sorted(ours)]))
"""


def test_the_package_is_there_under_its_private_name_only(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-c", SEEN, str(IN_ENV / "boot.py"), "probe", "-", str(tmp_path / "answer.json")]
    seen = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    assert json.loads(seen) == [True, [boot.PACKAGE, f"{boot.PACKAGE}.probe"]]
    assert (tmp_path / "answer.json").exists()


@pytest.mark.parametrize("name", ["boot.py", "probe.py"])
def test_pythons_that_are_too_old_understand_what_asks_them(name: str) -> None:
    tree = ast.parse((IN_ENV / name).read_text(encoding="utf-8"), feature_version=(3, 7))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [node.module for node in imported if node.level]
