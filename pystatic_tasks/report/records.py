"""What the steps left of an image, as far as its page tells of it."""

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
    """One check of the contract: what was looked at, whether it held, and what was seen."""

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
    """What smoke saw of this very image.

    Attributes:
        engine: What ran it, with its version.
        unchecked: What that cannot check.
    """

    engine: str
    trials: tuple[Trial, ...]
    unchecked: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return all(each.passed for each in self.trials)


@dataclass(frozen=True, kw_only=True)
class Records:
    """All that a page follows from.

    Attributes:
        config: How the image is configured.
        built: The image.
        components: Its components.
        contents: What lies in it.
        before: The same of the image before, or None.
        parts: The largest contents of the frozen program.
        evidence: Why they are there.
        not_observed: Why not everything was observed; "" if it was.
        proof: What smoke saw, or None.
        start: How long a start takes, by phase, or None.
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
