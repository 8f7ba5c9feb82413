"""Sends images to registries: first missing blobs, and tags last, so that no incomplete image is visible."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.errors import ConfigError, MissingToolError, PushError
from pystatic_tasks.oci.blobs import Blob
from pystatic_tasks.oci.manifest import INDEX_TYPE
from pystatic_tasks.oci.reading.images import ArchivedImage
from pystatic_tasks.oci.references import Reference, names_registry, parse_reference
from pystatic_tasks.oci.registry.credentials import find_credentials
from pystatic_tasks.oci.registry.referrers import (
    EMPTY,
    SBOM_NAME,
    SBOM_TYPE,
    fallback_tag,
    is_sbom,
    listed,
    sbom_manifest,
)
from pystatic_tasks.oci.registry.retries import PassingError
from pystatic_tasks.oci.registry.secrets import Secrets
from pystatic_tasks.system.files import open_regular
from pystatic_tasks.system.terminal import Terminal
from pystatic_tasks.system.units import megabytes

if TYPE_CHECKING:
    from pystatic_tasks.oci.registry.client import Registry


# In memory it may take thirty times as much, if crafted. Large programs need less than 1 MB.
LARGEST_SBOM_BYTES = 16 * 2**20


@dataclass(frozen=True, kw_only=True)
class Content:
    """What to send.

    Attributes:
        images: The images.
        top: What tags will name: the manifest of the only image, or an index of all.
        sboms: Bills of materials, by the digest of the image's manifest.
    """

    images: Sequence[ArchivedImage]
    top: Blob
    sboms: Mapping[str, Blob] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Destination:
    """A repository.

    Attributes:
        registry: The connection to its registry.
        repository: Such as "team/shop".
        references: The tags to set there.
        others: Repositories of the same registry that have the content.
    """

    registry: Registry
    repository: str
    references: Sequence[Reference]
    others: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The result of a push.

    Attributes:
        references: References by digest, one for each repository.
        bytes_sent: Sum of the bodies of all requests in bytes, including retries.
        blobs_sent: Number of blobs that were sent.
        blobs_there: Number of blobs that were already in the registry.
        sboms: Digests of the manifests of bills of materials, by the digest of the image.
    """

    references: Sequence[str]
    bytes_sent: int
    blobs_sent: int
    blobs_there: int
    sboms: Mapping[str, str]

    @property
    def summary(self) -> str:
        """What was sent, in one line."""
        return f"{megabytes(self.bytes_sent)} sent: {self.blobs_sent} blobs; {self.blobs_there} were already there"


def targets(config: ImageConfig) -> list[Reference]:
    """The image's references that name a registry."""
    return list(dict.fromkeys(parse_reference(each) for each in config.references if names_registry(each)))


def read_sbom(folder: Path, image: Blob) -> Blob | None:
    """The bill of materials that the image step wrote beside its archive; None if there is none.

    Args:
        folder: The folder of the archive, which may not be trusted.
        image: The image's manifest.

    Raises:
        ConfigError: the file of that name is something else, a link, or too large.
    """
    path = folder / SBOM_NAME
    try:
        with open_regular(path, links=False) as file:
            content = file.read(LARGEST_SBOM_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError:
        content = b""
    if len(content) > LARGEST_SBOM_BYTES or not is_sbom(content, image):
        raise ConfigError(
            f"{path} is not the list of contents that the image session wrote for the image beside it.",
            "Take both from one build, or remove the list.",
        )
    return Blob(media_type=SBOM_TYPE, content=content)


def open_registry(name: str, say: Callable[[str], None], secrets: Secrets) -> Registry:
    """A connection to a registry.

    Args:
        name: Host, and port if it has one.
        say: Called with a message for each retry.
        secrets: The secrets to hide in its texts.

    Raises:
        MissingToolError: the library for it is not installed.
    """
    registry = registry_class()
    return registry(name, lambda repository: find_credentials(name, repository, os.environ), say, secrets=secrets)


def registry_class() -> type[Registry]:
    """The class that connects to registries; raises MissingToolError if its library is not installed."""
    try:
        from pystatic_tasks.oci.registry.client import Registry
    except ImportError:
        raise MissingToolError(
            "Pushing needs the library urllib3, which is not installed beside Nox.",
            'Install it: pip install "pystatic-tasks[push]".',
        ) from None
    return Registry


def send(content: Content, references: Sequence[Reference], say: Callable[[str], None], terminal: Terminal) -> Sent:
    """Send the content to every repository, and give it its tags there.

    Args:
        content: What to send.
        references: Tags, each with its registry.
        say: Called with a message for each tag that was set, each retry, and what is left out.
        terminal: Shows progress.

    Raises:
        MissingToolError: the library for it is not installed.
        PushError: a registry did not accept something; a repository's tags are set only after everything else in it.
    """
    secrets = Secrets()
    registries = dict.fromkeys(each.registry for each in references)
    connections = {name: open_registry(name, say, secrets) for name in registries}
    for each in references:
        connections[each.registry].expect(each.repository)
    blobs_were_sent: list[bool] = []
    sboms: dict[str, str] = {}
    for destination in destinations(references, connections):
        place = destination.references[0].place
        with terminal.activity(f"pushing to {place}") as show:
            for image in content.images:
                blobs_were_sent += send_image(destination, image, show)
                sbom = content.sboms.get(image.manifest.digest)
                attached = attach_sbom(destination, image, sbom, say) if sbom else ""
                if attached:
                    sboms[image.manifest.digest] = attached
            for reference in destination.references:
                destination.registry.put_manifest(destination.repository, reference.tag, content.top)
        for reference in destination.references:
            say(f"{reference} is {content.top.digest}")
    return Sent(
        references=[f"{place}@{content.top.digest}" for place in dict.fromkeys(each.place for each in references)],
        bytes_sent=sum(each.bytes_sent for each in connections.values()),
        blobs_sent=blobs_were_sent.count(True),
        blobs_there=blobs_were_sent.count(False),
        sboms=sboms,
    )


def destinations(references: Sequence[Reference], connections: Mapping[str, Registry]) -> Iterator[Destination]:
    """The repositories, without duplicates."""
    done: list[Reference] = []
    for place in dict.fromkeys(each.place for each in references):
        named = [each for each in references if each.place == place]
        yield Destination(
            registry=connections[named[0].registry],
            repository=named[0].repository,
            references=named,
            others=[each.repository for each in done if each.registry == named[0].registry],
        )
        done.append(named[0])


def send_image(destination: Destination, image: ArchivedImage, show: Callable[[str], None]) -> list[bool]:
    """Send an image without a tag; returns for each of its blobs whether it had to be sent."""
    were_sent = []
    for number, blob in enumerate(image.blobs, 1):
        show(
            f"pushing to {destination.references[0].place}: "
            f"{number} of {len(image.blobs)}, {megabytes(len(blob.content))}"
        )
        were_sent.append(destination.registry.put_blob(destination.repository, blob, destination.others))
    destination.registry.put_manifest(destination.repository, image.manifest.digest, image.manifest)
    return were_sent


def attach_sbom(destination: Destination, image: ArchivedImage, sbom: Blob, say: Callable[[str], None]) -> str:
    """Send a bill of materials, and attach it to its image.

    Returns:
        The digest of its manifest; "" if the registry, which may be an old one, does not accept it.
    """
    manifest = sbom_manifest(sbom, image.manifest)
    try:
        for blob in (EMPTY, sbom):
            destination.registry.put_blob(destination.repository, blob, destination.others)
        if not destination.registry.put_manifest(destination.repository, manifest.digest, manifest):
            add_to_list(destination, image, manifest)
    except PassingError:
        raise
    except PushError as error:
        say(f"{SBOM_NAME} is left out: {error.problem}")
        return ""
    return manifest.digest


def add_to_list(destination: Destination, image: ArchivedImage, manifest: Blob) -> None:
    """Add a manifest to the tag that lists an image's referrers, for a registry that does not list them itself."""
    tag = fallback_tag(image.manifest)
    index = listed(destination.registry.get_manifest(destination.repository, tag, INDEX_TYPE), manifest)
    if index:
        destination.registry.put_manifest(destination.repository, tag, index)
