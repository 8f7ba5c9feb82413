"""The step: from the program to `image.tar`, without any engine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from packaging.utils import canonicalize_name

from pystatic_tasks.bom.components import OURS, VENDOR, built_with, image_components, our_component
from pystatic_tasks.bom.formats import CYCLONEDX, as_cyclonedx
from pystatic_tasks.config.model import Compression, ImageConfig, shown
from pystatic_tasks.engines import Engine, loading_engines, make_artifact, why_not
from pystatic_tasks.errors import ImageError
from pystatic_tasks.in_env.protocol import Component, Part
from pystatic_tasks.in_env.records import to_json
from pystatic_tasks.oci.archive import write_archive
from pystatic_tasks.oci.blobs import digest
from pystatic_tasks.oci.compression import compress_once, estimated, forget_others, kept_name, library_version
from pystatic_tasks.oci.description import ImageDescription, LayerDescription
from pystatic_tasks.oci.layers import Entry, Layer, make_layer, write_tar
from pystatic_tasks.oci.manifest import OciImage, Runtime, make_image, timestamp
from pystatic_tasks.oci.reading.images import read_checked
from pystatic_tasks.packers import packer_of
from pystatic_tasks.report import Sizes, as_markdown, as_table, next_commands
from pystatic_tasks.report.contents import Contents, list_contents
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.image.dockerfile import dockerfile
from pystatic_tasks.steps.image.rootfs import root_entries, system_of
from pystatic_tasks.steps.image.runtime import creation_time, make_runtime
from pystatic_tasks.steps.manifest import cache_folder, kept_by, require_result, unchanged, write_manifest
from pystatic_tasks.steps.meanwhile import is_any_changed, now
from pystatic_tasks.steps.report_page import CONTENTS, PAGE, as_json, discard_page, keep_before, write_pages
from pystatic_tasks.steps.results import Built, Frozen, Packed
from pystatic_tasks.steps.tools import FREEZING_TOOLS, names_of
from pystatic_tasks.system.files import fingerprint, hash_code, write_whole
from pystatic_tasks.system.git import read_git
from pystatic_tasks.system.terminal import add_to_job_summary
from pystatic_tasks.system.units import megabytes

PACKAGE = Path(__file__).resolve().parents[2]
# Libraries that influence the bytes of the results.
LIBRARIES = ("cyclonedx-python-lib", "packageurl-python", "packaging")
# The version of image.json, which schemas/image.schema.json describes.
MANIFEST_VERSION = 1
LARGEST_SHOWN = 10
# Fields of the result that are only in the step's manifest.
NOT_REPORTED = ("server_ports", "components", "vendor")


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """What an image is made of.

    Attributes:
        frozen: The frozen program.
        executable_bytes: Size of the static executable; None in the tree layout, which has none.
        components: The components of the program's files.
        runtime: How the image is run.
        entries: Its files, by layer.
        created: Seconds since 1970.
    """

    frozen: Frozen
    executable_bytes: int | None
    components: Sequence[Component]
    runtime: Runtime
    entries: Mapping[str, Sequence[Entry]]
    created: int


def build_image(config: ImageConfig, context: StepContext) -> Built:
    """Write all files of the image into `dist/pystatic/NAME`, and load it into the available engines.

    The files are `image.tar`, `image.json`, `sbom.cdx.json`, `contents.json`, `rootfs.tar`, `Dockerfile` and
    `report.html`.

    Raises:
        ConfigError: a file that the configuration names does not exist.
        ImageError: the image is over budget, or the system lacks files to copy.
        MissingToolError: the library for the configured compression is not installed.
    """
    began = now()
    ingredients = gather(config)
    inputs = image_inputs(config, ingredients)
    there = unchanged(config, Built, inputs) if context.use_cache else None
    archive = shown(config, config.dist / "image.tar")
    if there:
        context.say(f"{archive} is up to date ({there.digest})")
    built = there or write_image(config, context, ingredients, inputs, began)
    if not there:
        context.say(f"{archive}: {', '.join(config.references)} {built.digest}")
    if not (config.dist / PAGE).exists():
        context.say(f"{shown(config, write_pages(config))}: where its bytes are")
    engines = load_into_engines(config, context, built)
    show_sizes(config, context, ingredients, built)
    show_next(config, context, engines, ingredients.runtime.ports)
    return built


def gather(config: ImageConfig) -> Ingredients:
    """The results of earlier steps, and what the configuration, the project and git add to them."""
    frozen = require_result(config, Frozen)
    packed = None if config.layout == "tree" else require_result(config, Packed)
    git = read_git(config.root)
    return Ingredients(
        frozen=frozen,
        executable_bytes=packed.size_bytes if packed else None,
        components=[*frozen.components, *(packed.components if packed else ())],
        runtime=make_runtime(config, frozen, git),
        entries=root_entries(config, frozen),
        created=creation_time(git),
    )


def write_image(config: ImageConfig, context: StepContext, ingredients: Ingredients, inputs: str, began: int) -> Built:
    """Write all files of the image; if an input has changed since `began`, the next run will write them again.

    Raises:
        ImageError: it is over budget.
    """
    entries, created = ingredients.entries, ingredients.created
    components = image_components(
        ingredients.components,
        added_files(ingredients),
        config.root,
        config.image.labels,
        system_of(ingredients.frozen),
    )
    with context.terminal.activity("compressing layers"):
        kept = kept_by(cache_folder(config, "layers", use_cache=context.use_cache), hash_code(PACKAGE / "oci"))
        layers = make_layers(config, entries, created, kept)
    made = make_image(layers, ingredients.runtime, created, config.image.compression)
    built = describe(config, made, ingredients, components)
    check_budget(config, built, ingredients.frozen.contents)
    contents = contents_of(built, ingredients)
    keep_before(config, contents)
    every_entry = {entry.path: entry for each in entries.values() for entry in each}
    outputs: dict[str, bytes] = {
        "image.tar": write_archive(made, config.references),
        "rootfs.tar": write_tar([every_entry[path] for path in sorted(every_entry)], created),
        "Dockerfile": dockerfile(ingredients.runtime).encode(),
        "image.json": report(built, inputs).encode(),
        CYCLONEDX: as_cyclonedx(built, components).encode(),
        CONTENTS: as_json(contents).encode(),
    }
    discard_page(config)
    for name, content in outputs.items():
        write_whole(config.dist / name, content)
    files = (entry.content for entry in every_entry.values() if isinstance(entry.content, Path))
    lasting = "" if is_any_changed(files, began) else inputs
    return write_manifest(config, built, inputs=lasting, outputs=[config.dist / name for name in outputs]).result


def contents_of(built: Built, ingredients: Ingredients) -> Contents:
    """The contents of the image: of the program, whose files were measured when it was frozen, and beside it."""
    frozen, is_packed = ingredients.frozen, ingredients.executable_bytes is not None
    program = {each.location: (each.size_bytes, each.layer) for each in frozen.placed}
    beside = {
        entry.path: (entry, "image" if is_packed else kind)
        for kind, entries in ingredients.entries.items()
        for entry in entries
        if entry.path not in program and not entry.is_folder and not (is_packed and entry.path == f"/{built.name}")
    }
    compressed = {each.identity: size for each, size in zip(frozen.components, frozen.compressed_alone, strict=False)}
    for component in built.components if compressed else ():
        content = b"".join(beside[path][0].read() for path in component.files if path in beside)
        compressed[component.identity] = compressed.get(component.identity, 0) + estimated(content)
    return list_contents(
        built,
        built.components,
        {**program, **{path: (entry.size_bytes, layer) for path, (entry, layer) in beside.items()}},
        compressed,
        frozen_bytes=sum(part.size_bytes for part in frozen.contents),
        executable_bytes=ingredients.executable_bytes,
    )


def added_files(ingredients: Ingredients) -> dict[str, Path | None]:
    """The files of the image that do not belong to the program, and the files that they are copies of."""
    known = {location for each in ingredients.components for location in each.files}
    entries = (entry for each in ingredients.entries.values() for entry in each)
    added = [entry for entry in entries if not entry.is_folder and entry.path not in known]
    return {entry.path: entry.content if isinstance(entry.content, Path) else None for entry in added}


def tool_versions(config: ImageConfig, frozen: Frozen) -> dict[str, str]:
    """Versions of the tools that made the image, by name."""
    packer = packer_of(config)
    names = names_of([*FREEZING_TOOLS, *(packer.requirements if packer else ())])
    installed: Mapping[str, str] = {canonicalize_name(name): version for name, version in frozen.distributions.items()}
    found = {name: installed[name] for name in names if name in installed}
    return {**found, **frozen.tools, OURS: our_component().version, "deflate": version("deflate")}


def image_inputs(config: ImageConfig, ingredients: Ingredients) -> str:
    """One hash of everything that decides the content and the metadata of the image."""
    entries, frozen = ingredients.entries.items(), ingredients.frozen
    return fingerprint(
        {
            "entries": {kind: [entry.fingerprint() for entry in each] for kind, each in entries},
            "program": [to_json(each) for each in ingredients.components],
            "told": [frozen.interpreter.version, tool_versions(config, frozen), frozen.ports],
            "runtime": asdict(ingredients.runtime),
            "created": ingredients.created,
            "references": config.references,
            "compression": config.image.compression,
            "budgets": [config.max_size, config.max_compressed_size],
            "made_by": [
                *(hash_code(PACKAGE / name) for name in ("steps/image", "oci", "bom", "report")),
                *map(version, LIBRARIES),
                *map(library_version, compressions(config)),
            ],
        }
    )


def compressions(config: ImageConfig) -> list[Compression]:
    """The methods that compress layers: always gzip, for Docker's older format."""
    return list(dict.fromkeys(("gzip", config.image.compression)))


def make_layers(config: ImageConfig, entries: Mapping[str, Sequence[Entry]], created: int, kept: Path) -> list[Layer]:
    """The image's layers, from the lowest to the highest.

    The project's files have the image's time, so that servers of these files can recognize newer ones;
    files in lower layers have none, so that these layers stay the same from commit to commit.
    Layers that were compressed before are taken from the folder `kept`, which contains only these layers afterwards.
    """
    methods = {name: partial(compress_once, name, folder=kept) for name in compressions(config)}
    *lower, highest = entries
    modified = {**dict.fromkeys(lower, 0), highest: created}
    with ThreadPoolExecutor() as pool:
        layers = list(pool.map(lambda kind: make_layer(kind, entries[kind], modified[kind], methods), modified))
    forget_others(kept, (kept_name(name, layer.diff_id) for layer in layers for name in methods))
    return layers


def load_into_engines(config: ImageConfig, context: StepContext, built: Built) -> Sequence[Engine]:
    """Load the image into the available engines, report it, and return these engines.

    Raises:
        ImageError: the archive does not contain the image.
    """
    artifact = make_artifact(config, written=built.written, ports=built.server_ports)
    engines = loading_engines(config.smoke.engine)
    if engines:
        # An engine must not get another image, even if the manifest of this step was changed with the archive.
        read_checked(artifact.archive, artifact.written)
    for engine in engines:
        with context.terminal.activity(f"loading {config.references[0]} into {engine.name}"):
            is_new = engine.load(artifact)
        context.say(f"{config.references[0]} {'loaded into' if is_new else 'is already in'} {engine.name}")
    return engines


def show_sizes(config: ImageConfig, context: StepContext, ingredients: Ingredients, built: Built) -> None:
    """Show sizes from the frozen program to the image."""
    frozen_bytes = sum(part.size_bytes for part in ingredients.frozen.contents)
    sizes = Sizes(frozen_bytes=frozen_bytes, executable_bytes=ingredients.executable_bytes, built=built)
    for line in as_table(config, sizes):
        context.say(line)
    add_to_job_summary(as_markdown(config, sizes))


def show_next(config: ImageConfig, context: StepContext, engines: Sequence[Engine], ports: Sequence[int]) -> None:
    """Show the commands to type next, unless a step that takes over the terminal will show its own."""
    if not (context.command("run") and context.command("shell")):
        return
    for number, command in enumerate(next_commands(config, context.command, running_engine(config, engines), ports)):
        context.say(f"{'next:' if number == 0 else '':<6}{command}")


def running_engine(config: ImageConfig, engines: Sequence[Engine]) -> str:
    """The name of an engine that has run an image here, or ""; it is not tried again, since that takes a second."""
    seen = config.work / "kept" / "engines"
    for engine in engines:
        if (seen / engine.name).exists():
            return engine.name
        # An engine may accept images even if it cannot start containers.
        if not why_not(engine):
            write_whole(seen / engine.name, "")
            return engine.name
    return ""


def describe(config: ImageConfig, made: OciImage, ingredients: Ingredients, components: Sequence[Component]) -> Built:
    frozen = ingredients.frozen
    layers = tuple(describe_layer(layer, made.compression) for layer in made.layers)
    return Built(
        version=MANIFEST_VERSION,
        name=config.name,
        tags=tuple(config.references),
        digest=made.digest,
        image_id=made.image_id,
        layout=config.layout,
        compression=made.compression,
        platform=ingredients.runtime.platform,
        python=frozen.interpreter.version,
        created=timestamp(ingredients.created),
        size_bytes=sum(layer.size_bytes for layer in layers),
        compressed_bytes=sum(layer.compressed_bytes for layer in layers),
        layers=layers,
        built_with=built_with(components, tool_versions(config, frozen)),
        server_ports=frozen.ports,
        components=tuple(components),
        vendor=config.image.labels.get(VENDOR, ""),
    )


def report(built: Built, inputs: str) -> str:
    """The content of `image.json`."""
    content = {name: value for name, value in to_json(built).items() if name not in NOT_REPORTED}
    return json.dumps({**content, "inputs": inputs}, indent=2) + "\n"


def describe_layer(layer: Layer, compression: Compression) -> LayerDescription:
    blob = layer.blobs[compression]
    return LayerDescription(
        kind=layer.kind,
        digest=digest(blob),
        diff_id=layer.diff_id,
        size_bytes=layer.size_bytes,
        compressed_bytes=len(blob),
    )


def check_budget(config: ImageConfig, built: ImageDescription, contents: Sequence[Part]) -> None:
    """Raises ImageError with the largest contents if the image is over `max-size` or `max-compressed-size`."""
    budgets = (
        ("max-size", "on disk", built.size_bytes, config.max_size),
        ("max-compressed-size", "on the wire", built.compressed_bytes, config.max_compressed_size),
    )
    largest = [f"{megabytes(part.size_bytes):>9}  {part.kind:<8}  {part.name}" for part in contents[:LARGEST_SHOWN]]
    for key, place, size_bytes, budget in budgets:
        if budget is not None and size_bytes > budget:
            raise ImageError(
                f"{config.name} is over budget: {megabytes(size_bytes)} {place}, "
                f"{megabytes(size_bytes - budget)} above {key} ({megabytes(budget)}). "
                "Its largest contents, before compression:",
                f"Leave out what the program does not need (freeze.excludes), or raise {key}.",
                largest,
            )
