"""What makes one static file of a frozen program, for the one-file layout.

`PackerName` in config/model.py is the list of packers; each is the module of its name here, as `PACKER`.
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
    """The packer of an image; None where its layout needs none."""
    return find_packer(config.used_packer) if config.used_packer else None


def form_of(config: ImageConfig) -> Form:
    """How the program is frozen: as its packer takes it, or as the layout has it."""
    packer = packer_of(config)
    return packer.takes if packer else "tree"


def unpacked_into_tmp(config: ImageConfig) -> str:
    """Paths in /tmp of what a start unpacks there: a regular expression, or "" where nothing is."""
    packer = packer_of(config)
    return packer.unpacked_into_tmp if packer else ""


def says_ended_by_term(config: ImageConfig, output: str) -> bool:
    """Whether what was packed says in its log that TERM ended the program."""
    packer = packer_of(config)
    pattern = packer.ended_by_term if packer else ""
    return bool(pattern and re.search(pattern, output, re.MULTILINE))
