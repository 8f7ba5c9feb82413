from __future__ import annotations

from typing import Any

import pytest

from pystatic_tasks.sbom.components import Component

DIGEST = "1" * 64


@pytest.fixture
def built() -> dict[str, Any]:
    """What image.json says of an image."""
    return {
        "name": "shop",
        "tags": ["registry.example:5000/shop:latest"],
        "digest": f"sha256:{DIGEST}",
        "platform": "linux/amd64",
        "created": "2024-05-06T07:08:09Z",
    }


@pytest.fixture
def components() -> list[Component]:
    """One of each kind, sorted."""
    qualifiers = {"arch": "amd64", "distro": "debian-12", "upstream": "openssl@3.0.19-1"}
    return [
        Component(
            kind="system",
            type="deb",
            namespace="debian",
            name="libssl3",
            version="3.0.19-1+b1",
            qualifiers=qualifiers,
            libraries={"libcrypto.so.3": "c" * 64, "libssl.so.3": "d" * 64},
            files=("/lib/libssl.so.3", "/lib/libcrypto.so.3"),
        ),
        Component(
            kind="file", type="generic", name="libx.so", sha256="e" * 64, qualifiers={"checksum": f"sha256:{'e' * 64}"}
        ),
        Component(
            kind="interpreter",
            type="generic",
            name="python",
            version="3.13.0",
            licenses=("Python-2.0.1",),
            sha256="a" * 64,
            cpe="cpe:2.3:a:python:python:3.13.0:*:*:*:*:*:*:*",
        ),
        Component(kind="project", type="generic", name="shop", version="1.4", requires=("big-dep", "nowhere")),
        Component(
            kind="distribution",
            type="pypi",
            name="Big_Dep",
            version="2.0",
            licenses=("MIT License", "Größe's own", "ISC OR MIT"),
            files=("/opt/b.pyc", "/opt/a.pyc"),
        ),
        Component(kind="distribution", type="pypi", name="gunicorn", version="27.0.1", licenses=("MIT OR Apache-2.0",)),
    ]
