"""The step: replaces names of images in YAML by references by digest, as `ko resolve` does for Go."""

from __future__ import annotations

from collections.abc import Sequence

from pystatic_tasks.config.convert import show
from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import ConfigError, MissingToolError, PystaticError
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import read_report, references_in, report_path
from pystatic_tasks.steps.resolve.files import Source, read_sources
from pystatic_tasks.steps.resolve.stream import SCHEME, Stream, join
from pystatic_tasks.system.redaction import masked


def resolve(configs: Sequence[ImageConfig], context: StepContext) -> bytes:
    """Push the images that YAML files name, and replace each `pystatic://NAME` by its reference by digest.

    Args:
        configs: All images of the project.
        context: The context, with the files and the function that pushes.

    Returns:
        The documents of all files, in UTF-8, otherwise unchanged.

    Raises:
        ConfigError: no file is given, one cannot be read or is not valid YAML, or names an image that does not exist.
        MissingToolError: the library for YAML is not installed.
        PystaticError: a named image was not pushed in its current state.
    """
    if not context.filenames:
        typed = context.command("resolve", "-f", "k8s/")
        raise ConfigError("No file to resolve is given.", f"Name files or folders: {typed}, or - for standard input.")
    sources = read_sources(configs[0].root, context.filenames, recursive=context.recursive)
    streams = read_streams(sources)
    named = named_images(streams, configs)
    say_near_misses(streams, context)
    context.push(named)
    references = {config.name: pushed_reference(config, context) for config in named}
    for name, reference in references.items():
        context.say(f"{SCHEME}{name}: {reference}")
    if not named:
        context.say(f"nothing is replaced: no value is {SCHEME}NAME")
    return join(streams, references).encode()


def read_streams(sources: Sequence[Source]) -> list[Stream]:
    """The documents of all sources.

    Raises:
        ConfigError: one is not valid YAML.
        MissingToolError: the library for YAML is not installed.
    """
    try:
        from pystatic_tasks.steps.resolve.parse import read_stream
    except ImportError:
        raise MissingToolError(
            "Resolving needs the library PyYAML, which is not installed beside Nox.",
            'Install it: pip install "pystatic-tasks[resolve]".',
        ) from None
    return [read_stream(each) for each in sources]


def named_images(streams: Sequence[Stream], configs: Sequence[ImageConfig]) -> list[ImageConfig]:
    """The named images, in the order in which they first appear.

    Raises:
        ConfigError: no image has one of the names.
    """
    by_name = {config.name: config for config in configs}
    found: dict[str, ImageConfig] = {}
    for stream in streams:
        for place in stream.places:
            if place.name not in by_name:
                raise ConfigError(
                    f"{stream.source.name}, line {place.line}: there is no image {show(place.name)}.",
                    f"Write {SCHEME} followed by the name of an image of the project: {', '.join(sorted(by_name))}.",
                )
            found[place.name] = by_name[place.name]
    return list(found.values())


def say_near_misses(streams: Sequence[Stream], context: StepContext) -> None:
    for stream in streams:
        for near in stream.near:
            context.say(
                f"{stream.source.name}, line {near.line}: {masked(show(near.value))} is unchanged: "
                f"only a value that is exactly {SCHEME}NAME is replaced"
            )


def pushed_reference(config: ImageConfig, context: StepContext) -> str:
    """The first reference by digest in the report of push.

    Raises:
        PystaticError: there is none, or the image was rebuilt after it was pushed.
    """
    # For several platforms, the index is always made together with its images.
    pushed = read_report(report_path(config, "index" if context.platforms else "push"))
    built = {} if context.platforms else read_report(report_path(config, "image"))
    remedy = f"Push it: {context.command('push') or 'run the push session'}."
    first = next(iter(references_in(pushed)), None)
    if first is None:
        raise PystaticError(f"{config.name} was not pushed.", remedy)
    if built and built.get("digest") != first.rpartition("@")[2]:
        raise PystaticError(f"{config.name} was rebuilt after it was pushed.", remedy)
    return first
