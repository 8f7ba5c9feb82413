"""Step two: one static executable, which needs neither glibc nor anything else of its surroundings."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from pystatic_tasks import machine
from pystatic_tasks.config.model import Image
from pystatic_tasks.errors import StaticxError
from pystatic_tasks.host import Host, last_lines, run_logged, tool_environment
from pystatic_tasks.pipeline import (
    Manifest,
    fingerprint,
    hash_file,
    hash_tree,
    kept_folder,
    megabytes,
    move_whole,
    require_manifest,
    shown,
    stamps,
    unchanged,
    write_manifest,
    write_whole,
)

EXECUTABLE_MODE = 0o755  # StaticX leaves 0700, which another user cannot execute.


def staticx(image: Image, host: Host) -> Manifest | None:
    """Make `dist/pystatic/NAME/NAME` out of what freeze left; in the tree layout there is nothing to do.

    Raises:
        MissingToolError: binutils or ldd is not there.
        ConfigError: a library that the configuration names is not there.
        StaticxError: a library is missing, or StaticX failed.
    """
    if image.layout == "tree":
        host.say("the tree layout has no static executable")
        return None
    machine.check_machine()
    frozen = require_manifest(image, "freeze")
    output = image.dist / image.name
    libraries = image.staticx.libraries
    machine.check_libraries(libraries)
    inputs = fingerprint(
        [
            frozen.outputs,
            image.staticx.strip,
            machine.tools(),
            [(path, hash_file(Path(path))) for path in libraries],
            hash_tree(machine.WORKBENCH),
        ]
    )
    there = unchanged(image, "staticx", inputs) if host.use_cache else None
    if there and there.facts["system"] == stamps(there.facts["system"]):
        host.say(f"{shown(image, output)} is up to date")
        return there

    started = time.monotonic()
    made = image.work / "static"
    request = {
        "program": frozen.facts["program"],
        "output": str(made),
        "libraries": libraries,
        "strip": image.staticx.strip,
        "own_packages": frozen.facts["own_packages"],
        "kept": str(kept_folder(image, "blocks", use_cache=host.use_cache)),
    }
    with host.terminal.activity(f"compressing {image.name} into one static executable"):
        answer = build(image, host, request, Path(frozen.facts["environment_python"]))
    move_whole(made, output, EXECUTABLE_MODE)
    made.unlink()
    size = output.stat().st_size
    host.say(f"{shown(image, output)}: {megabytes(size)}, static, in {time.monotonic() - started:.0f} s")
    facts = {"size_bytes": size, "components": answer["components"], "system": stamps(answer["system"])}
    return write_manifest(image, "staticx", inputs=inputs, outputs=[output], facts=facts)


def build(image: Image, host: Host, request: dict[str, object], python: Path) -> dict[str, Any]:
    """Run StaticX in the build environment, where its hook finds PyInstaller.

    Returns:
        {"components": those that it added, "system": paths of the files that it took from this machine}
    """
    asked, answered = image.work / "staticx.request.json", image.work / "staticx.answer.json"
    write_whole(asked, json.dumps(request))
    answered.unlink(missing_ok=True)
    log = image.work / "staticx.log"
    path = f"{python.parent}:{tool_environment()['PATH']}"
    # Isolated from the current folder and the user's packages, but with the script's own folder.
    command = [python, "-s", "-E", machine.WORKBENCH / "staticx_build.py", asked, answered]
    # StaticX leaves its temporary files behind when it is interrupted. Not below the project:
    # it cannot read a path with a space in the output of ldd.
    # Tools that it started may write there for a moment after its end.
    with tempfile.TemporaryDirectory(prefix="pystatic-", ignore_cleanup_errors=True) as temporary:
        run_logged(command, log, verbose=host.verbose, env=tool_environment({"PATH": path, "TMPDIR": temporary}))
    answer: dict[str, Any] = {"error": "it gave no answer"}
    if answered.exists():
        answer = json.loads(answered.read_text(encoding="utf-8"))
    if answer.get("missing"):
        raise machine.missing_libraries(StaticxError, image.name, answer["missing"])
    if "error" in answer:
        raise StaticxError(
            f"StaticX failed: {answer['error']}; its output is in {shown(image, log)}.",
            "Look for the first error there.",
            last_lines(log),
        )
    return answer
