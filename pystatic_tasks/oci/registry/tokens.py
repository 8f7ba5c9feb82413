"""How a registry says what it wants to see, and how that is got.

The grammar of challenges: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
Tokens for passwords: https://distribution.github.io/distribution/spec/auth/token/
Tokens for identity tokens: https://distribution.github.io/distribution/spec/auth/oauth/
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import requests

from pystatic_tasks.oci.registry.credentials import Credentials

CLIENT = "pystatic-tasks"
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
PARAMETER = rf'(?P<name>{TOKEN})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>{TOKEN}))'
# What stands alone after a scheme is a token68, which no scheme that is known here has.
SCHEME = rf"(?P<scheme>{TOKEN})(?:\s+[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$)))?"
PART = re.compile(rf"[\s,]*(?:{PARAMETER}|{SCHEME})(?=[\s,]|$)")


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """One of the ways in which a server wants to know who asks.

    Attributes:
        scheme: Such as "bearer", in lower case.
        parameters: Their values, by names in lower case.
    """

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(field: str) -> list[Challenge]:
    """The challenges of a field `WWW-Authenticate`, up to what is not of its grammar."""
    found: list[tuple[str, dict[str, str]]] = []
    for part in parts(field):
        if part["scheme"]:
            found.append((part["scheme"].lower(), {}))
        elif found:
            quoted = part["quoted"]
            found[-1][1][part["name"].lower()] = part["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    return [Challenge(scheme=scheme, parameters=parameters) for scheme, parameters in found]


def parts(field: str) -> Iterator[re.Match[str]]:
    part = PART.match(field)
    while part:
        yield part
        part = PART.match(field, part.end())


def authorization(session: requests.Session, field: str, credentials: Credentials | None, default_scheme: str) -> str:
    """What to show a server in `Authorization`; "" if nothing will do.

    Args:
        session: Asks for tokens.
        field: What the server said in `WWW-Authenticate`.
        credentials: What there is for the server; None to ask as nobody.
        default_scheme: "https" or "http", for a realm that is no whole address.

    Raises:
        requests.RequestException: where the server has tokens given, nobody answers.
    """
    known = (each for each in parse_challenges(field) if each.scheme in ("basic", "bearer"))
    challenge = next(known, None)
    if challenge is None:
        return ""
    if challenge.scheme == "basic":
        return basic(credentials) if credentials else ""
    token = request_token(session, challenge.parameters, credentials, default_scheme)
    return f"Bearer {token}" if token else ""


def request_token(
    session: requests.Session, parameters: Mapping[str, str], credentials: Credentials | None, default_scheme: str
) -> str:
    """A token as the parameters of a challenge ask for it; "" if none is given."""
    realm = parameters.get("realm")
    if not realm:
        return ""
    url = realm if "://" in realm else f"{default_scheme}://{realm}"
    wanted = {name: parameters[name] for name in ("service", "scope") if parameters.get(name)}
    if credentials and credentials.is_token:
        form = {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": credentials.secret}
        return token_in(session.post(url, data={**form, **wanted}))
    headers = {"Authorization": basic(credentials)} if credentials else {}
    return token_in(session.get(url, params=wanted, headers=headers))


def basic(credentials: Credentials) -> str:
    pair = f"{credentials.username}:{credentials.secret}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def token_in(answer: requests.Response) -> str:
    """The token that an answer gives; "" if it gives none."""
    try:
        content = answer.json() if answer.status_code == 200 else {}
    except ValueError:
        return ""
    given = [content.get(name) for name in ("token", "access_token")] if isinstance(content, dict) else []
    return next((each for each in given if each and isinstance(each, str)), "")
