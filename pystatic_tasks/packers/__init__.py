"""Packers, which make one static executable from a frozen program, for the one-file layout.

`PackerName` in config/model.py lists them; each is the module of its name here, with a `PACKER`.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import get_args

from pystatic_tasks.config.model import ImageConfig, PackerName
from pystatic_tasks.in_env.protocol import Form
from pystatic_tasks.packers.packer import Packer

__all__ = [
    "Packer",
    "all_packers",
    "find_packer",
    "form_of",
    "packer_of",
    "says_ended_by_term",
    "unpacked_into_tmp",
]


def find_packer(name: PackerName) -> Packer:
    packer: Packer = import_module(f"{__name__}.{name}").PACKER
    return packer


def all_packers() -> list[Packer]:
    return [find_packer(name) for name in get_args(PackerName)]


def packer_of(config: ImageConfig) -> Packer | None:
    """The packer of an image; None if its layout needs none."""
    return find_packer(config.used_packer) if config.used_packer else None


def form_of(config: ImageConfig) -> Form:
    """The form in which the program is frozen: the one that its packer takes, or a tree."""
    packer = packer_of(config)
    return packer.takes if packer else "tree"


def unpacked_into_tmp(config: ImageConfig) -> str:
    """A regular expression for paths in /tmp that the program unpacks at its start; "" if there are none."""
    packer = packer_of(config)
    return packer.unpacked_into_tmp if packer else ""


def says_ended_by_term(config: ImageConfig, output: str) -> bool:
    """Whether the log of a packed program says that SIGTERM ended it."""
    packer = packer_of(config)
    pattern = packer.ended_by_term if packer else ""
    return bool(pattern and re.search(pattern, output, re.MULTILINE))
