"""A noxfile that wants an image as prerequisite, and wraps a step in a session of its own."""

import json
from pathlib import Path

import nox

import pystatic_tasks


@nox.session(venv_backend="none", requires=["image-web"])
def deploy(session: nox.Session) -> None:
    built = json.loads(Path("dist/pystatic/web/image.json").read_text(encoding="utf-8"))
    session.log(f"deploys {built['digest']}")


@nox.session(venv_backend="none", requires=["image-worker"])
def prove(session: nox.Session) -> None:
    session.log("a test system is started")
    pystatic_tasks.run_step(session, "smoke", image="worker", smoke={"timeout": 20})
    session.log("a test system is stopped")


pystatic_tasks.register(skip=["smoke"])
