"""The step: from the executable to `image.tar`, without any engine."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pystatic_tasks.config.model import Image
from pystatic_tasks.engines import loading_engines, make_artifact
from pystatic_tasks.errors import ConfigError, ImageError
from pystatic_tasks.host import Host
from pystatic_tasks.image.archive import write_archive
from pystatic_tasks.image.labels import project_labels
from pystatic_tasks.image.layers import Layer, digest, make_layer
from pystatic_tasks.image.oci import OciImage, Runtime, make_image, timestamp
from pystatic_tasks.image.rootfs import CERTIFICATES, root_entries
from pystatic_tasks.machine import host_platform
from pystatic_tasks.pipeline import (
    Manifest,
    fingerprint,
    megabytes,
    require_manifest,
    shown,
    unchanged,
    write_manifest,
    write_whole,
)
from pystatic_tasks.project import Git, read_git, read_pyproject

MANIFEST_VERSION = 1
LARGEST_SHOWN = 10
LATEST_SECONDS = 253402300799  # The end of the year 9999.


def image(image: Image, host: Host) -> Manifest:
    """Write `image.tar`, `image.json`, `rootfs.tar` and `Dockerfile` into `dist/pystatic/NAME`.

    Raises:
        ConfigError: a file that the configuration names is not there.
        ImageError: the image is over budget, or the system lacks what is to be copied.
    """
    frozen = require_manifest(image, "freeze")
    static = require_manifest(image, "staticx")
    git = read_git(image.root)
    created = creation_time(git)
    runtime = make_runtime(image, frozen.facts, git)
    entries = root_entries(image, Path(next(iter(static.outputs))))
    layer = make_layer("program", entries, created)
    made = make_image([layer], runtime, created)
    archive = write_archive(made, image.references)
    described = describe(image, made, frozen.facts, created)
    inputs = fingerprint([digest(archive), described, image.max_size])
    there = unchanged(image, "image", inputs) if host.use_cache else None
    if there:
        host.say(f"{shown(image, image.dist / 'image.tar')} is up to date ({made.digest})")
        load_into_engines(image, host, there.facts)
        return there

    check_budget(image, described["size_bytes"], frozen.facts["contents"])
    outputs: dict[str, bytes] = {
        "image.tar": archive,
        "rootfs.tar": layer.tar,
        "Dockerfile": dockerfile(runtime).encode(),
        "image.json": (json.dumps({**described, "inputs": inputs}, indent=2) + "\n").encode(),
    }
    for name, content in outputs.items():
        write_whole(image.dist / name, content)
    host.say(f"{shown(image, image.dist / 'image.tar')}: {', '.join(image.references)} {made.digest}")
    paths = [image.dist / name for name in outputs]
    facts = {**described, "server_ports": frozen.facts["ports"]}
    manifest = write_manifest(image, "image", inputs=inputs, outputs=paths, facts=facts)
    load_into_engines(image, host, facts)
    show_way(image, host, frozen, static, described)
    return manifest


def load_into_engines(image: Image, host: Host, built: Mapping[str, Any]) -> None:
    """Make the image known to the engines that are there, and say so."""
    artifact = make_artifact(image, built)
    for engine in loading_engines(image.smoke.engine):
        state = "loaded into" if engine.load(artifact) else "is already in"
        host.say(f"{image.references[0]} {state} {engine.name}")


def show_way(image: Image, host: Host, frozen: Manifest, static: Manifest, built: Mapping[str, Any]) -> None:
    """The way from the frozen program to the image, as a table."""
    contents = sum(part["size_bytes"] for part in frozen.facts["contents"])
    rows = [
        ("frozen contents", contents),
        ("static executable", static.facts["size_bytes"]),
        ("image on disk", built["size_bytes"]),
        ("image on the wire", built["compressed_bytes"]),
    ]
    for name, size_bytes in rows:
        budget = f"  of {megabytes(image.max_size)}" if image.max_size and name == "image on disk" else ""
        host.say(f"  {name:<18}{megabytes(size_bytes):>10}{budget}")


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
    env = {"SSL_CERT_FILE": CERTIFICATES} if image.image.certificates else {}
    ports = frozen["ports"] if image.image.ports is None else image.image.ports
    program = f"/{image.name}"
    return Runtime(
        platform=host_platform(),
        user=image.image.user,
        entrypoint=[program],
        env=[f"{name}={value}" for name, value in sorted({**env, **image.image.env}.items())],
        ports=sorted(ports),
        labels=dict(sorted({**labels, **image.image.labels}.items())),
        healthcheck=[program, "--healthcheck", image.image.healthcheck] if image.image.healthcheck else [],
    )


def project_version(project: Mapping[str, Any], distributions: Mapping[str, str]) -> str:
    installed = {normalized(name): version for name, version in distributions.items()}
    return installed.get(normalized(str(project.get("name", "")))) or str(project.get("version", ""))


def normalized(name: str) -> str:
    """A project's name as indexes compare it.

    https://packaging.python.org/en/latest/specifications/name-normalization/
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def describe(image: Image, made: OciImage, frozen: Mapping[str, Any], created: int) -> dict[str, Any]:
    """The content of `image.json`, but for the hash of its inputs."""
    return {
        "version": MANIFEST_VERSION,
        "name": image.name,
        "tags": list(image.references),
        "digest": made.digest,
        "image_id": made.image_id,
        "layout": image.layout,
        "platform": host_platform(),
        "python": frozen["interpreter"]["version"],
        "created": timestamp(created),
        "size_bytes": sum(layer.size_bytes for layer in made.layers),
        "compressed_bytes": sum(len(layer.blob) for layer in made.layers),
        "layers": [describe_layer(layer) for layer in made.layers],
    }


def describe_layer(layer: Layer) -> dict[str, Any]:
    return {
        "kind": layer.kind,
        "digest": layer.digest,
        "diff_id": layer.diff_id,
        "size_bytes": layer.size_bytes,
        "compressed_bytes": len(layer.blob),
    }


def check_budget(image: Image, size_bytes: int, contents: Sequence[Mapping[str, Any]]) -> None:
    """Raises ImageError, with the largest contents, if the image is larger than `max-size`."""
    if image.max_size is None or size_bytes <= image.max_size:
        return
    largest = [
        f"{megabytes(part['size_bytes']):>9}  {part['kind']:<8}  {part['name']}" for part in contents[:LARGEST_SHOWN]
    ]
    raise ImageError(
        f"{image.name} is over budget: {megabytes(size_bytes)} on disk, "
        f"{megabytes(size_bytes - image.max_size)} above max-size ({megabytes(image.max_size)}). "
        "Its largest contents, before compression:",
        "Leave out what the program does not need (freeze.excludes), or raise max-size.",
        largest,
    )


def dockerfile(runtime: Runtime) -> str:
    """The same root by `docker build`, for people who want that."""
    lines = ["FROM scratch", "ADD rootfs.tar /", f"USER {runtime.user}", "WORKDIR /", "STOPSIGNAL SIGTERM"]
    lines += [f"ENV {name}={quote(value)}" for name, _, value in (each.partition("=") for each in runtime.env)]
    lines += [f"LABEL {quote(key)}={quote(value)}" for key, value in runtime.labels.items()]
    lines += [f"EXPOSE {port}/tcp" for port in runtime.ports]
    if runtime.healthcheck:
        lines.append(f"HEALTHCHECK --timeout=10s CMD {json.dumps(list(runtime.healthcheck))}")
    lines.append(f"ENTRYPOINT {json.dumps(list(runtime.entrypoint))}")
    return "\n".join(lines) + "\n"


def quote(text: str) -> str:
    """A text as Docker reads it in ENV and LABEL, where "$" would begin a variable."""
    return '"' + re.sub(r'(["$\\])', r"\\\1", text) + '"'
