"""The step that joins images of several platforms into one.

https://github.com/opencontainers/image-spec/blob/main/image-index.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pystatic_tasks.config.model import ImageConfig, shown
from pystatic_tasks.errors import ConfigError, ImageError
from pystatic_tasks.oci.archive import layout_index, write_layout
from pystatic_tasks.oci.blobs import Blob, blob_path
from pystatic_tasks.oci.manifest import INDEX_TYPE, canonical
from pystatic_tasks.oci.reading.images import ArchivedImage, read_archive
from pystatic_tasks.oci.references import Reference
from pystatic_tasks.oci.registry.send import Content, Sent, read_sbom, send, targets
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import report_path, write_report
from pystatic_tasks.steps.results import Indexed, PlatformImage
from pystatic_tasks.system.files import write_whole
from pystatic_tasks.system.machine import normalized
from pystatic_tasks.system.terminal import add_to_job_outputs
from pystatic_tasks.system.texts import printable

# The version of index.json, which schemas/index.schema.json describes.
REPORT_VERSION = 1
NOTHING_SENT = Sent(references=[], bytes_sent=0, blobs_sent=0, blobs_there=0, sboms={})


def index(config: ImageConfig, context: StepContext) -> Indexed:
    """Join archives, write `index.tar` and `index.json` into `dist/pystatic/NAME`, and push if tags name a registry.

    Returns:
        The content of `index.json`.

    Raises:
        ConfigError: there are no archives, one contains no image or another one's, two are for the same platform, or
            the bill of materials beside one is for another image.
        ImageError: there is not enough memory.
        MissingToolError: the library for pushing, or for layers compressed with zstd, is not installed.
        PushError: a registry could not be reached, or rejected something.
    """
    paths = [config.root / each for each in context.archives]
    if not paths:
        typed = context.command("index", "--archive", "amd64/image.tar", "--archive", "arm64/image.tar")
        raise ConfigError("There are no archives to join.", f"Name one for each platform: {typed or '--archive FILE'}.")
    return join(config, context, read_archives(paths, config.name), targets(config))


def join(
    config: ImageConfig, context: StepContext, images: Mapping[Path, ArchivedImage], references: Sequence[Reference]
) -> Indexed:
    """Join the images in these archives, and push to these references; raises the same errors."""
    sboms = read_sboms(images) if references else {}
    top = make_index(list(images.values()))
    archive_path = config.dist / "index.tar"
    report_path(config, Indexed.step).unlink(missing_ok=True)
    try:
        write_whole(archive_path, make_archive(list(images.values()), top, config.references))
    except MemoryError:
        problem = f"Not enough memory to write {archive_path}."
        raise ImageError(problem, "Run this on a machine with more memory.") from None
    platforms = ", ".join(each.platform for each in images.values())
    context.say(f"{shown(config, archive_path)}: {', '.join(config.references)} {top.digest} for {platforms}")
    sent = NOTHING_SENT
    if references:
        content = Content(images=list(images.values()), top=top, sboms=sboms)
        sent = send(content, references, context.say, context.terminal)
        context.say(sent.summary)
    report = Indexed(
        version=REPORT_VERSION,
        name=config.name,
        tags=tuple(config.references),
        digest=top.digest,
        platforms=tuple(describe(each, sent) for each in images.values()),
        references=tuple(sent.references),
        bytes_sent=sent.bytes_sent,
        blobs_sent=sent.blobs_sent,
        blobs_there=sent.blobs_there,
    )
    write_report(config, report)
    if sent.references:
        add_to_job_outputs({"digest": top.digest, "reference": sent.references[0]})
    return report


def read_archives(paths: Sequence[Path], name: str) -> dict[Path, ArchivedImage]:
    """The images in archives, in the order of their platforms; all must have this name.

    Raises:
        ConfigError: one contains no image or another one's, or two are for the same platform.
    """
    found: dict[Path, ArchivedImage] = {}
    for path in paths:
        read = read_archive(path)
        if read.program != f"/{name}":
            raise ConfigError(
                f"{path} is an image of {printable(read.program)}, not of /{name}.", "Name archives of one image."
            )
        platform = normalized(read.platform)
        same = next((other for other, each in found.items() if normalized(each.platform) == platform), None)
        if same:
            raise ConfigError(f"{same} and {path} are both for {platform}.", "Name one archive for each platform.")
        found[path] = read
    return dict(sorted(found.items(), key=lambda each: each[1].platform))


def read_sboms(images: Mapping[Path, ArchivedImage]) -> dict[str, Blob]:
    """The bills of materials beside the archives, if any, by the digests of the images.

    Raises:
        ConfigError: one is for another image.
    """
    found = {each.manifest.digest: read_sbom(path.parent, each.manifest) for path, each in images.items()}
    return {digest: sbom for digest, sbom in found.items() if sbom}


def make_index(images: Sequence[ArchivedImage]) -> Blob:
    """The index of the images, with the annotations that they share."""
    first, *others = [each.annotations for each in images]
    shared = {key: text for key, text in first.items() if all(each.get(key) == text for each in others)}
    content = {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [{**each.manifest.descriptor, "platform": platform(each.platform)} for each in images],
        "annotations": shared,
    }
    return Blob(media_type=INDEX_TYPE, content=canonical(content))


def platform(text: str) -> dict[str, str]:
    """A platform as in an index: by the names in the image's configuration, which engines normalize themselves."""
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))


def make_archive(images: Sequence[ArchivedImage], top: Blob, references: Sequence[str]) -> bytes:
    """An OCI layout with the images and their index."""
    blobs = [top, *(blob for image in images for blob in (image.manifest, *image.blobs))]
    files = {
        "index.json": canonical(layout_index(top.descriptor, references)),
        **{blob_path(blob.digest): blob.content for blob in blobs},
    }
    return write_layout(files)


def describe(image: ArchivedImage, sent: Sent) -> PlatformImage:
    return PlatformImage(
        platform=image.platform,
        digest=image.manifest.digest,
        compressed_bytes=sum(len(blob.content) for blob in image.blobs[1:]),
        sbom=sent.sboms.get(image.manifest.digest),
    )
