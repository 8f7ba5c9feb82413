"""Parses a registry's challenges, and builds the requests for tokens.

The grammar of challenges: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
Tokens for passwords: https://distribution.github.io/distribution/spec/auth/token/
Tokens for identity tokens: https://distribution.github.io/distribution/spec/auth/oauth/
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.registry.addresses import Address, parse_address
from pystatic_tasks.oci.registry.answers import SEE_LOG, Answer, no_address, parse_json
from pystatic_tasks.oci.registry.credentials import Credentials

CLIENT = "pystatic-tasks"
LONGEST_CHALLENGES = 2**16  # Characters, all headers together.
LONGEST_TOKEN = 2**14  # Characters; few servers take a header that is longer.
FORM = "application/x-www-form-urlencoded"
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
PARAMETER = rf'(?P<name>{TOKEN})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>{TOKEN}))'
# A single value after a scheme is a token68, which no scheme supported here uses.
SCHEME = rf"(?P<scheme>{TOKEN})(?:\s+[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$)))?"
PART = re.compile(rf"[\s,]*(?:{PARAMETER}|{SCHEME})(?=[\s,]|$)")


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """One method of authentication that a server offers.

    Attributes:
        scheme: Such as "bearer", in lower case.
        parameters: Values of the parameters, by names in lower case.
    """

    scheme: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class TokenRequest:
    """A request for a token; headers and body may contain secrets."""

    method: str
    address: Address
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


def parse_challenges(text: str) -> list[Challenge]:
    """The challenges in a `WWW-Authenticate` header, up to the first syntax error."""
    found: list[tuple[str, dict[str, str]]] = []
    for part in parts(text):
        if part["scheme"]:
            found.append((part["scheme"].lower(), {}))
        elif found:
            quoted = part["quoted"]
            found[-1][1][part["name"].lower()] = part["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    return [Challenge(scheme=scheme, parameters=parameters) for scheme, parameters in found]


def parts(text: str) -> Iterator[re.Match[str]]:
    part = PART.match(text)
    while part:
        yield part
        part = PART.match(text, part.end())


def choose(text: str, name: str) -> Challenge | None:
    """The first challenge in a `WWW-Authenticate` header that is supported; None if there is none.

    Args:
        text: The header.
        name: The registry's name, for messages.

    Raises:
        PushError: the header is too long.
    """
    if len(text) > LONGEST_CHALLENGES:
        most = LONGEST_CHALLENGES // 2**10
        raise PushError(f"The WWW-Authenticate header of {name} is longer than {most} KiB.", SEE_LOG)
    return next((each for each in parse_challenges(text) if each.scheme in ("basic", "bearer")), None)


def realm_address(challenge: Challenge, registry: Address, name: str) -> Address | None:
    """The address of a registry's token server; None if the challenge does not name one.

    Args:
        challenge: The challenge.
        registry: The registry's address, whose scheme is used if the realm has none.
        name: The registry's name, for messages.

    Raises:
        PushError: the realm is not a valid address.
    """
    realm = challenge.parameters.get("realm")
    if not realm:
        return None
    try:
        return parse_address(realm if "://" in realm else f"{registry.scheme}://{realm}")
    except ValueError:
        raise no_address(name, "WWW-Authenticate") from None


def token_request(realm: Address, challenge: Challenge, credentials: Credentials | None) -> TokenRequest:
    """The request for a token.

    Args:
        realm: The address of the token server.
        challenge: The challenge, which names service and scope.
        credentials: The credentials for the registry; None for an anonymous request.
    """
    wanted = {key: challenge.parameters[key] for key in ("service", "scope") if challenge.parameters.get(key)}
    if credentials and credentials.is_token:
        form = {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": credentials.secret, **wanted}
        return TokenRequest(method="POST", address=realm, headers={"Content-Type": FORM}, body=urlencode(form).encode())
    query = urlencode(wanted)
    separator = "&" if "?" in realm.path else "?"
    return TokenRequest(
        method="GET",
        address=replace(realm, path=f"{realm.path}{separator}{query}") if query else realm,
        headers={"Authorization": basic(credentials)} if credentials else {},
    )


def basic(credentials: Credentials) -> str:
    pair = f"{credentials.username}:{credentials.secret}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def token_in(answer: Answer, name: str) -> str:
    """The token in an answer; "" if there is none.

    Raises:
        PushError: the token is too long, or has characters that a header cannot have.
    """
    try:
        content = parse_json(answer.content) if answer.status == 200 else {}
    except ValueError:
        return ""
    given = [content.get(key) for key in ("token", "access_token")] if isinstance(content, dict) else []
    token = next((each for each in given if each and isinstance(each, str)), "")
    if len(token) > LONGEST_TOKEN or re.search("[^!-~]", token):
        raise PushError(f"{name} did not return a valid token.", SEE_LOG)
    return token
