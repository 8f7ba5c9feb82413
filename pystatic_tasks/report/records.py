"""The results of the steps that an image's page is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pystatic_tasks.config.model import ImageConfig
from pystatic_tasks.in_env.protocol import Component, Part
from pystatic_tasks.oci.description import ImageDescription
from pystatic_tasks.report.contents import Contents
from pystatic_tasks.report.reasons import Evidence
from pystatic_tasks.report.start import Start


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One check of the contract: its name, whether it passed, and what was seen."""

    name: str
    passed: bool
    seen: str


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Checks that belong together: those of the image at rest, or of one run."""

    title: str
    checks: tuple[Seen, ...]

    @property
    def passed(self) -> bool:
        return all(each.passed for each in self.checks)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The results of smoke for exactly this image.

    Attributes:
        engine: The engine that ran it, with its version.
        unchecked: What this engine cannot check.
    """

    engine: str
    trials: tuple[Trial, ...]
    unchecked: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return all(each.passed for each in self.trials)


@dataclass(frozen=True, kw_only=True)
class Records:
    """Everything that a page is made from.

    Attributes:
        config: The image's configuration.
        built: The image.
        components: Its components.
        contents: Its contents.
        before: The contents of the previous image, or None.
        parts: The largest parts of the frozen program.
        evidence: Why they are there.
        not_observed: Why its use was not observed completely; "" if it was.
        proof: The results of smoke, or None.
        start: The time that a start takes, by phase, or None.
    """

    config: ImageConfig
    built: ImageDescription
    components: Sequence[Component]
    contents: Contents
    before: Contents | None
    parts: Sequence[Part]
    evidence: Evidence
    not_observed: str
    proof: Proof | None
    start: Start | None
