"""Talks to a registry, by the OCI distribution specification 1.1.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.blobs import Blob
from pystatic_tasks.oci.registry.addresses import Address
from pystatic_tasks.oci.registry.answers import SEE_LOG, Answer, location_in, moved_to
from pystatic_tasks.oci.registry.credentials import DOCKER_HUB_NAMES, Credentials, login
from pystatic_tasks.oci.registry.retries import PassingError, patiently
from pystatic_tasks.oci.registry.secrets import Secrets
from pystatic_tasks.oci.registry.tls import registry_address, trusted
from pystatic_tasks.oci.registry.tokens import basic, choose, realm_address, token_in, token_request
from pystatic_tasks.oci.registry.wire import Wire

DOCKER_HUB_HOST = "registry-1.docker.io"
PASSING = (408, 429, 500, 502, 503, 504)
MOST_MOVES = 5
BYTES = {"Content-Type": "application/octet-stream"}

Result = TypeVar("Result")


class Registry:
    """A connection to one registry.

    Secrets are sent only to it, and to the token server that it names first.

    Attributes:
        bytes_sent: Sum of the bodies of all requests, in bytes.
    """

    def __init__(
        self,
        name: str,
        credentials: Callable[[str], Credentials | None],
        say: Callable[[str], None],
        *,
        secrets: Secrets | None = None,
        environment: Mapping[str, str] = os.environ,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """
        Args:
            name: Host, and port if it has one.
            credentials: Finds the credentials for a repository; called if the registry asks, or its text is shown.
            say: Called with a message for each retry.
            secrets: The secrets of all registries of one push; by default only its own.
            environment: Variables that name authorities to trust.
            pause: Sleeps for a number of seconds.

        Raises:
            PushError: the name is not a valid host.
        """
        host = DOCKER_HUB_HOST if name in DOCKER_HUB_NAMES else name
        self.name = name
        self.bytes_sent = 0
        self._address = registry_address(host)
        self._wire = Wire(name, self._address, lambda: trusted(host, environment), self._count, self._shown)
        self._find_credentials = credentials
        # By repository, since each may have its own account.
        self._accounts: dict[str, Credentials | None] = {}
        self._authorizations: dict[str, str] = {}
        self._secrets = secrets or Secrets()
        self._realm: Address | None = None
        self._say = say
        self._pause = pause

    def put_blob(self, repository: str, blob: Blob, others: Sequence[str] = ()) -> bool:
        """Send a blob, unless the repository has it.

        Args:
            repository: The repository.
            blob: The blob.
            others: Repositories of the same registry that have it, from which it may be mounted.

        Returns:
            Whether it had to be sent.

        Raises:
            PushError: the registry does not accept it.
        """
        return self._patiently(lambda: self._put_blob(repository, blob, others))

    def put_manifest(self, repository: str, reference: str, manifest: Blob) -> bool:
        """Send a manifest or an index, byte for byte.

        Args:
            repository: The repository.
            reference: Its tag, or its digest.
            manifest: The manifest or the index.

        Returns:
            Whether the registry lists it among the referrers of its subject.

        Raises:
            PushError: the registry does not accept it.
        """
        address = self._of(repository, f"manifests/{reference}")
        headers = {"Content-Type": manifest.media_type}
        answer = self._patiently(lambda: self._ask(repository, "PUT", address, headers, manifest.content))
        self._expect(answer, f"does not accept the manifest of {repository}", 200, 201, 202)
        self._expect_digest(answer, "took", manifest)
        return "OCI-Subject" in answer.headers

    def get_manifest(self, repository: str, reference: str, media_type: str) -> bytes | None:
        """A manifest or an index in a repository; None if there is none.

        Raises:
            PushError: the registry does not answer the question.
        """
        address = self._of(repository, f"manifests/{reference}")
        answer = self._patiently(lambda: self._ask(repository, "GET", address, {"Accept": media_type}))
        self._expect(answer, f"does not say what {reference} of {repository} is", 200, 404)
        return answer.content if answer.status == 200 else None

    def _of(self, repository: str, rest: str) -> Address:
        return replace(self._address, path=f"/v2/{repository}/{rest}")

    def _has_blob(self, repository: str, blob: Blob) -> bool:
        answer = self._ask(repository, "HEAD", self._of(repository, f"blobs/{blob.digest}"))
        self._expect(answer, f"does not say whether {repository} has {blob.digest}", 200, 404)
        if answer.status == 200:
            self._expect_digest(answer, "has", blob)
        return answer.status == 200

    def _put_blob(self, repository: str, blob: Blob, others: Sequence[str]) -> bool:
        if self._has_blob(repository, blob):
            return False
        source = next((each for each in others if self._has_account_of(repository, each)), None)
        mount = f"?{urlencode({'mount': blob.digest, 'from': source})}" if source else ""
        answer = self._ask(repository, "POST", self._of(repository, f"blobs/uploads/{mount}"), BYTES)
        self._expect(answer, f"does not accept uploads to {repository}", 201, 202)
        if answer.status == 201:
            self._expect_digest(answer, "took", blob)
            return False
        place = location_in(answer, self.name)
        target = replace(place, path=f"{place.path}{'&' if '?' in place.path else '?'}digest={blob.digest}")
        answer = self._ask(repository, "PUT", target, BYTES, blob.content)
        self._expect(answer, f"does not accept {blob.digest} into {repository}", 201, 202, 204)
        self._expect_digest(answer, "took", blob)
        return True

    def _has_account_of(self, repository: str, other: str) -> bool:
        """Whether the account of a repository may read another one, which has the same account or needs none."""
        if other not in self._accounts:
            return True
        if repository not in self._accounts:
            self._accounts[repository] = self._find_credentials(repository)
        own, others = self._accounts[repository], self._accounts[other]
        return own.is_account_of(others) if own and others else own is others

    def expect(self, repository: str) -> None:
        """Treat the credentials for a repository as secrets, which are hidden in all texts of registries."""
        self._secrets.expect(self.name, repository, partial(self._find_credentials, repository))

    def _patiently(self, action: Callable[[], Result]) -> Result:
        return patiently(action, self._say, self._pause)

    def _ask(
        self,
        repository: str,
        method: str,
        address: Address,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Send a request, with credentials if the registry asks for them.

        Raises:
            PassingError: it failed, but may succeed later.
            PushError: the registry denies access.
        """
        self.expect(repository)
        headers = headers or {}
        answer = self._send(repository, method, address, headers, body)
        if answer.status == 401 and self._is_of_registry(answer.address):
            credentials = self._accounts[repository] = self._find_credentials(repository)
            self._secrets.add(self.name, repository, credentials)
            self._authorizations[repository] = self._log_in(answer, credentials)
            if not self._authorizations[repository]:
                raise refused(self.name, credentials)
            answer = self._send(repository, method, address, headers, body)
            if answer.status == 401:
                raise refused(self.name, credentials)
        if answer.status in (401, 403):
            raise PushError(
                f"{self.name} does not let you push to {repository} ({answer.status} {self._secrets.said(answer)}).",
                "Check that the repository exists and that your account may write to it; "
                f"{login(self.name).removeprefix('Log in: ').removesuffix('.')} switches to another account.",
            )
        return answer

    def _send(self, repository: str, method: str, address: Address, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a request and follow redirects; only the registry itself gets the credentials."""
        authorization = self._authorizations.get(repository, "")

        def shown(address: Address) -> Mapping[str, str]:
            is_shown = authorization and self._is_of_registry(address)
            return {**headers, "Authorization": authorization} if is_shown else headers

        return self._follow(method, address, shown, body)

    def _follow(
        self, method: str, address: Address, headers: Callable[[Address], Mapping[str, str]], body: bytes
    ) -> Answer:
        """Send a request and follow redirects, with the headers for each address."""
        for _ in range(MOST_MOVES + 1):
            answer = self._wire.ask(method, address, headers(address), body)
            self._check_passing(answer)
            moved = moved_to(answer, method, self.name)
            if moved is None:
                return answer
            address = moved
        raise PushError(f"{self.name} redirects without end.", SEE_LOG)

    def _log_in(self, answer: Answer, credentials: Credentials | None) -> str:
        """The `Authorization` header that the registry's answer demands; "" if there is none."""
        challenge = choose(answer.headers.get("WWW-Authenticate", ""), self.name)
        if challenge is None:
            return ""
        if challenge.scheme == "basic":
            return basic(credentials) if credentials else ""
        realm = realm_address(challenge, self._address, self.name)
        if realm is None:
            return ""
        request = token_request(realm, challenge, credentials)

        def shown(address: Address) -> Mapping[str, str]:
            self._expect_same(address)
            return request.headers

        token = token_in(self._follow(request.method, request.address, shown, request.body), self.name)
        self._secrets.add_token(token)
        return f"Bearer {token}" if token else ""

    def _expect_same(self, realm: Address) -> None:
        """Raise PushError if a token request, which may contain secrets, would go to another server than the first."""
        self._realm = self._realm or realm
        if realm.origin != self._realm.origin:
            raise PushError(
                f"{self.name} first has tokens given at {self._shown(self._realm.place)}, "
                f"and then at {self._shown(realm.place)}.",
                "Ask the operator of the registry; nothing secret was sent to the second.",
            )

    def _check_passing(self, answer: Answer) -> None:
        """Raise PassingError if an answer reports a failure that may pass."""
        if answer.status in PASSING:
            after = answer.headers.get("Retry-After", "")
            raise PassingError(
                f"{self._shown(answer.address.place)} answered {answer.status} {self._secrets.said(answer)}.",
                after_seconds=float(after) if after.isdecimal() else 0,
            )

    def _shown(self, text: str) -> str:
        """A text from the registry without secrets; the registry's own address comes from the user and is shown."""
        return text if text == self._address.place else self._secrets.shown(text)

    def _is_of_registry(self, address: Address) -> bool:
        return address.origin == self._address.origin

    def _count(self, sent_bytes: int) -> None:
        self.bytes_sent += sent_bytes

    def _expect(self, answer: Answer, otherwise: str, *codes: int) -> None:
        if answer.status not in codes:
            raise PushError(
                f"{self.name} {otherwise} ({answer.status} {self._secrets.said(answer)}).",
                "Check that the repository exists, and read the registry's log.",
            )

    def _expect_digest(self, answer: Answer, has: str, blob: Blob) -> None:
        """Raise PushError if the registry reports another digest; it need not report one, or may use another kind."""
        known = answer.headers.get("Docker-Content-Digest") or blob.digest
        if known not in (blob.digest, *other_digests(blob)):
            raise PushError(f"{self.name} {has} {self._shown(known)} instead of {blob.digest}.", SEE_LOG)


def other_digests(blob: Blob) -> Iterator[str]:
    """Other digests that a registry may use: https://github.com/opencontainers/image-spec/blob/main/descriptor.md"""
    for kind in ("sha384", "sha512"):
        yield f"{kind}:{hashlib.new(kind, blob.content).hexdigest()}"


def refused(name: str, credentials: Credentials | None) -> PushError:
    """The error for a registry that does not accept the credentials, or requires some."""
    if credentials is None:
        return PushError(f"{name} requires a password, but Docker's configuration has none for it.", login(name))
    return PushError(
        f"{name} does not accept the password from {credentials.source}; it may have expired.", login(name)
    )
