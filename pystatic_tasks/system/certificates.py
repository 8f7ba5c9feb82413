"""Finds the bundle of certificate authorities that a system trusts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

# Its place on Debian and in our images.
USUAL_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# Debian, Fedora, openSUSE, Alpine (the list of Go's crypto/x509).
BUNDLES = (
    USUAL_BUNDLE,
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def find_bundle(place: Callable[[str], Path] = Path) -> Path | None:
    """The bundle of this machine, or of a system whose files lie where `place` says; None if it has none."""
    return next(filter(Path.is_file, map(place, BUNDLES)), None)
