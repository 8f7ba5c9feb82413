# /// script
# dependencies = ["nox", "pystatic-tasks"]
# ///
"""A noxfile that says itself what it needs."""

import nox

import pystatic_tasks

pystatic_tasks.register()

if __name__ == "__main__":
    nox.main()
