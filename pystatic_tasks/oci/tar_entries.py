"""Which entries a tar may have so that whoever unpacks it writes nowhere but into the folder that was meant.

The rules are those of `tarfile.data_filter` (PEP 706), which Python 3.10 need not have, and stricter:
no absolute links, and no names that a terminal or a list of files could be misled by.
"""

from __future__ import annotations

import posixpath
import unicodedata


def problem(name: str, link: str = "") -> str:
    """What is wrong with an entry, or "".

    Args:
        name: Its name in the tar, without a leading "/".
        link: What it points to, if it is a symbolic link.
    """
    if any(unicodedata.category(letter) == "Cc" for letter in name + link):
        return "has a control character in its name"
    if name.startswith("/") or not {"", ".", ".."}.isdisjoint(name.split("/")):
        return "is no path below the root"
    if link.startswith("/"):
        return f"is a link to the absolute path {link}"
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
    return f"is a link out of the root, to {link}" if target.split("/")[0] == ".." else ""
