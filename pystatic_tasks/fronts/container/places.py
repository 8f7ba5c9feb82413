"""Where things lie in the container."""

from __future__ import annotations

# The project, as it is on the caller's machine; nothing is written there.
PROJECT = "/project"
# This package, and what there is to know of it.
PACKAGE = "/pystatic/package"
# What is handed in for one run.
HANDED = "/pystatic/handed"
QUESTION = f"{HANDED}/question.json"
METADATA = f"{HANDED}/metadata"
KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts"
# What is kept from run to run: our own tools, build environments, and the copy that is built from.
KEPT = "/pystatic/kept"
COPY = f"{KEPT}/copy"
# What git says of that copy.
IGNORED = f"{KEPT}/ignored.json"
# What comes out.
RESULTS = "/pystatic/results"
SSH_AGENT = "/pystatic/ssh-agent"
