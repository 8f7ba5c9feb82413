"""Generates a Dockerfile that makes the same root with `docker build`."""

from __future__ import annotations

import json
import re

from pystatic_tasks.oci.manifest import Runtime


def dockerfile(runtime: Runtime) -> str:
    """A Dockerfile that makes the same root with `docker build`."""
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
    """A string as Docker reads it in ENV and LABEL, where "$" would start a variable."""
    return '"' + re.sub(r'(["$\\])', r"\\\1", text) + '"'
