from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from pystatic_tasks.in_image.stand_ins import ssl

NO_TLS = "There is no TLS in this program: slim.tls = false left it out."


@pytest.mark.parametrize("module", ["gunicorn.sock", "gunicorn.config", "http.client", "asyncio.sslproto"])
def test_what_imports_ssl_can_be_imported(module: str) -> None:
    code = f"import sys\nfrom {ssl.__name__.rpartition('.')[0]} import ssl\nsys.modules['ssl'] = ssl\nimport {module}"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["SSLContext", "create_default_context", "SSLSocket", "wrap_socket"])
def test_what_is_used_of_it_says_that_there_is_none(name: str) -> None:
    made: Any = getattr(ssl, name)
    with pytest.raises(ssl.SSLError) as caught:
        made()
    assert str(caught.value) == NO_TLS


def test_its_errors_can_be_waited_for_and_its_constants_be_defaults() -> None:
    assert issubclass(ssl.SSLWantReadError, OSError)
    assert (ssl.CERT_NONE, ssl.PROTOCOL_TLS_CLIENT) == (0, 0)
    assert ssl.OPENSSL_VERSION_INFO >= (1, 1, 1)
    with pytest.raises(AttributeError):
        _ = ssl.__path__
