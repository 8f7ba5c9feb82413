"""A registry, by the OCI distribution specification 1.1.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.blobs import Blob
from pystatic_tasks.oci.registry.credentials import DOCKER_HUB_NAMES, Credentials, login
from pystatic_tasks.oci.registry.retries import PassingError, patiently
from pystatic_tasks.oci.registry.tls import (
    CERTIFICATES_OF_REGISTRIES,
    is_this_machine,
    scheme_of,
    trusted,
    why_unreachable,
    why_untrusted,
)
from pystatic_tasks.oci.registry.tokens import CLIENT, authorization

DOCKER_HUB_HOST = "registry-1.docker.io"
PASSING = (408, 429, 500, 502, 503, 504)
TIMEOUT_SECONDS = (10, 300)  # To connect, and between two bytes of an answer.
LONGEST_ANSWER = 200  # Characters of what a registry says that are shown.
FORM = "application/x-www-form-urlencoded"
BYTES = {"Content-Type": "application/octet-stream"}
WHEN_UNREACHABLE = "See whether its name is right and it runs, and push again: what it has already is not sent again."

Result = TypeVar("Result")


class Registry:
    """A connection to one registry.

    Attributes:
        bytes_sent: Sum of the bodies of all requests.
    """

    def __init__(
        self,
        name: str,
        credentials: Callable[[str], Credentials | None],
        say: Callable[[str], None],
        *,
        environment: Mapping[str, str] = os.environ,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """
        Args:
            name: Host, and port if it has one.
            credentials: Finds what to show it for a repository, once it asks.
            say: Is told of what is tried again.
            environment: Names authorities to trust.
            pause: Waits for so many seconds.

        Raises:
            PushError: an authority that the environment names cannot be read.
        """
        host = DOCKER_HUB_HOST if name in DOCKER_HUB_NAMES else name
        self.name = name
        self.bytes_sent = 0
        self._scheme = scheme_of(host)
        self._root = f"{self._scheme}://{host}"
        self._find_credentials = credentials
        self._authorization = ""
        self._say = say
        self._pause = pause
        self._session = Session()
        # A registry that knows a client by a cookie takes it for a browser, and wants more of it.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.trust_env = not is_this_machine(host)  # No proxy leads to this machine.
        # Also keeps requests from taking credentials for it out of ~/.netrc.
        self._session.auth = self._authorize
        self._session.headers["User-Agent"] = CLIENT
        self._session.hooks["response"].append(check_passing)
        adapter = Adapter(trusted(host, environment), self._count)
        for prefix in ("https://", "http://"):
            self._session.mount(prefix, adapter)

    def put_blob(self, repository: str, blob: Blob, others: Sequence[str] = ()) -> bool:
        """Send a blob, unless the repository has it.

        Args:
            repository: Where to.
            blob: What.
            others: Repositories of the same registry that have it, from which it may be taken.

        Returns:
            Whether it had to be sent.

        Raises:
            PushError: the registry does not take it.
        """
        return self._patiently(lambda: self._put_blob(repository, blob, others))

    def put_manifest(self, repository: str, reference: str, manifest: Blob) -> bool:
        """Send a manifest or an index, byte for byte.

        Args:
            repository: Where to.
            reference: Its tag, or its digest.
            manifest: What.

        Returns:
            Whether the registry keeps account of what refers to its subject.

        Raises:
            PushError: the registry does not take it.
        """
        url = f"{self._root}/v2/{repository}/manifests/{reference}"
        headers = {"Content-Type": manifest.media_type}
        answer = self._patiently(lambda: self._ask(repository, "PUT", url, headers=headers, data=manifest.content))
        self._expect(answer, f"does not take the manifest of {repository}", 200, 201, 202)
        return "OCI-Subject" in answer.headers

    def get_manifest(self, repository: str, reference: str, media_type: str) -> bytes | None:
        """A manifest or an index as a repository has it; None if there is none.

        Raises:
            PushError: the registry does not say.
        """
        url = f"{self._root}/v2/{repository}/manifests/{reference}"
        answer = self._patiently(lambda: self._ask(repository, "GET", url, headers={"Accept": media_type}))
        self._expect(answer, f"does not say what {reference} of {repository} is", 200, 404)
        return answer.content if answer.status_code == 200 else None

    def _has_blob(self, repository: str, digest: str) -> bool:
        answer = self._ask(repository, "HEAD", f"{self._root}/v2/{repository}/blobs/{digest}")
        self._expect(answer, f"does not say whether {repository} has {digest}", 200, 404)
        return answer.status_code == 200

    def _put_blob(self, repository: str, blob: Blob, others: Sequence[str]) -> bool:
        if self._has_blob(repository, blob.digest):
            return False
        mount = {"mount": blob.digest, "from": others[0]} if others else {}
        uploads = f"{self._root}/v2/{repository}/blobs/uploads/"
        answer = self._ask(repository, "POST", uploads, params=mount, headers=BYTES)
        self._expect(answer, f"does not take anything into {repository}", 201, 202)
        if answer.status_code == 201:
            return False
        location = urljoin(answer.url, answer.headers.get("Location", ""))
        target = f"{location}{'&' if '?' in location else '?'}digest={blob.digest}"
        answer = self._ask(repository, "PUT", target, headers=BYTES, data=blob.content)
        self._expect(answer, f"does not take {blob.digest} into {repository}", 201, 202, 204)
        return True

    def _patiently(self, action: Callable[[], Result]) -> Result:
        return patiently(action, self._say, self._pause)

    def _ask(self, repository: str, method: str, url: str, **options: Any) -> requests.Response:
        """One request, with credentials if the registry asks for them.

        Raises:
            PassingError: it failed, and may not fail again.
            PushError: the registry refuses to answer.
        """
        answer = self._send(method, url, **options)
        if answer.status_code == 401 and self._is_of_registry(url):
            credentials = self._find_credentials(repository)
            self._authorization = self._log_in(answer, credentials)
            if not self._authorization:
                raise refused(self.name, credentials)
            answer = self._send(method, url, **options)
            if answer.status_code == 401:
                raise refused(self.name, credentials)
        if answer.status_code in (401, 403):
            raise PushError(
                f"{self.name} does not let you push to {repository} ({answer.status_code} {said(answer)}).",
                "See whether the repository is there and your account may write to it; "
                f"{login(self.name).removeprefix('Log in: ').removesuffix('.')} takes another account.",
            )
        return answer

    def _send(self, method: str, url: str, **options: Any) -> requests.Response:
        try:
            return self._session.request(method, url, **options)
        except requests.RequestException as error:
            raise failure(self.name, error) from None

    def _log_in(self, answer: requests.Response, credentials: Credentials | None) -> str:
        """What the registry wants to see in `Authorization`, by its answer; empty if nothing will do."""
        field = answer.headers.get("WWW-Authenticate", "")
        try:
            return authorization(self._session, field, credentials, self._scheme)
        except requests.RequestException as error:
            raise failure(f"Where {self.name} gives tokens", error) from None
        except ValueError:
            return ""  # The place to ask has a name that none can have.

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Show the registry, and nobody else, who asks."""
        if self._authorization and self._is_of_registry(request.url or ""):
            request.headers.setdefault("Authorization", self._authorization)
        return request

    def _is_of_registry(self, url: str) -> bool:
        return url.startswith(f"{self._root}/")

    def _count(self, sent_bytes: int) -> None:
        self.bytes_sent += sent_bytes

    def _expect(self, answer: requests.Response, otherwise: str, *codes: int) -> None:
        if answer.status_code not in codes:
            raise PushError(
                f"{self.name} {otherwise} ({answer.status_code} {said(answer)}).",
                "See whether the repository is there, and what the registry's log says.",
            )


class Session(requests.Session):
    """Leaves alone what ~/.netrc has, also for a place that a request is redirected to."""

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        leads_elsewhere: Callable[[str, str], bool] = self.should_strip_auth
        if leads_elsewhere(response.request.url or "", prepared_request.url or ""):
            prepared_request.headers.pop("Authorization", None)


class Adapter(HTTPAdapter):
    """Sends requests: with our authorities, never longer than we wait, and no secrets in the clear."""

    def __init__(self, context: ssl.SSLContext, count: Callable[[int], None]) -> None:
        self._context = context
        self._count = count
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, ssl_context=self._context, **options)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, **options)

    def cert_verify(self, *arguments: Any) -> None:
        """The context does that; this one would add the authorities that requests carries."""

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        address = urlsplit(request.url or "")
        if address.scheme == "http" and not is_this_machine(address.hostname or "") and holds_credentials(request):
            raise PushError(
                f"The registry wants credentials sent to {address.netloc.rpartition('@')[2]} without TLS.",
                "Use a registry that has TLS, or one on this machine.",
            )
        self._count(int(request.headers.get("Content-Length", 0)))
        return super().send(request, *arguments, **{**options, "timeout": TIMEOUT_SECONDS})


def holds_credentials(request: requests.PreparedRequest) -> bool:
    """Whether they are in a header, or in a form, as identity tokens are, which goes along where one is redirected."""
    return "Authorization" in request.headers or request.headers.get("Content-Type") == FORM


def check_passing(answer: requests.Response, **_: Any) -> None:
    """Raises PassingError if an answer is one that may be another later."""
    if answer.status_code in PASSING:
        after = answer.headers.get("Retry-After", "")
        raise PassingError(
            f"{urlsplit(answer.url).netloc} answered {answer.status_code} {said(answer)}.",
            after_seconds=float(after) if after.isdecimal() else 0,
        )


def failure(name: str, error: requests.RequestException) -> PushError:
    """What is wrong where there was no answer at all."""
    untrusted = why_untrusted(error)
    if untrusted:
        return PushError(
            f"The certificate of {name} is not trusted: {untrusted}.",
            "Name the certificate of its authority in the variable SSL_CERT_FILE, "
            f"or put it into {CERTIFICATES_OF_REGISTRIES[0] / name / 'ca.crt'}.",
        )
    return PassingError(f"{name} cannot be reached: {why_unreachable(error)}.", WHEN_UNREACHABLE)


def refused(name: str, credentials: Credentials | None) -> PushError:
    """What is wrong where a registry does not know who asks."""
    if credentials is None:
        return PushError(f"{name} wants a password, and there is none for it in Docker's configuration.", login(name))
    return PushError(
        f"{name} does not accept the password from {credentials.source}; it may have expired.", login(name)
    )


def said(answer: requests.Response) -> str:
    """What a registry says of an error, in one line."""
    try:
        errors = answer.json()["errors"]
        text = "; ".join(f"{each['code']}: {each.get('message') or ''}" for each in errors) or answer.reason
    except (ValueError, LookupError, TypeError, AttributeError):
        text = answer.reason or ""
    return "".join(each if each.isprintable() else " " for each in text)[:LONGEST_ANSWER].strip(" :.")
