"""Paths in the container."""

from __future__ import annotations

# The project as it is on the caller's machine; read-only.
PROJECT = "/project"
# This package, and its metadata.
PACKAGE = "/pystatic/package"
# Files for a single run.
HANDED = "/pystatic/handed"
QUESTION = f"{HANDED}/question.json"
METADATA = f"{HANDED}/metadata"
KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts"
# Kept from one run to the next: our own tools, build environments, and the copy that is built.
KEPT = "/pystatic/kept"
COPY = f"{KEPT}/copy"
# What git ignores in that copy.
IGNORED = f"{KEPT}/ignored.json"
# The results.
RESULTS = "/pystatic/results"
SSH_AGENT = "/pystatic/ssh-agent"
