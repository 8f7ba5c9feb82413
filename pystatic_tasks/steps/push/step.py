"""The step: from `image.tar` to registries."""

from __future__ import annotations

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import ConfigError, PystaticError
from pystatic_tasks.oci.reading.images import ArchivedImage, read_archive
from pystatic_tasks.oci.references import Reference
from pystatic_tasks.oci.registry.send import Content, read_sbom, registry_class, send, targets
from pystatic_tasks.steps.context import StepContext
from pystatic_tasks.steps.manifest import report_path, require_result, write_report
from pystatic_tasks.steps.results import Built, Pushed
from pystatic_tasks.system.terminal import add_to_job_outputs

# The version of push.json, which schemas/push.schema.json describes.
REPORT_VERSION = 1


def push(config: ImageConfig, context: StepContext) -> Pushed:
    """Send the image to every registry that a tag names, and write `dist/pystatic/NAME/push.json`.

    Returns:
        The content of `push.json`.

    Raises:
        ConfigError: no tag names a registry, or the bill of materials beside the image is for another one.
        PystaticError: the image step was not run, or made another image.
        MissingToolError: the library for pushing, or for layers compressed with zstd, is not installed.
        PushError: a registry could not be reached, or rejected something.
    """
    references = require_targets(config, context)
    report_path(config, Pushed.step).unlink(missing_ok=True)
    archived = read_archive(config.dist / "image.tar")
    require_built(config, archived)
    sbom = read_sbom(config.dist, archived.manifest)
    sboms = {archived.manifest.digest: sbom} if sbom else {}
    content = Content(images=[archived], top=archived.manifest, sboms=sboms)
    sent = send(content, references, context.say, context.terminal)
    context.say(sent.summary)
    report = Pushed(
        version=REPORT_VERSION,
        name=config.name,
        tags=tuple(str(each) for each in references),
        digest=archived.manifest.digest,
        references=tuple(sent.references),
        bytes_sent=sent.bytes_sent,
        blobs_sent=sent.blobs_sent,
        blobs_there=sent.blobs_there,
        sbom=sent.sboms.get(archived.manifest.digest),
    )
    write_report(config, report)
    add_to_job_outputs({"digest": archived.manifest.digest, "reference": sent.references[0]})
    return report


def require_built(config: ImageConfig, archived: ArchivedImage) -> None:
    """Raises PystaticError unless `image.tar` contains the result of the image step."""
    built = require_result(config, Built)
    if archived.manifest.digest != built.digest:
        raise PystaticError(
            f"{config.dist / 'image.tar'} does not contain {built.digest}.", "Run the image session again."
        )


def check(config: ImageConfig, context: StepContext) -> None:
    """Check before the build whether the image can be sent anywhere.

    Raises:
        ConfigError: no tag names a registry.
        MissingToolError: the library for pushing is not installed.
    """
    require_targets(config, context)
    registry_class()


def require_targets(config: ImageConfig, context: StepContext) -> list[Reference]:
    """The references that name a registry.

    Raises:
        ConfigError: there are none.
    """
    found = targets(config)
    if not found:
        example = f"registry.example/{config.name}:1.4"
        typed = context.command("push", "--tag", example) or f"--tag {example}"
        raise ConfigError(
            f"No tag of {config.name} names a registry: {', '.join(config.references)}.",
            f"Name one: {typed}, or image.tags in pyproject.toml.",
        )
    return found
