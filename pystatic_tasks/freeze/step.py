"""The step: check, install, examine the target, run PyInstaller."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from pystatic_tasks import machine
from pystatic_tasks.config.model import Image
from pystatic_tasks.errors import ConfigError, FreezeError
from pystatic_tasks.freeze import environment, target
from pystatic_tasks.freeze.own_data import check_own_data
from pystatic_tasks.freeze.phases import phase_of
from pystatic_tasks.host import Host, last_lines, run_logged, tool_environment
from pystatic_tasks.pipeline import (
    Manifest,
    fingerprint,
    hash_file,
    hash_tree,
    kept_folder,
    megabytes,
    shown,
    source_files,
    stamps,
    unchanged,
    write_manifest,
    write_whole,
)
from pystatic_tasks.project import read_pyproject
from pystatic_tasks.sbom.components import our_component

PACKAGE = Path(__file__).resolve().parent.parent
# Where each layout's program is made, below the work folder.
FOLDERS = {"onefile": "frozen", "tree": "tree"}
# The same program from any folder at any time: a fixed order of sets, and a payload stored raw, so that the
# compression that comes after sees it. Columns of code are shown with source lines only, which are not there.
PYINSTALLER_VARIABLES = {
    "PYTHONHASHSEED": "0",
    "PYINSTALLER_ZLIB_COMPRESSION_LEVEL": "0",
    "PYTHONNODEBUGRANGES": "1",
}
# Where names of classes stand: in code, and in settings of logging and the like.
TEXT_SUFFIXES = (".py", ".toml", ".yaml", ".yml", ".json", ".ini", ".cfg")


def prepare(image: Image, host: Host) -> machine.Interpreter:
    """Check the machine and fill the build environment."""
    machine.check_machine()
    wanted = environment.wanted_contents(image, host)
    environment.discard_outdated(host, wanted)
    interpreter = machine.check_interpreter(host.python, image.work)
    environment.fill_environment(image, host, wanted)
    return interpreter


def freeze(image: Image, host: Host) -> Manifest:
    """Freeze the target into `work/frozen/NAME`, one self-extracting program, or into the folder `work/tree/NAME`.

    Raises:
        MissingToolError: the machine or the interpreter lacks something.
        ConfigError: the target, a setting or a file that the configuration names is wrong.
        FreezeError: PyInstaller failed, or a library is missing.
    """
    machine.check_libraries(image.staticx.libraries)
    interpreter = prepare(image, host)
    program = image.work / FOLDERS[image.layout] / image.name
    inputs = freeze_inputs(image, host, interpreter)
    there = unchanged(image, "freeze", inputs) if host.use_cache else None
    if there and there.facts["system"] == stamps(there.facts["system"]):
        check_own_data(image, host.python, there.facts["data"])
        host.say(f"{shown(image, program)} is up to date")
        return there

    started = time.monotonic()
    with host.terminal.activity(f"importing {image.app or image.script or image.command}"):
        examined = examine_target(image, host)
    check_own_data(image, host.python, examined["data"])
    with host.terminal.activity(f"freezing {image.name}") as show:
        result = run_pyinstaller(image, host, examined, lambda line: show(phase_of(line)))
    for name, size in large_interpreters(result["contents"]):
        host.say("; ".join(machine.large_interpreter(name, size)))
    files = result["files"]
    outputs = [program] if image.layout == "onefile" else [Path(f"{program}{file['path']}") for file in files]
    size = sum(path.stat().st_size for path in outputs if not path.is_symlink())
    host.say(f"{shown(image, program)}: {megabytes(size)} uncompressed, in {time.monotonic() - started:.0f} s")
    prefix = str(host.python.parent.parent)
    return write_manifest(
        image,
        "freeze",
        inputs=inputs,
        outputs=outputs,
        facts={
            "program": str(program),
            "files": files,
            "interpreter": asdict(interpreter),
            "environment_python": str(host.python),
            "settings": examined["settings"],
            "ports": examined["ports"],
            "distributions": examined["distributions"],
            "data": examined["data"],
            "contents": result["contents"],
            "own_packages": result["own_packages"],
            "components": result["components"],
            "tools": result["tools"],
            "system": stamps(path for path in result["binaries"] if path and not path.startswith(prefix)),
        },
    )


def large_interpreters(contents: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    """Name and size, in bytes, of an interpreter or its library that is larger than it need be."""
    for part in contents:
        name = PurePosixPath(part["name"]).name
        is_interpreter = part["kind"] == "binary" and name.startswith(("libpython", "python3."))
        if is_interpreter and part["size_bytes"] > machine.LARGE_INTERPRETER_BYTES:
            yield name, part["size_bytes"]


def freeze_inputs(image: Image, host: Host, interpreter: machine.Interpreter) -> str:
    """One hash of everything that decides what the frozen program is, beside `asked_of_freeze`."""
    data = [image.root / entry.rpartition(":")[0] for entry in image.freeze.data]
    server_config = target.server_config_file(image)
    return fingerprint(
        {
            "name": image.name,
            "env": image.image.env,
            "interpreter": [asdict(interpreter), stamps([interpreter.libpython])],
            "tools": machine.tools(),
            "installed": environment.installed_files(host.python),
            "sources": environment.hash_sources(image.root) if not image.install or image.script else "",
            "own": own_components(image),
            "server_config": hash_file(server_config) if server_config else "",
            "data": [(str(path), hash_tree(path)) for path in data],
            "libraries": [(path, hash_file(Path(path))) for path in image.staticx.libraries if image.layout == "tree"],
            "made_by": made_by(),
        }
    )


def made_by() -> list[str]:
    """Hashes of the code that freezes."""
    return [hash_tree(PACKAGE / name) for name in ("freeze", "workbench", "hooks", "runner")]


def examine_target(image: Image, host: Host) -> Mapping[str, Any]:
    """Import the target in the build environment and learn what follows for the freeze.

    Raises:
        ConfigError: the target does not import, or gunicorn refuses a setting.
    """
    program = image.work / "program"
    shutil.rmtree(program, ignore_errors=True)
    program.mkdir(parents=True)
    target.copy_runner(program)
    loose = [*script_folder(image), *environment.import_paths(image)]
    request = {
        "app": image.app,
        "settings": {name: value for name, value in image.server.items() if name != "config"},
        "server_config": target.copy_server_config(image, program),
        "import_paths": [str(program), *loose],
        "loose": loose,
        "static": str(program / "static"),
        "hidden_imports": image.freeze.hidden_imports,
        "collect": image.freeze.collect,
        "metadata": image.freeze.metadata,
        "project": str(image.project),
        "env": image.image.env,
        "tools": environment.TOOL_NAMES,
        "sources": [
            str(path)
            for folder in environment.local_folders(image)
            for path in source_files(folder)
            if path.suffix in TEXT_SUFFIXES
        ],
    }
    answer: Mapping[str, Any] = run_script(
        image, host, "inspect_target.py", request, log="target", extra=image.image.env
    )
    if "problem" in answer:
        raise ConfigError(answer["problem"], answer["remedy"], answer["details"])
    return answer


def run_script(
    image: Image, host: Host, script: str, request: Mapping[str, Any], *, log: str, extra: Mapping[str, str]
) -> Any:
    """Run one of the workbench's scripts in the build environment; what it answers."""
    asked, answered = image.work / "program" / f"{log}.request.json", image.work / "program" / f"{log}.answer.json"
    write_whole(asked, json.dumps(request))
    answered.unlink(missing_ok=True)
    command = [host.python, "-I", machine.WORKBENCH / script, asked, answered]
    output = image.work / f"{log}.log"
    run_logged(command, output, verbose=host.verbose, cwd=image.root, env=tool_environment(extra))
    if not answered.exists():
        raise FreezeError(
            f"{script} ended without an answer; its output is in {shown(image, output)}:",
            "If nothing there is of the project, please report it.",
            last_lines(output),
        )
    return json.loads(answered.read_text(encoding="utf-8"))


def run_pyinstaller(
    image: Image, host: Host, examined: Mapping[str, Any], watch: Callable[[str], None]
) -> Mapping[str, Any]:
    """Run PyInstaller in the build environment; `watch` is told every line that it prints.

    Returns:
        {"binaries": [source paths], "contents": [parts of the program], "files": [files of a tree with owners],
         "missing": [pairs (file, library)]}
    """
    folder = image.work / "program"
    # No module can have a name with a hyphen, so that the entry script stands before none.
    entry = folder / f"{image.name}-entry.py"
    entry.write_text(target.entry_script(image, examined["settings"]), encoding="utf-8")
    hooks = ["always", *(f"without-{part}" for part in examined["unused"])]
    hidden_imports = [*examined["hidden_imports"], *image.freeze.hidden_imports]
    wanted = {name.partition(".")[0] for name in hidden_imports}
    program = {
        "name": image.name,
        "layout": image.layout,
        "work": str(folder),
        "kept": str(kept_folder(image, image.layout, use_cache=host.use_cache)),
        "entry": str(entry),
        "import_paths": [str(folder), *script_folder(image), *environment.import_paths(image)],
        "hidden_imports": hidden_imports,
        "excludes": [*image.freeze.excludes, *(name for name in examined["tool_modules"] if name not in wanted)],
        "data": [*examined["data"], *(data_pair(image, entry) for entry in image.freeze.data)],
        "collect": image.freeze.collect,
        "hooks": [str(PACKAGE / "hooks" / part) for part in hooks],
        "libraries": image.staticx.libraries,
        "tools": machine.tools(),
        "loose": [str(path) for path in loose_files(image)],
        "made_by": made_by(),
        "own": own_components(image),
        "optimize": image.freeze.optimize,
        "strip": image.freeze.strip,
    }
    asked, answered = folder / "program.json", folder / "result.json"
    write_whole(asked, json.dumps(program, indent=2))
    log = image.work / "pyinstaller.log"
    variables = {**PYINSTALLER_VARIABLES, "PYINSTALLER_CONFIG_DIR": str(image.work / "cache")}
    path = f"{host.python.parent}:{tool_environment()['PATH']}"
    code = run_logged(
        [
            *(host.python, "-m", "PyInstaller", machine.WORKBENCH / "program.spec"),
            *("--noconfirm", "--clean", "--distpath", image.work / FOLDERS[image.layout]),
            *("--workpath", image.work / "pyinstaller"),
            *("--", asked, answered),
        ],
        log,
        verbose=host.verbose,
        watch=watch,
        cwd=folder,
        env=tool_environment({**variables, "PATH": path}),
    )
    if code != 0:
        raise FreezeError(
            f"PyInstaller failed with exit code {code}; its output is in {shown(image, log)} and ends so:",
            "Look for the first ERROR there.",
            last_lines(log),
        )
    result: Mapping[str, Any] = json.loads(answered.read_text(encoding="utf-8"))
    if result["missing"]:
        raise machine.missing_libraries(FreezeError, image.name, result["missing"])
    return result


def own_components(image: Image) -> dict[str, Any]:
    """What components.py cannot know of itself: whose the files are that nobody else brought."""
    project = read_pyproject(image.project).get("project", {})
    return {
        "project": {
            "kind": "project",
            "type": "generic",
            "name": str(project.get("name", image.name)),
            "version": str(project.get("version", "")),
        },
        "runner": our_component(),
        "folder": str(image.root),
    }


def script_folder(image: Image) -> Sequence[str]:
    """A script imports what lies beside it."""
    return [str((image.root / image.script).parent)] if image.script else []


def loose_files(image: Image) -> list[Path]:
    """The files in folders that are imported from where they are."""
    folders = [*map(Path, script_folder(image)), *([] if image.install else [image.root])]
    return list(dict.fromkeys(path for folder in folders for path in source_files(folder)))


def data_pair(image: Image, entry: str) -> tuple[str, str]:
    source, _, folder = entry.rpartition(":")
    if not (image.root / source).exists():
        raise ConfigError(
            f'tool.pystatic-tasks.freeze.data names "{source}", and it is not in {image.root}.', "Correct the path."
        )
    return str(image.root / source), folder
