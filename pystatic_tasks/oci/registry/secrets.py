"""Collects the secrets of a push, and hides them in what registries send before it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pystatic_tasks.config.hiding import HIDDEN
from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.registry.answers import Answer, said, shown
from pystatic_tasks.oci.registry.credentials import Credentials
from pystatic_tasks.oci.registry.tokens import basic

URL_SAFE = str.maketrans("+/", "-_")  # https://www.rfc-editor.org/rfc/rfc4648#section-5


class Secrets:
    """The user's credentials for the registries of one push, and the tokens that these returned.

    All credentials are looked up before any text of a registry is shown: the registry may know them from an earlier
    push, or from another registry.
    """

    def __init__(self) -> None:
        self._finders: dict[tuple[str, str], Callable[[], Credentials | None]] = {}
        self._were_found: dict[tuple[str, str], bool] = {}
        self._secrets: set[str] = set()
        self._tokens: set[str] = set()
        self._problem = ""

    def expect(self, registry: str, repository: str, find: Callable[[], Credentials | None]) -> None:
        """Register how to find the credentials for a repository of a registry."""
        self._finders.setdefault((registry, repository), find)

    def add(self, registry: str, repository: str, credentials: Credentials | None) -> None:
        """Add the credentials for a repository; None if there are none."""
        self._were_found[registry, repository] = True
        if credentials:
            self._secrets |= {credentials.secret, *as_sent(credentials)}

    def add_token(self, token: str) -> None:
        self._tokens.add(token)

    def said(self, answer: Answer) -> str:
        """A registry's description of an error without secrets, or why it cannot be shown."""
        if self._are_known():
            return said(answer, self._secrets, self._tokens)
        return f"{HIDDEN} (hidden: {self._problem.rstrip('.')})"

    def shown(self, text: str) -> str:
        """A text from a registry, which may be a host name, without secrets."""
        return shown(text, self._secrets, self._tokens) if self._are_known() else HIDDEN

    def _are_known(self) -> bool:
        """Whether all credentials are known; a registry may know some that cannot be looked up now."""
        for place in self._finders.keys() - self._were_found.keys():
            try:
                self.add(*place, self._finders[place]())
            except PushError as error:
                self._were_found[place] = False
                self._problem = error.problem
        return all(self._were_found.values())


def as_sent(credentials: Credentials) -> Iterator[str]:
    """User and secret in the variants of Base64 in which they may be repeated: both alphabets, with padding or not."""
    pair = basic(credentials).removeprefix("Basic ")
    for written in (pair, pair.translate(URL_SAFE)):
        yield from (written, written.rstrip("="))
