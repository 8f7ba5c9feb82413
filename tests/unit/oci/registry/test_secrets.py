from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from pystatic_tasks.oci.registry.credentials import Credentials
from pystatic_tasks.oci.registry.secrets import Secrets

# In Base64 it has both signs of that, and is filled up.
PAIR = b"me:~~~???>>>ok"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padding", ["", "="])
def test_what_is_sent_is_hidden_in_base64_of_both_alphabets(encode: Callable[[bytes], bytes], padding: str) -> None:
    user, _, password = PAIR.decode().partition(":")
    secrets = Secrets()
    secrets.add("registry.example", "shop", Credentials(username=user, secret=password, source="a file"))
    sent = encode(PAIR).decode()
    assert sent.count("=") == 1
    assert not sent.strip("=").isalnum()
    assert secrets.shown(f"no {sent.rstrip('=')}{padding} here") == "no *** here"
