"""The step: makes one static executable, which needs neither glibc nor any other file of a system."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pystatic_tasks.bom.components import our_component
from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.in_env.modules import Answer, Module, Question
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.in_env.stamps import stamps
from pystatic_tasks.packers import packer_of
from pystatic_tasks.packers.packer import Job
from pystatic_tasks.steps.build_environment import IN_ENV, ask, tools
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import cache_folder, kept_by, require_manifest, unchanged, write_manifest
from pystatic_tasks.steps.meanwhile import is_any_changed, now
from pystatic_tasks.steps.results import Frozen, Packed
from pystatic_tasks.system.files import fingerprint, hash_code, hash_file, move_whole
from pystatic_tasks.system.libraries import check_libraries
from pystatic_tasks.system.machine import check_machine
from pystatic_tasks.system.units import megabytes

PACKERS = Path(__file__).resolve().parents[2] / "packers"
# Other users may execute it too.
EXECUTABLE_MODE = 0o755


def pack(config: ImageConfig, context: StepContext) -> Packed | None:
    """Make `dist/pystatic/NAME/NAME` from the result of freeze; in the tree layout, do nothing.

    Raises:
        MissingToolError: binutils or ldd is missing.
        ConfigError: a library that the configuration names does not exist.
        StaticxError: a library is missing, or the packer failed.
    """
    packer = packer_of(config)
    if packer is None:
        context.say("the tree layout has no static executable")
        return None
    check_machine()
    frozen = require_manifest(config, Frozen)
    check_libraries(config.staticx.libraries)
    output = config.dist / config.name
    made_by = [hash_code(folder) for folder in (PACKERS, IN_ENV)]
    libraries = (*config.staticx.libraries, *frozen.result.libraries)
    began = now()
    decisive = [(path, hash_file(Path(path))) for path in libraries]
    # Packers group files by owner.
    made_of = [frozen.outputs, [to_json(each) for each in frozen.result.files], frozen.result.own_packages]
    inputs = fingerprint([made_of, config.used_packer, packer.inputs(config), decisive, tools(), made_by])
    there = unchanged(config, Packed, inputs) if context.use_cache else None
    if there and there.system == stamps(there.system):
        context.say(f"{shown(config, output)} is up to date")
        return there

    started = time.monotonic()
    job = make_job(config, context, frozen.result, libraries, made_by)
    with context.terminal.activity(f"compressing {config.name} into one static executable"):
        packing = packer.pack(config, job)
    move_whole(job.output, output, EXECUTABLE_MODE)
    job.output.unlink()
    size = output.stat().st_size
    context.say(f"{shown(config, output)}: {megabytes(size)}, static, in {time.monotonic() - started:.0f} s")
    packed = Packed(size_bytes=size, components=packing.components, system=stamps(packing.system))
    lasting = "" if is_any_changed((*libraries, *packing.system), began) else inputs
    return write_manifest(config, packed, inputs=lasting, outputs=[output]).result


def make_job(
    config: ImageConfig, context: StepContext, frozen: Frozen, libraries: tuple[str, ...], made_by: list[str]
) -> Job:
    python = frozen.environment_python

    # What is kept was compressed by libraries of the interpreter and the system.
    packed_by = [made_by, tools(), asdict(replace(frozen.interpreter, import_path=()))]

    def ask_there(module: Module[Question, Answer], question: Question, **options: Any) -> Answer | None:
        return ask(python, module, question, folder=config.work, verbose=context.verbose, **options)[1]

    return Job(
        program=frozen.program,
        files=frozen.files,
        output=config.work / "static",
        libraries=libraries,
        own_packages=frozen.own_packages,
        cache=kept_by(cache_folder(config, f"packed-{config.used_packer}", use_cache=context.use_cache), packed_by),
        tools=python.parent,
        ours=our_component(),
        ask=ask_there,
    )
