"""In place of `ssl` where the program has no TLS: can be imported, and says so as soon as anything of it is used.

Imports nothing: slim keeps what `ssl` itself was seen to import.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

# One that nobody refuses.
OPENSSL_VERSION = "OpenSSL 3.0.0"
OPENSSL_VERSION_INFO = (3, 0, 0, 0, 0)
OPENSSL_VERSION_NUMBER = 0x30000000


class SSLError(OSError):
    """What callers wait for; nothing raises it."""


class NoTLS:
    """A class, a function or a constant of `ssl` that is not there."""

    def __init__(self, *arguments: "Any", **keywords: "Any") -> None:
        refuse()

    def __getattr__(self, name: str) -> "NoReturn":
        refuse()


def refuse() -> "NoReturn":
    raise SSLError("There is no TLS in this program: slim.tls = false left it out.")


def __getattr__(name: str) -> "Any":
    if name.startswith("__"):
        raise AttributeError(name)
    if name.endswith(("Error", "Exception")):
        return SSLError
    # Values of options and defaults of arguments.
    return 0 if name.isupper() else NoTLS
