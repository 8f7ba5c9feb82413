"""What is secret in a push, and is shown of nothing that registries say."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pystatic_tasks.config.hiding import HIDDEN
from pystatic_tasks.errors import PushError
from pystatic_tasks.oci.registry.answers import Answer, said, shown
from pystatic_tasks.oci.registry.credentials import Credentials
from pystatic_tasks.oci.registry.tokens import basic

URL_SAFE = str.maketrans("+/", "-_")  # https://www.rfc-editor.org/rfc/rfc4648#section-5


class Secrets:
    """What the user has for the registries of one push, and what these gave.

    All of it is looked up before anything is shown that one of them says: that may have been told it in an earlier
    push, or by another of them.
    """

    def __init__(self) -> None:
        self._finders: dict[tuple[str, str], Callable[[], Credentials | None]] = {}
        self._were_found: dict[tuple[str, str], bool] = {}
        self._secrets: set[str] = set()
        self._tokens: set[str] = set()
        self._problem = ""

    def expect(self, registry: str, repository: str, find: Callable[[], Credentials | None]) -> None:
        """Be told how to find what there is for a repository of a registry."""
        self._finders.setdefault((registry, repository), find)

    def add(self, registry: str, repository: str, credentials: Credentials | None) -> None:
        """Be told what there is for it."""
        self._were_found[registry, repository] = True
        if credentials:
            self._secrets |= {credentials.secret, *as_sent(credentials)}

    def add_token(self, token: str) -> None:
        self._tokens.add(token)

    def said(self, answer: Answer) -> str:
        """What a registry says of an error, as it may be shown, or why none of it may."""
        if self._are_known():
            return said(answer, self._secrets, self._tokens)
        return f"{HIDDEN} (hidden: {self._problem.rstrip('.')})"

    def shown(self, text: str) -> str:
        """What comes from a registry, names of hosts too, as it may be shown."""
        return shown(text, self._secrets, self._tokens) if self._are_known() else HIDDEN

    def _are_known(self) -> bool:
        """Whether all is known; what cannot be looked up now may have been shown to a registry before."""
        for place in self._finders.keys() - self._were_found.keys():
            try:
                self.add(*place, self._finders[place]())
            except PushError as error:
                self._were_found[place] = False
                self._problem = error.problem
        return all(self._were_found.values())


def as_sent(credentials: Credentials) -> Iterator[str]:
    """User and secret in Base64, as whoever gets them may write that: in both alphabets, filled up or not."""
    pair = basic(credentials).removeprefix("Basic ")
    for written in (pair, pair.translate(URL_SAFE)):
        yield from (written, written.rstrip("="))
