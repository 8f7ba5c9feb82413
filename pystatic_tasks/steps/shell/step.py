"""The step: opens a shell in a copy of the image that has one, in smoke's engine and under its policy.

The copy is not in any step's results, so no other step can use it, and it is removed afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.engines import Artifact, Engine, Policy, choose_engine, make_artifact
from pystatic_tasks.engines.local import PATH
from pystatic_tasks.errors import ConfigError, ImageError, ProgramError
from pystatic_tasks.oci.archive import Written, write_archive
from pystatic_tasks.oci.extend import with_layer
from pystatic_tasks.oci.layers import Entry
from pystatic_tasks.oci.manifest import OciImage
from pystatic_tasks.oci.reading.images import SavedImage, read_checked
from pystatic_tasks.packers import form_of
from pystatic_tasks.steps import services
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.foreground import load, only_here
from pystatic_tasks.steps.manifest import release, require_result
from pystatic_tasks.steps.policy import make_policy
from pystatic_tasks.steps.results import Built, Frozen
from pystatic_tasks.steps.shell.busybox import applets, find_busybox
from pystatic_tasks.steps.shell.entries import SHELL, TOOLS, entries
from pystatic_tasks.system.beneath import temporary_folder
from pystatic_tasks.system.processes import undisturbed

# Runs the given words instead of reading commands.
RUN_WORDS = ("-c", 'exec "$@"', "sh")


def shell(config: ImageConfig, context: StepContext) -> None:
    """Open a shell beside the program at the terminal, or run the given words there.

    Raises:
        ConfigError: an option is given that only run takes.
        MissingToolError: there is no static busybox; or no engine, or not the configured one, works here.
        ServiceError: a service cannot be started.
        ProgramError: the given words ended with an exit code other than 0.
        PystaticError: a shell is already open.
    """
    check_options(context)
    taken = f"A shell in {config.name} is already open from this folder."
    with only_here(config, "shell", taken, "End it first, with exit where it was opened."):
        engine = choose_engine(config.smoke.engine)
        with copy_with_shell(config) as artifact, known_to(engine, artifact), services.running(config, context):
            # Let other processes build in the meantime.
            release(config)
            policy = make_policy(config, user=config.image.user, step="shell", env=context.variables)
            open_shell(config, context, engine, artifact, policy)


def check_options(context: StepContext) -> None:
    """Raises ConfigError if an option is given that only run takes."""
    given = {"--publish": context.publish, "--watch": context.watches}
    for option in (name for name, value in given.items() if value):
        raise ConfigError(f"{option} is for run, but was given to shell.", "Remove it.")


@contextlib.contextmanager
def copy_with_shell(config: ImageConfig) -> Iterator[Artifact]:
    """The image with an additional layer, for the duration of the block."""
    built, frozen = require_result(config, Built), require_result(config, Frozen)
    busybox = find_busybox(built.platform)
    artifact = make_artifact(config, written=built.written, ports=())
    saved = read_checked(artifact.archive, artifact.written)
    more = entries(config, frozen, busybox, applets(busybox))
    env = {**artifact.env, "PATH": f"{TOOLS}:{artifact.env.get('PATH', PATH)}"}
    references = [f"localhost/{config.name}:shell"]
    with temporary_folder("shell-", config.work) as folder:
        archive = folder / "image.tar"
        image = write_copy(saved, more, env, archive, references)
        yield replace(
            artifact,
            archive=archive,
            image_id=image.image_id,
            references=references,
            written=Written(digest=image.digest, image_id=image.image_id, references=references),
            entrypoint=str(SHELL),
            env=env,
            port=None,
        )


def write_copy(
    saved: SavedImage, more: Sequence[Entry], env: Mapping[str, str], archive: Path, references: Sequence[str]
) -> OciImage:
    """Write the image with these entries and variables, and the shell as its program, into another archive.

    Raises:
        ImageError: the image's archive has changed, or there is not enough memory.
    """
    try:
        image = with_layer(saved, "shell", more, entrypoint=[str(SHELL)], env=env)
        archive.write_bytes(write_archive(image, references))
    except MemoryError:
        raise ImageError(
            f"Not enough memory for a copy of {saved.archive}.", "Run this on a machine with more memory."
        ) from None
    return image


@contextlib.contextmanager
def known_to(engine: Engine, artifact: Artifact) -> Iterator[None]:
    """Load the image into an engine, and remove it afterwards."""
    try:
        load(engine, artifact)
        yield
    finally:
        with undisturbed():
            engine.unload(artifact)


def open_shell(config: ImageConfig, context: StepContext, engine: Engine, artifact: Artifact, policy: Policy) -> None:
    """Run the shell until it ends.

    Raises:
        ProgramError: it ran the given words, and they ended with an exit code other than 0.
    """
    if context.arguments:
        code = engine.run_at_terminal(artifact, policy, [*RUN_WORDS, *context.arguments])
        if code:
            raise ProgramError(
                f"{context.arguments[0]} ended with exit code {code} in {config.name}.",
                "See its output above.",
                code=code,
            )
        return
    context.say(f"a shell in {config.name} ({engine.name}, as user {policy.user}); exit ends it")
    context.say(f"  /{config.name} is the program; {about_python(config)}")
    code = engine.run_at_terminal(artifact, policy, [])
    context.say(f"the shell ended with exit code {code}")


def about_python(config: ImageConfig) -> str:
    """Whether there is an interpreter, as the end of a line."""
    if form_of(config) == "tree":
        return "python is its interpreter"
    return f"a program packed by {config.used_packer} has no interpreter of its own"
