"""The SPDX names of components' licences (https://spdx.org/licenses/), where they are certain.

Every other licence gets its own LicenseRef, by annex D of SPDX 2.3
(https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from pystatic_tasks.in_env.protocol import Component

# Classifiers of PyPI that mean exactly one licence.
CLASSIFIERS = {
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    # PyInstaller's, whose exception has this name in SPDX.
    "GPLv2-or-later with a special exception which allows to use PyInstaller to build and distribute non-free programs "
    "(including commercial ones)": "GPL-2.0-or-later WITH Bootloader-exception",
}
# Common texts of the field License, without `FILLERS`.
WRITTEN = {
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache software 2.0": "Apache-2.0",
    "bsd 2 clause": "BSD-2-Clause",
    "2 clause bsd": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "3 clause bsd": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "modified bsd": "BSD-3-Clause",
    "isc": "ISC",
    "mit": "MIT",
    "mpl 2.0": "MPL-2.0",
    "mozilla public 2.0": "MPL-2.0",
}
FILLERS = re.compile(r"\b(?:the|licen[cs]e|version)\b|\bv(?=\d)|[-,_\s]+", re.IGNORECASE)
# Debian's short names for licences that have other names in SPDX
# (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/#license-short-name).
DEBIANS = {
    "apache-2": "Apache-2.0",
    "cc0": "CC0-1.0",
    "expat": "MIT",
    "openldap-2.8": "OLDAP-2.8",
    **{f"gfdl-niv-1.{minor}": f"GFDL-1.{minor}-no-invariants-only" for minor in (1, 2, 3)},
    **{f"gfdl-niv-1.{minor}+": f"GFDL-1.{minor}-no-invariants-or-later" for minor in (1, 2, 3)},
    **{f"zope-{version}": f"ZPL-{version}" for version in ("1.1", "2.0", "2.1")},
}
# A GNU licence with its version, by which Debian means exactly this version or, with a "+", this or any later one,
# as old SPDX names do.
GNU = re.compile(r"(?P<name>A?GPL|LGPL)-(?P<major>\d)(?:\.(?P<minor>\d))?(?P<later>\+?)", re.IGNORECASE)
OWN = "LicenseRef-"
LONGEST = 1_000


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The licence of a component.

    Attributes:
        expression: An SPDX expression, or "" if unknown.
        references: What each LicenseRef in it stands for: the component's own name for the licence.
    """

    expression: str
    references: Mapping[str, str]


def conclude(component: Component) -> Conclusion:
    """The licence that a component declares; if it declares several, all apply."""
    references: dict[str, str] = {}

    def refer(name: str) -> str:
        title = PurePosixPath(name).name if name.startswith("/") else name
        key = f"{OWN}{component.type}-{slug(component.name)}-{slug(title)}"
        references[key] = name
        return key

    found = [expression_of(component, name, refer) for name in component.licenses]
    expression = conjunction(found)
    declared = (each for each in re.findall(rf"{OWN}[A-Za-z0-9.-]+", expression) if each not in references)
    return Conclusion(expression=expression, references={**references, **{each: each for each in declared}})


def explanations(components: Iterable[Component]) -> dict[str, str]:
    """For each LicenseRef in the licences of these components: where its text is, sorted.

    The texts themselves would be larger than the rest of the document; the components have them.
    """
    found = {}
    for each in components:
        title = " ".join(filter(None, (each.name, each.version)))
        place = f"/usr/share/doc/{each.name}/copyright" if each.type == "deb" else "its metadata and licence files"
        for key, name in conclude(each).references.items():
            is_file = name.startswith("/")
            found[key] = f"The terms in {name} of {title}." if is_file else f'What {title} calls "{name}" in {place}.'
    return dict(sorted(found.items()))


def conclude_all(components: Iterable[Component]) -> Conclusion:
    """The licence of something made of these components: all of theirs, or unknown if one is unknown."""
    found = [conclude(each) for each in components]
    references = {key: name for each in found for key, name in each.references.items()}
    expressions = [each.expression for each in found]
    if not all(expressions):
        return Conclusion(expression="", references={})
    return Conclusion(expression=conjunction(sorted(set(expressions))), references=references)


def expression_of(component: Component, name: str, refer: Callable[[str], str]) -> str:
    """The expression for one of a component's licences."""
    if component.type == "deb" and component.kind == "system":
        return debian_expression(name, refer)
    if component.type == "cargo":
        # Cargo's syntax before it had expressions (https://doc.rust-lang.org/cargo/reference/manifest.html).
        return canonical(name.replace("/", " OR ")) or refer(name)
    known = CLASSIFIERS.get(name) or WRITTEN.get(" ".join(FILLERS.sub(" ", name).lower().split()))
    found = known or canonical(name)
    # A LicenseRef of another document is explained only there.
    is_foreign = component.kind == "bundled" and OWN in found
    return refer(name) if is_foreign or not found else found


def debian_expression(text: str, refer: Callable[[str], str]) -> str:
    """The SPDX expression for Debian's, in which "and" binds before "or", but after a comma the other way round."""
    for pattern, word in ((r",\s+or\s+", "OR"), (r",\s+and\s+", "AND"), (r"\s+or\s+", "OR"), (r"\s+and\s+", "AND")):
        parts = re.split(pattern, text)
        if len(parts) > 1:
            found = [debian_expression(each, refer) for each in parts]
            return conjunction(found) if word == "AND" else " OR ".join(map(grouped, found))
    return DEBIANS.get(text.lower()) or canonical(text) or refer(text)


def canonical(text: str) -> str:
    """A normalized SPDX expression, with current names for GNU licences; "" if the text is invalid."""
    modern = " ".join(gnu_name(word) for word in text.replace("(", " ( ").replace(")", " ) ").split())
    try:
        return canonicalize_license_expression(modern) if len(modern) <= LONGEST else ""
    except InvalidLicenseExpression:
        return ""


def gnu_name(word: str) -> str:
    found = GNU.fullmatch(word)
    if not found:
        return word
    ending = "or-later" if found["later"] else "only"
    return f"{found['name'].upper()}-{found['major']}.{found['minor'] or 0}-{ending}"


def conjunction(expressions: Iterable[str]) -> str:
    """All of these expressions, joined with AND, without duplicate parts."""
    parts = list(dict.fromkeys(part for each in expressions for part in operands(each)))
    return parts[0] if len(parts) == 1 else " AND ".join(map(grouped, parts))


def operands(expression: str) -> list[str]:
    """The operands of AND; the whole expression if it is a choice."""
    found, depth, part = [], 0, ""
    for word in expression.split():
        if depth == 0 and word == "OR":
            return [expression]
        if depth == 0 and word == "AND":
            found.append(part)
            part = ""
        else:
            part = f"{part} {word}".strip()
        depth += word.count("(") - word.count(")")
    return [*found, part]


def grouped(expression: str) -> str:
    """An expression in parentheses, if it needs them to be joined with others."""
    is_grouped = operands(f"{expression} AND x")[0] == expression and expression.startswith("(")
    return f"({expression})" if not is_grouped and re.search(" (?:AND|OR) ", expression) else expression


def slug(text: str) -> str:
    """A text with only the characters that SPDX allows in an identifier."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text.replace("+", "-or-later")).strip("-.") or "other"
