"""The certificate authorities that a system trusts, as one file."""

from __future__ import annotations

from pathlib import Path

# Where Debian keeps it, and images of ours.
USUAL_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# Debian, Fedora, openSUSE, Alpine (the list of Go's crypto/x509).
BUNDLES = (
    Path(USUAL_BUNDLE),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
    Path("/etc/ssl/cert.pem"),
)


def find_bundle() -> Path | None:
    """That of this machine; None if it has none."""
    return next((path for path in BUNDLES if path.is_file()), None)
