"""The documentation as a site: README.md and docs/ as they are, built strictly by Zensical.

Usage: nox -s docs
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import tomlkit

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = "docs/site"
BUILD = Path("build", "site")
# What the menu shows: pages, or patterns of pages, in the order of their names.
KINDS: Mapping[str, Sequence[str]] = {
    "Start": ["README.md"],
    "Tutorial": ["docs/tutorial.md"],
    "How-to": ["docs/how-to.md", "docs/frameworks.md", "docs/slim.md", "docs/coming-from.md"],
    "Places": ["docs/places/*.md"],
    "Reference": ["docs/reference.md", "docs/pythons.md", "docs/guarantees.md", "SECURITY.md", "CHANGELOG.md"],
    "Explanation": ["docs/explanation.md", "docs/layouts.md", "docs/peers.md"],
    "Development": ["CONTRIBUTING.md", "docs/add-*.md", "docs/releasing.md"],
}
PICTURES = (".png", ".svg")
BLOCK = re.compile(r"^(```.*?^```)$", re.MULTILINE | re.DOTALL)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LINK = re.compile(r"(?P<picture>!?)\[(?P<text>(?:!\[[^\]]*\]\([^)]*\)|[^\[\]])*)\]\((?P<address>[^)\s]*)\)")


class BrokenError(Exception):
    """The documentation is not whole; the text says where."""


def pages(root: Path) -> list[str]:
    """The paths of all pages, as the repository has them."""
    found = [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
    return sorted(path.relative_to(root).as_posix() for path in found)


def menu(root: Path) -> dict[str, list[str]]:
    """The pages of each kind.

    Raises:
        BrokenError: A page is of no kind, or a kind names one that is not there.
    """
    known = pages(root)
    kinds = {kind: [page for each in patterns for page in matching(known, each)] for kind, patterns in KINDS.items()}
    listed = [page for found in kinds.values() for page in found]
    for page in known:
        if page not in listed:
            raise BrokenError(f"{page} is of no kind, so no menu would show it. Add it to KINDS in docs/website.py.")
    return kinds


def matching(known: Sequence[str], pattern: str) -> list[str]:
    found = [page for page in known if PurePosixPath(page).match(pattern)]
    if not found:
        raise BrokenError(f"There is no page {pattern}. Correct KINDS in docs/website.py.")
    return found


def place(path: str) -> str:
    """Where the site has a page or a picture of the repository."""
    if path == "README.md":
        return "index.md"
    return path.removeprefix("docs/") if "/" in path else path.lower()


def as_in_site(root: Path, page: str) -> str:
    """A page's text, with links as the site has them; of what is not in the site only the path is told.

    Raises:
        BrokenError: A link leads to no file of the repository.
    """
    parts = BLOCK.split((root / page).read_text(encoding="utf-8"))
    return "".join(part if BLOCK.match(part) else with_links(root, page, part) for part in parts)


def with_links(root: Path, page: str, text: str) -> str:
    return LINK.sub(lambda link: in_site(root, page, link), text)


def in_site(root: Path, page: str, link: re.Match[str]) -> str:
    path, mark, anchor = link["address"].partition("#")
    if not path or ":" in path:
        return link[0]
    target = os.path.normpath(PurePosixPath(page).parent / path)
    if not (root / target).exists():
        raise BrokenError(f"{page} has a link to {link['address']}, which is not there.")
    text = with_links(root, page, link["text"])
    if not target.endswith((".md", *PICTURES)):
        return f"{text} (`{target}`)"
    address = os.path.relpath(place(target), PurePosixPath(place(page)).parent)
    return f"{link['picture']}[{text}]({address}{mark}{anchor})"


def write_sources(root: Path, folder: Path) -> None:
    """Everything that Zensical reads: pages, pictures and settings with the menu."""
    kinds = menu(root)
    sources = folder / "docs"
    pictures = [path.relative_to(root).as_posix() for path in (root / "docs").rglob("*") if path.suffix in PICTURES]
    for path in (*pages(root), *pictures):
        target = sources / place(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path in pictures:
            shutil.copyfile(root / path, target)
        else:
            target.write_text(as_in_site(root, path), encoding="utf-8")
    for file in (root / SETTINGS).glob("iframe-worker.*"):
        shutil.copyfile(file, sources / file.name)
    settings = tomlkit.parse((root / SETTINGS / "zensical.toml").read_text(encoding="utf-8"))
    settings["project"]["nav"] = [{kind: [place(page) for page in found]} for kind, found in kinds.items()]
    (folder / "zensical.toml").write_text(tomlkit.dumps(settings), encoding="utf-8")


def build(root: Path, folder: Path) -> Path:
    """Make the site of a repository; where it begins.

    Raises:
        BrokenError: A page cannot be reached, or a link or an anchor leads nowhere.
    """
    shutil.rmtree(folder, ignore_errors=True)
    write_sources(root, folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    built = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if built.returncode != 0:
        raise BrokenError(COLOUR.sub("", built.stdout).partition("Traceback")[0])
    return folder / "site" / "index.html"


if __name__ == "__main__":
    try:
        print(build(ROOT, ROOT / BUILD).relative_to(ROOT))
    except BrokenError as error:
        sys.exit(str(error))
