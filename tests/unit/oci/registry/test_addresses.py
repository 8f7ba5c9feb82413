from __future__ import annotations

import pytest

from pystatic_tasks.oci.registry.addresses import parse_address, resolve


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://registry.example", "https://registry.example/"),
        ("HTTPS://Registry.EXAMPLE.:443/V2?a=B", "https://registry.example/V2?a=B"),
        ("https://registry.example:5000?a", "https://registry.example:5000/?a"),
        ("http://a_b.example:443/x#y", "http://a_b.example:443/x"),
        ("http://127.0.0.1#@elsewhere.example:x@/", "http://127.0.0.1/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("http://[0:0:0::1]:5000/", "http://[::1]:5000/"),
        ("http://[::FFFF:127.0.0.1]/", "http://127.0.0.1/"),
    ],
)
def test_an_address_has_one_form(text: str, url: str) -> None:
    address = parse_address(text)
    assert address.url == url
    assert parse_address(url) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "registry.example",
        "//registry.example/",
        "ftp://registry.example/",
        "file:///etc/passwd",
        "http:///x",
        "http://127.0.0.1:1@elsewhere.example:80/x",
        "http://localhost:x@elsewhere.example/x",
        "http://user@127.0.0.1/x",
        "http://@127.0.0.1/x",
        "http://127.0.0.1\\@elsewhere.example/x",
        "http://127.0.0.1\\.elsewhere.example/x",
        "http://127.0.0.1%2eelsewhere.example/x",
        "http://127.0.0.1:99999/x",
        "http://127.0.0.1:0/x",
        "http://127.0.0.1:/x",
        "http://127.0.0.1:-1/x",
        "http://127.0.0.1:\u0661/x",
        "http://127.1/x",
        "http://127.0.0.01/x",
        "http://0x7f.0.0.1/x",
        "http://a.0x1/x",
        "http://0X7F000001/x",
        "http://0x7F/x",
        "http://a.0X/x",
        "http://A.0X7F./x",
        "http://2130706433/x",
        "http://127.300.0.1/x",
        "http://[/x",
        "http://[::1/x",
        "http://[::1]x/",
        "http://[127.0.0.1]/x",
        "http://[fe80::1%25eth0]/x",
        "http://b\xfccher.example/x",
        "http://loca\u017fhost/x",
        "http://\u212aelvin.example/x",
        "http://\uff11\uff12\uff17.0.0.1/x",
        f"http://{'a' * 64}.example/x",
        f"http://{'a.' * 200}example/x",
        "http://.example/x",
        "http://a..example/x",
        "http://-a.example/x",
        "http://a b/x",
        "http://a.example/x y",
        "http://a.example/\r\nX: y",
        "http://a.example/\n",
        " http://a.example/",
    ],
)
def test_what_another_program_may_read_otherwise_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("http://localhost", True),
        ("http://LOCALHOST.:5000", True),
        ("http://127.0.0.1:5000", True),
        ("http://127.1.2.3", True),
        ("http://[::1]:5000", True),
        ("http://[::ffff:127.0.0.1]", True),
        ("http://registry.example", False),
        ("http://localhost.example", False),
        ("http://127.0.0.1.example", False),
        ("http://10.0.0.1:5000", False),
        ("http://0.0.0.0", False),
        ("http://[::2]", False),
        ("http://169.254.169.254", False),
    ],
)
def test_only_this_machine_is_local(text: str, local: bool) -> None:
    assert parse_address(text).is_this_machine is local


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("/u?_state=a%2Bb", "https://registry.example:5000/u?_state=a%2Bb"),
        ("u", "https://registry.example:5000/v2/u"),
        ("?a=b", "https://registry.example:5000/v2/x?a=b"),
        ("//elsewhere.example/u", "https://elsewhere.example/u"),
        ("https://elsewhere.example/u", "https://elsewhere.example/u"),
    ],
)
def test_an_address_may_be_given_by_its_end(text: str, url: str) -> None:
    assert resolve(parse_address("https://registry.example:5000/v2/x"), text).url == url


@pytest.mark.parametrize(
    "text", ["", "http://[", "//[", "//me@elsewhere.example/", "mailto:me@registry.example", "/a b"]
)
def test_what_is_none_by_its_end_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        resolve(parse_address("https://registry.example:5000/v2/x"), text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://registry.example", "HTTPS://REGISTRY.example.:443/x", True),
        ("https://registry.example", "http://registry.example", False),
        ("https://registry.example", "https://registry.example:444", False),
        ("https://registry.example", "https://registry.example.evil", False),
        ("http://[::1]:80", "http://[0::1]/", True),
    ],
)
def test_addresses_are_compared_by_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    assert (parse_address(one).origin == parse_address(other).origin) is same
