"""What registries answer, none of which is believed."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pystatic_tasks.config.hiding import HIDDEN, effort, hidden, holds, parts_of
from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.registry.addresses import Address, resolve

MOST_LEVELS = 64  # Of arrays and objects in each other.
LONGEST_NUMBER = 20  # Digits of an integer; those of 64 bits have fewer.
LONGEST_SHOWN = 200  # Characters of what a registry says that are shown.
LONGEST_READ = 2**16  # Characters of it in which secrets are looked for.
# Of looking for secrets, which is some seconds; a registry may have chosen both what it says and an identity token.
MOST_STEPS = 4 * 10**6
# Letters and symbols that look like spaces, or like nothing.
BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
SEE_LOG = "Check the log of the registry, and any proxy in front of it."
MOVED = (301, 302, 303, 307, 308)
# Those after which the same is asked again, by https://www.rfc-editor.org/rfc/rfc9110#section-15.4.
MOVED_AS_IT_IS = (307, 308)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer.

    Attributes:
        address: Of what was asked.
        status: That of HTTP.
        reason: What the server calls that.
        headers: By names in whatever case.
        content: The body, as it was sent.
    """

    address: Address
    status: int
    reason: str
    headers: Mapping[str, str]
    content: bytes


def moved_to(answer: Answer, method: str, name: str) -> Address | None:
    """Where an answer says that the same is to be asked; None where it does not.

    Raises:
        PushError: that is no address.
    """
    followed = MOVED if method in ("GET", "HEAD") else MOVED_AS_IT_IS
    return location_in(answer, name) if answer.status in followed and "Location" in answer.headers else None


def location_in(answer: Answer, name: str) -> Address:
    """The address that an answer of a registry of this name gives.

    Raises:
        PushError: there is none.
    """
    try:
        return resolve(answer.address, answer.headers.get("Location", ""))
    except ValueError:
        raise no_address(name, "Location") from None


def no_address(name: str, header: str) -> PushError:
    """What is wrong with an address, which is not shown: those of uploads may be secret."""
    return PushError(f"The address that {name} gives in {header} cannot be used.", SEE_LOG)


def parse_json(content: bytes) -> Any:
    """JSON, of not too many levels, that can be written again.

    Raises:
        ValueError: it is none.
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
    """How deep arrays and objects lie in each other."""
    count, level = 0, [content]
    while level := [each for each in level if isinstance(each, (list, dict))]:
        count += 1
        level = [child for each in level for child in children(each)]
    return count


def children(content: list[Any] | dict[str, Any]) -> Iterable[Any]:
    return content.values() if isinstance(content, dict) else content


def said(answer: Answer, secrets: Iterable[str] = (), tokens: Iterable[str] = ()) -> str:
    """What a registry says of an error, in one line, and without the secrets that it was shown; see `shown`."""
    try:
        errors = parse_json(answer.content)["errors"]
        text = "; ".join(f"{each['code']}: {each.get('message') or ''}" for each in errors) or answer.reason
    except (ValueError, LookupError, TypeError, AttributeError):
        text = answer.reason
    return shown(text, secrets, tokens).strip(" :.")


def shown(text: str, secrets: Iterable[str] = (), tokens: Iterable[str] = ()) -> str:
    """The beginning of whatever a registry says, in one line, and without the secrets that it was shown.

    In small letters too, as names of hosts have them, and in capitals. What is too long to be looked through for
    secrets of many signs, or of which a secret may be longer than what is read, is not shown at all; nor is what would
    look like a secret, by spaces of other kinds, marks above letters and what is not seen.

    Args:
        text: What it says.
        secrets: What the user has of it, which is hidden however it is quoted.
        tokens: What it gave itself, which may be long and many, and is hidden as it is.
    """
    read, written, given = text[:LONGEST_READ], in_all_letters(secrets), in_all_letters(tokens)
    longest = max(map(len, written | given), default=0)
    if longest > LONGEST_READ // 2 or len(read) * effort(written) > MOST_STEPS:
        return HIDDEN
    seen = hidden(read, written, given)
    # What ends where reading ended may be the first part of a secret.
    whole = seen if len(text) <= LONGEST_READ else seen[: -LONGEST_READ // 2]
    if looks_like(whole, written, given):
        return HIDDEN
    return "".join(each if each.isprintable() else " " for each in whole[:LONGEST_SHOWN])


def in_all_letters(secrets: Iterable[str]) -> set[str]:
    return {written for each in secrets for written in (each, each.lower(), each.upper())}


def looks_like(text: str, secrets: Iterable[str], tokens: Iterable[str]) -> bool:
    """Whether one of them may be seen in a text, or there are too many to look for.

    Where both are of plain characters, a secret is seen only where it is.
    """
    is_other = not is_plain(text)
    parts = (part for each in secrets for part in parts_of(each))
    quoted, given = ({letters(each) for each in some if is_other or not is_plain(each)} for some in (parts, tokens))
    seen = letters(text) if quoted or given else ""
    return len(seen) * effort(quoted) > MOST_STEPS or holds(seen, quoted, given)


def is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def letters(text: str) -> str:
    """What is seen of a text besides spaces and marks."""
    # Very many marks would take long to be put in their order.
    return without_blanks(unicodedata.normalize("NFKD", without_blanks(text)))


def without_blanks(text: str) -> str:
    return "".join(each for each in text if unicodedata.category(each)[0] not in "CMZ" and each not in BLANKS)
