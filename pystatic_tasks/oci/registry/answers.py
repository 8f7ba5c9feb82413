"""Reads answers of registries, none of which are trusted."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pystatic_tasks.config.hiding import HIDDEN, effort, hidden, holds, parts_of
from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.registry.addresses import Address, resolve

MOST_LEVELS = 64  # Of nested arrays and objects.
LONGEST_NUMBER = 20  # Digits of an integer; those of 64 bits have fewer.
LONGEST_SHOWN = 200  # Characters of a registry's text that are shown.
LONGEST_READ = 2**16  # Characters of it that are searched for secrets.
# Of the search for secrets: some seconds. A registry may choose both its text and an identity token to slow it down.
MOST_STEPS = 4 * 10**6
# Letters and symbols that look like spaces, or like nothing.
BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
SEE_LOG = "Check the log of the registry, and any proxy in front of it."
MOVED = (301, 302, 303, 307, 308)
# Those that keep the method: https://www.rfc-editor.org/rfc/rfc9110#section-15.4
MOVED_AS_IT_IS = (307, 308)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer.

    Attributes:
        address: The address of the request.
        status: HTTP status.
        reason: The server's text for the status.
        headers: Headers, by names in any case.
        content: The body, as it was sent.
    """

    address: Address
    status: int
    reason: str
    headers: Mapping[str, str]
    content: bytes


def moved_to(answer: Answer, method: str, name: str) -> Address | None:
    """The address that an answer redirects to; None if it does not.

    Raises:
        PushError: that is not a valid address.
    """
    followed = MOVED if method in ("GET", "HEAD") else MOVED_AS_IT_IS
    return location_in(answer, name) if answer.status in followed and "Location" in answer.headers else None


def location_in(answer: Answer, name: str) -> Address:
    """The address in the `Location` header of an answer; `name` is the registry's name, for messages.

    Raises:
        PushError: there is none, or it is not valid.
    """
    try:
        return resolve(answer.address, answer.headers.get("Location", ""))
    except ValueError:
        raise no_address(name, "Location") from None


def no_address(name: str, header: str) -> PushError:
    """The error for an unusable address, which is not shown, since upload addresses may be secret."""
    return PushError(f"The address that {name} gives in {header} cannot be used.", SEE_LOG)


def parse_json(content: bytes) -> Any:
    """Parse JSON that has not too many levels and can be written again.

    Raises:
        ValueError: it is not such JSON.
    """
    try:
        parsed = json.loads(content, parse_int=parse_integer)
        if levels(parsed) > MOST_LEVELS:
            raise ValueError("too many levels")
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError:
        raise ValueError("too many levels") from None
    return parsed


def parse_integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError("too large a number")
    return int(digits)


def levels(content: Any) -> int:
    """How deeply arrays and objects are nested."""
    count, level = 0, [content]
    while level := [each for each in level if isinstance(each, (list, dict))]:
        count += 1
        level = [child for each in level for child in children(each)]
    return count


def children(content: list[Any] | dict[str, Any]) -> Iterable[Any]:
    return content.values() if isinstance(content, dict) else content


def said(answer: Answer, secrets: Iterable[str] = (), tokens: Iterable[str] = ()) -> str:
    """A registry's description of an error in one line, without secrets; see `shown`."""
    try:
        errors = parse_json(answer.content)["errors"]
        text = "; ".join(f"{each['code']}: {each.get('message') or ''}" for each in errors) or answer.reason
    except (ValueError, LookupError, TypeError, AttributeError):
        text = answer.reason
    return shown(text, secrets, tokens).strip(" :.")


def shown(text: str, secrets: Iterable[str] = (), tokens: Iterable[str] = ()) -> str:
    """The beginning of a registry's text in one line, without secrets.

    Secrets are also hidden in lower case, as in host names, and in upper case. A text is not shown at all if the search
    would take too long, if a secret may be longer than the part that is read, or if it would look like a secret because
    of unusual spaces, accents or invisible characters.

    Args:
        text: The registry's text.
        secrets: The user's secrets, which are hidden in every way of quoting them.
        tokens: Tokens from the registry itself, which may be long and many, and are hidden only as they are.
    """
    read, written, given = text[:LONGEST_READ], in_all_letters(secrets), in_all_letters(tokens)
    longest = max(map(len, written | given), default=0)
    if longest > LONGEST_READ // 2 or len(read) * effort(written) > MOST_STEPS:
        return HIDDEN
    seen = hidden(read, written, given)
    # The end of the part that was read may be the beginning of a secret.
    whole = seen if len(text) <= LONGEST_READ else seen[: -LONGEST_READ // 2]
    if looks_like(whole, written, given):
        return HIDDEN
    return "".join(each if each.isprintable() else " " for each in whole[:LONGEST_SHOWN])


def in_all_letters(secrets: Iterable[str]) -> set[str]:
    return {written for each in secrets for written in (each, each.lower(), each.upper())}


def looks_like(text: str, secrets: Iterable[str], tokens: Iterable[str]) -> bool:
    """Whether a text may look as if it contained one of them, or there are too many to search for.

    If both are printable ASCII, the search for the exact text is enough.
    """
    is_other = not is_plain(text)
    parts = (part for each in secrets for part in parts_of(each))
    quoted, given = ({letters(each) for each in some if is_other or not is_plain(each)} for some in (parts, tokens))
    seen = letters(text) if quoted or given else ""
    return len(seen) * effort(quoted) > MOST_STEPS or holds(seen, quoted, given)


def is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def letters(text: str) -> str:
    """The visible characters of a text, without spaces and marks."""
    # Without this first, sorting very many marks would take long.
    return without_blanks(unicodedata.normalize("NFKD", without_blanks(text)))


def without_blanks(text: str) -> str:
    return "".join(each for each in text if unicodedata.category(each)[0] not in "CMZ" and each not in BLANKS)
