from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import re
import string
import tarfile
import time
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import reduce
from itertools import product
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest

from pystatic_tasks.steps.secrets import contents as secret_contents
from pystatic_tasks.steps.secrets.contents import (
    PASSWORD_IN_URL,
    Budget,
    Member,
    members_of_zip,
    reason_of_archive,
    reason_of_content,
    reason_of_file,
)
from pystatic_tasks.steps.secrets.names import CREDENTIALS, PRIVATE_KEY

BASE64 = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"
# In two parts, so that nobody takes this file for what it speaks of.
BEGIN = "-----BEGIN "
LINES = f"{BASE64}{BASE64[:12]}"
KEY = f"{BEGIN}PRIVATE KEY-----\n{BASE64}\n".encode()


def write(folder: Path, name: str, content: bytes | bytearray) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize(
    ("reason", "name", "text"),
    [
        (PRIVATE_KEY, "server.pem", f"{BEGIN}PRIVATE KEY-----\n{BASE64}\n"),
        (PRIVATE_KEY, "server.txt", f"junk\r\n{BEGIN}RSA PRIVATE KEY-----\r\n{BASE64}\r\n"),
        (PRIVATE_KEY, "x", f"{BEGIN}RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"),
        (PRIVATE_KEY, "x", f"{BEGIN}OPENSSH PRIVATE KEY-----\n{BASE64}"),
        (PRIVATE_KEY, "x", f"{BEGIN}PGP PRIVATE KEY BLOCK-----\n\n{BASE64}"),
        (PRIVATE_KEY, "account.json", f'{{"private_key": "{BEGIN}PRIVATE KEY-----\\n{BASE64}\\n"}}'),
        (PRIVATE_KEY, "x", "PuTTY-User-Key-File-3: ssh-ed25519"),
        (PRIVATE_KEY, "keys.txt", f"# public key: age1x\nAGE-SECRET-KEY-1{'Q' * 58}\n"),
        (PRIVATE_KEY, "keys.txt", f"# public key: age1pq1x\nAGE-SECRET-KEY-PQ-1{'Q' * 58}\n"),
        (PRIVATE_KEY, "keys.txt", f"age-secret-key-1{'q' * 58}"),
        (PRIVATE_KEY, "keys.txt", f"age-secret-key-pq-1{'q' * 58}"),
        ("", "keys.txt", "as AGE-SECRET-KEY-1… and AGE-SECRET-KEY-PQ-1… begin"),
        (PRIVATE_KEY, "x", f"{BEGIN}PRIVATE KEY-----\nMII\n{BASE64}\n"),
        (PRIVATE_KEY, "x", f"{BEGIN}PRIVATE KEY-----\n  {BASE64[:8]}\n\n  {BASE64[8:16]}\n  {BASE64[16:]}\n"),
        (PRIVATE_KEY, "x", f"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: x\n{BASE64}"),
        (PRIVATE_KEY, "x", f"KEY='{BEGIN}PRIVATE KEY----- {BASE64} '"),
        (
            PRIVATE_KEY,
            "x",
            json.dumps({"a": json.dumps({"b": json.dumps({"c": f"{BEGIN}PRIVATE KEY-----\nMII\n{BASE64}"})})}),
        ),
        (PRIVATE_KEY, "x", f"{BEGIN}PRIVATE KEY-----\\u000a{BASE64[:4]}\\/{BASE64}"),
        (PRIVATE_KEY, "secret.yaml", b64encode(f"{BEGIN}EC PRIVATE KEY-----\n{BASE64}".encode()).decode()),
        (PRIVATE_KEY, "x", f"{BEGIN}PRIVATE KEY-----{BASE64}-----END PRIVATE KEY-----"),
        (PRIVATE_KEY, "x", json.dumps(KEY.decode()).replace("-", "\\u002d")),
        (PRIVATE_KEY, "x", json.dumps(json.dumps(KEY.decode()).replace(" ", "\\u0020"))),
        (PRIVATE_KEY, "x", KEY.decode().replace("\n", "&#xA;").replace("-", "&#45;")),
        (PRIVATE_KEY, "x", quote(KEY.decode())),
        (PRIVATE_KEY, "x", f"{BEGIN}PRIVATE KEY-----\\n\\\nMII\\n\\\n  {BASE64}\\n\\\n"),
        (PASSWORD_IN_URL, "METADATA", "Requires-Dist: y @\n  git+https://me:secret@host.example/y.git\n"),
        (PASSWORD_IN_URL, "METADATA", "Requires-Dist: y @\r\n\tgit+https://me:secret@host.example/y.git\r\n"),
        (PASSWORD_IN_URL, "METADATA", "requires-dist:y @ git+https://me:secret@host.example/y.git\n"),
        (PASSWORD_IN_URL, "METADATA", "Requires-Dist: y\nSummary: x\n  https://me:secret@host.example/\n"),
        (PASSWORD_IN_URL, "METADATA", "Name: x\r\nAuthor: https://me:secret@host.example/\r\n\r\n"),
        (PASSWORD_IN_URL, "PKG-INFO", "Maintainer-email: x <https://me:secret@host.example/>\n"),
        ("", "METADATA", "Name: x\nDescription: y\n        https://me:secret@host.example/\n"),
        ("", "METADATA", "Name: x\nLicense: see https://<server>/x,\n        ask: me@host.example\n"),
        ("", "METADATA", "Name: x\n\nHome-page: https://me:secret@host.example/\n"),
        ("", "METADATA", "Name: x\r\n\r\nHome-page: https://me:secret@host.example/\r\n"),
        ("", "METADATA", "\nName: https://me:secret@host.example/\n"),
        ("", "crypto.js", f'["{BEGIN}PRIVATE KEY-----", "{BEGIN}RSA PRIVATE KEY-----"].map(convertToAnotherForm)'),
        ("", "x", f"'{BEGIN}PRIVATE KEY-----', '{BEGIN}RSA PRIVATE KEY-----: none'"),
        ("", "secret.yaml", b64encode(f"{BEGIN}CERTIFICATE-----\n{BASE64}\n{BASE64}".encode()).decode()),
        ("", "ca.pem", f"{BEGIN}CERTIFICATE-----\n{BASE64}\n"),
        ("", "public.pem", f"{BEGIN}PUBLIC KEY-----\n{BASE64}\n"),
        ("", "crypto.js", f'"{BEGIN}RSA PRIVATE KEY-----\\n" + encoded'),
        ("", "help.html", f"<code>{BEGIN}PRIVATE KEY-----\nMIIE…</code>"),
        (PASSWORD_IN_URL, "pip.conf", "[global]\nindex-url = https://me:secret@index.example/simple\n"),
        (PASSWORD_IN_URL, "METADATA", "Name: x\nRequires-Dist: y @ git+https://token@host.example/y.git\n"),
        (PASSWORD_IN_URL, "METADATA", "Requires-Dist: y @ git+ssh://me:secret@host.example/y.git\n"),
        (PASSWORD_IN_URL, "METADATA", "Project-URL: x, https://me:sec/ret@host.example/\n"),
        (PASSWORD_IN_URL, "METADATA", "Home-page: https://me:$ecret@host.example/\n"),
        (PASSWORD_IN_URL, "PKG-INFO", "Name: x\nRequires-Dist: y @ https://me:secret@host.example/y.whl\n"),
        (PASSWORD_IN_URL, "requires.txt", "six\n\n[dev]\ny @ https://me:secret@host.example/y.whl\n"),
        (PASSWORD_IN_URL, "dependency_links.txt", "https://me:secret@host.example/y.whl\n"),
        ("", "PKG-INFO", "Requires-Dist: y @ https://host.example/y.whl\n\npostgres://me:secret@localhost/\n"),
        ("", "requires.txt", "six\ny @ git+ssh://git@host.example/y.git\n"),
        (PASSWORD_IN_URL, "PIP.INI", "index-url = https://token@index.example/simple\n"),
        ("", "METADATA", "Project-URL: Chat, https://matrix.example/#/@shop:host.example\n"),
        ("", "METADATA", "Requires-Dist: y @ git+ssh://git@host.example/y.git\n\npostgres://me:secret@localhost/\n"),
        (PASSWORD_IN_URL, "requirements.txt", "--index-url https://me:secret@index.example/simple\nflask\n"),
        (PASSWORD_IN_URL, "requirements-dev.txt", "-i https://me:secret@index.example/simple\n"),
        (PASSWORD_IN_URL, "dev_requirements.in", "x @ git+https://token@host.example/x.git\n"),
        (PASSWORD_IN_URL, "constraints-3.13.txt", "x @ https://me:secret@host.example/x.whl\n"),
        (PASSWORD_IN_URL, "pyproject.toml", "[[tool.uv.index]]\nurl = 'https://me:secret@index.example/simple'\n"),
        (
            PASSWORD_IN_URL,
            "Pipfile.lock",
            '{"_meta": {"sources": [{"url": "https://me:secret@index.example/simple"}]}}',
        ),
        (PASSWORD_IN_URL, "poetry.toml", "[repositories.x]\nurl = 'https://me:secret@index.example/simple'\n"),
        (PASSWORD_IN_URL, "environment.yml", "- pip: [--extra-index-url https://me:secret@index.example/simple]\n"),
        ("", "settings.toml", "database = 'postgresql://me:secret@localhost/shop'\n"),
        (PASSWORD_IN_URL, "Pipfile", "[[source]]\nurl = 'https://me:secret@index.example/simple'\n"),
        ("", "pip.conf", "index-url = https://index.example/simple\n; https://${USER}:${PASSWORD}@index.example\n"),
        (PASSWORD_IN_URL, "pip.conf.bak", "index-url = https://me:secret@index.example/simple\n"),
        (PASSWORD_IN_URL, ".UV.toml.SWP", "url = 'https://me:secret@index.example/simple'\n"),
        (PASSWORD_IN_URL, "#requirements.txt#", "--index-url https://me:secret@index.example/simple\n"),
        (PASSWORD_IN_URL, "pylock.toml", "wheels = [{url = 'https://me:secret@index.example/x.whl'}]\n"),
        (PASSWORD_IN_URL, "pylock.web.toml", "wheels = [{url = 'https://me:secret@index.example/x.whl'}]\n"),
        ("", "pylock.md", "as https://me:secret@index.example/x.whl"),
        ("", "page.html", "https://me:secret@index.example/simple"),
        ("", "prose.txt", f"{BEGIN}PRIVATE KEY-----\nput your own key here please and nothing else"),
        ("", "x.js", f"s=='{BEGIN}PRIVATE KEY-----'?sha256WithRSAEncryption:RSAPrivateKeyInfo.PKCS8EncryptedInfo()"),
        (
            "",
            "x.js",
            f"('{BEGIN}PRIVATE KEY-----');var t='{string.ascii_uppercase}{string.ascii_lowercase}0123456789+/'",
        ),
        ("", "x.js", f"=='{BEGIN}PRIVATE KEY-----'||{'document.getElementById(x).innerHTML=' * 9}"),
        ("", "x.js", f"('{BEGIN}PRIVATE KEY-----');var k=[0x428A2F98,0x71374491,0xB5C0FBCF,0xE9B5DBA5,0x3956C25B]"),
        ("", "x.js", f"'{BEGIN}RSA PRIVATE KEY-----'+a+'-----END RSA PRIVATE KEY-----';i='{LINES}'"),
        ("", "x.html", f"<code>{BEGIN}PRIVATE KEY-----</code> {'is what it begins with ' * 20} {LINES}"),
        (PRIVATE_KEY, "large.bin", f"{'x' * 300_000}{BEGIN}PRIVATE KEY-----\n{BASE64}"),
    ],
)
def test_contents_tell_what_is_secret(tmp_path: Path, reason: str, name: str, text: str) -> None:
    assert reason_of_file(write(tmp_path, name, text.encode())) == reason


PEM = f"{BEGIN}PRIVATE KEY-----\n{LINES}\n{LINES}\n-----END PRIVATE KEY-----\n"
PGP = PEM.replace("PRIVATE KEY", "PGP PRIVATE KEY BLOCK").replace("-----\n", "-----\n\n", 1)
NARROW = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *(LINES[at : at + 16] for at in range(0, 64, 16)), ""])
NARROW += "q8Zr0Xw1Lk2Mn3Bv\nC4Xz5Lk6Jh7Gf8Ds\nP9Qa1Ws2Ed3Rf4Tg\n-----END RSA PRIVATE KEY-----\n"
ENCRYPTED = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,8F3A215B7C9D0E1F2A3B4C5D6E7F8091\n\n"
ENCRYPTED = PEM.replace("KEY-----\n", f"KEY-----\n{ENCRYPTED}", 1).replace("PRIVATE", "RSA PRIVATE")
VERSION = PGP.replace("-----\n", "-----\nVersion: GnuPG v2.4\nComment: of https://shop.example\n", 1)
PUTTY = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n"
SPELLINGS: dict[str, Callable[[str], str]] = {
    "a form": lambda key: urlencode({"a": "b", "key": key}),
    "quote_plus": quote_plus,
    "quoted twice": lambda key: quote(quote_plus(key)),
    "quoted in JSON": lambda key: json.dumps({"url": f"https://host.example/?key={quote_plus(key)}"}),
    "an array of lines": lambda key: json.dumps(key.splitlines()),
    "an indented array of lines": lambda key: json.dumps({"key": key.splitlines()}, indent=4),
    "an array in JSON": lambda key: json.dumps(json.dumps(key.splitlines())),
    "a sum of texts": lambda key: " +\n    ".join(f"'{line}\\n'" for line in key.splitlines()),
    "all escaped for JSON": lambda key: "".join(f"\\u{ord(each):04x}" for each in key),
    "all escaped for JavaScript": lambda key: "".join(f"\\u{{{ord(each):x}}}" for each in key),
    "all escaped for Python": lambda key: "".join(f"\\x{ord(each):02x}" for each in key),
    "all escaped for C": lambda key: "".join(f"\\{ord(each):03o}" for each in key),
    "all escaped for XML": lambda key: "".join(f"&#{ord(each)};" for each in key),
    "all escaped for XML by letters": lambda key: "".join(f"&#x{ord(each):X};" for each in key),
    "all escaped for C with few digits": lambda key: "".join(f"\\{ord(each):o}" for each in key),
    "dashes and letters escaped for JavaScript": lambda key: re.sub("([-A-Z ])", r"\\\1", key).replace("\n", "\\n"),
    "many zeros in JavaScript": lambda key: "".join(f"\\u{{{ord(each):012x}}}" for each in key),
    "many zeros in XML": lambda key: "".join(f"&#x{ord(each):012x};" for each in key),
    "XML in XML": lambda key: "".join(f"&amp;#{ord(each)};" for each in key),
    "XML in XML in XML": lambda key: "".join(f"&amp;amp;#x{ord(each):x};" for each in key),
    "all escaped for URLs": lambda key: "".join(f"%{ord(each):02X}" for each in key),
    "properties": lambda key: key.replace("\n", "\\n\\\n"),
    "escapes in JSON": lambda key: key.replace("-", r"\\x2d").replace("\n", r"\\n"),
    "escapes in JSON, of which it escapes a letter": lambda key: key.replace("-", r"\\\u00782d").replace("\n", r"\\n"),
    "escapes in JSON in JSON": lambda key: key.replace("-", r"\\\\\\\u00782d").replace("\n", r"\\\\n"),
    "JSON five times over": lambda key: reduce(lambda text, _: json.dumps(text), range(5), key),
    "YAML": lambda key: 'key: "' + key.replace("\n", "\\n\\\n  ") + '"',
    "a comment": lambda key: "".join(f"# {line}\n" for line in key.splitlines()),
    "a quotation": lambda key: "".join(f"> {line}\n" for line in key.splitlines()),
    "all escaped for TOML": lambda key: "".join(f"\\U{ord(each):08x}" for each in key),
    "line ends of HTML": lambda key: key.replace("\n", "<br>"),
    "a numbered list": lambda key: "".join(f"{number}. {line}\n" for number, line in enumerate(key.splitlines())),
    "an object": lambda key: json.dumps(dict(enumerate(key.splitlines()))),
    "a log": lambda key: "".join(f"2024-05-06T07:08:09Z INFO {line}\n" for line in key.splitlines()),
}
# What stands before each line, and after it.
AROUND = [
    *(("// ", ""), ("//", ""), ("/// ", ""), ("//! ", ""), ("-- ", ""), ("% ", ""), ("! ", ""), ("; ", "")),
    *((" * ", ""), ("REM ", ""), ("dnl ", ""), ("/* ", " */"), ("<!-- ", " -->"), ("{# ", " #}"), ("- ", "")),
    *(('    - "', '"'), ("<line>", "</line>"), ("b'", "\\n',"), ('"', '\\n" .'), ('"', '" & vbLf & _')),
    *(('"', '\\n" ..'), ("line=", ""), ("echo '", "'"), ('echo "', '" >> key.pem'), ("f'", "\\n'"), ("+", "")),
]
SPELLINGS |= {
    f"lines in {before!r} and {after!r}": lambda key, around=(before, after): "\n".join(  # type: ignore[misc]
        line.join(around) for line in key.splitlines()
    )
    for before, after in AROUND
}


KEYS = {
    "PEM": PEM,
    "narrow": NARROW,
    "encrypted": ENCRYPTED,
    "PGP": PGP,
    "with a version": VERSION,
    "PuTTY": PUTTY,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_key_may_be_spelled_in_any_way(tmp_path: Path, spelling: str) -> None:
    spell = SPELLINGS[spelling]
    found = {name: reason_of_file(write(tmp_path, "x", spell(key).encode())) for name, key in KEYS.items()}
    assert found == dict.fromkeys(KEYS, PRIVATE_KEY)
    certificate = spell(PEM.replace("PRIVATE KEY", "CERTIFICATE"))
    assert reason_of_file(write(tmp_path, "x", certificate.encode())) == ""


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_letters_may_be_wide(tmp_path: Path, encoding: str) -> None:
    assert reason_of_file(write(tmp_path, "x", KEY.decode().encode(encoding))) == PRIVATE_KEY
    urls = "flask\r\n--extra-index-url https://me:secret@index.example/simple\r\n".encode(encoding)
    assert reason_of_file(write(tmp_path, "requirements.txt", urls)) == PASSWORD_IN_URL
    reason = f"{PASSWORD_IN_URL} in it, conf/requirements.txt"
    assert reason_of_file(write(tmp_path, "conf.zip", zipped({"conf/requirements.txt": urls}))) == reason
    assert reason_of_file(write(tmp_path, "requirements-dev.txt", "flask\r\n".encode(encoding))) == ""


@pytest.mark.parametrize("before", ["", "\n", "  ", "\r\n \t", "Bag Attributes\n"])
def test_base64_may_be_broken_anywhere(tmp_path: Path, before: str) -> None:
    encoded = b64encode(before.encode() + KEY).decode()
    certificate = b64encode(f"{before}{BEGIN}CERTIFICATE-----\n".encode()).decode().rstrip("=")
    for line_end, width in product(["", "\n", "\r\n", "\n    ", "\\n", "\\\\r\\\\n"], [5, 64, 76]):
        lines = line_end.join(encoded[at : at + width] for at in range(0, len(encoded), width))
        texts = (f"key: {lines}", f"{certificate}\n{lines}")
        found = [reason_of_file(write(tmp_path, "x", text.encode())) for text in texts]
        assert found == [PRIVATE_KEY, PRIVATE_KEY], (line_end, width)


@pytest.mark.parametrize(("before", "after"), [each for each in AROUND if each[0] not in ("//", "+")])
def test_anything_may_stand_around_lines_of_base64(before: str, after: str) -> None:
    for kind, width in product(["", "RSA ", "OPENSSH ", "ENCRYPTED "], [40, 64, 70, 76]):
        encoded = b64encode(PEM.replace("PRIVATE", f"{kind}PRIVATE").encode()).decode()
        lines = [before + encoded[at : at + width] + after for at in range(0, len(encoded), width)]
        assert reason_of_content(["x"], "\n".join(lines).encode()) == PRIVATE_KEY, (kind, width)


@pytest.mark.parametrize("alphabet", [b"+/", b"-_"])
def test_base64_may_be_quoted(tmp_path: Path, alphabet: bytes) -> None:
    encoded = b64encode(KEY.replace(b"C7", b"?>"), alphabet).decode()
    for quoted in (encoded.replace("/", "\\/"), encoded.replace("+", "\\u002b"), quote(encoded)):
        assert reason_of_file(write(tmp_path, "x", quoted.encode())) == PRIVATE_KEY


@pytest.mark.parametrize(
    "text",
    [
        "%20",
        "\\u0020",
        "&#32;",
        "\\n",
        "\n",
        "a ",
        "LS0tLS1CRUdJT",
        "0tLS0tQkVHSU",
        "\\",
        "%25",
        "&#",
        "&#9;",
        "\\u",
        "\\\\\\u0078",
    ],
)
def test_what_is_encoded_takes_no_time(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, "x", text.encode() * (2**18 // len(text)))
    started = time.monotonic()
    reason_of_file(path)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "between",
    [
        *(b"\n", b" ", b"\\n", b"\\\\", b"a", b"a\n", b"\\n ", b"a.b@", b"\\", b'"', b"\\ ", b"+", b"A "),
        *(b"aGb1HcX2 ", b"getElementById,", b"----"),
    ],
)
def test_what_only_begins_as_a_key_takes_no_time(tmp_path: Path, between: bytes) -> None:
    path = write(tmp_path, "x", KEY[: len(BEGIN) + 16] + between * 50_000 + b"!")
    started = time.monotonic()
    reason_of_file(path)
    assert time.monotonic() - started < 2


# Archives.

MakeArchive = Callable[[dict[str, bytes]], bytes]


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


ARCHIVES: dict[str, MakeArchive] = {
    "zip": zipped,
    "tar": tarred,
    "tar.gz": lambda files: gzip.compress(tarred(files)),
    "tar.bz2": lambda files: bz2.compress(tarred(files)),
    "tar.xz": lambda files: lzma.compress(tarred(files)),
    "executable zip": lambda files: b"#!/usr/bin/python3\n" + zipped(files),
    "tar in a zip": lambda files: zipped({"x": gzip.compress(tarred(files))}),
}


@pytest.mark.parametrize(
    ("name", "shown"), [("conf\\credentials.json", "conf/credentials.json"), ("x\\.aws\\login", "x/.aws/login")]
)
def test_archives_of_windows_may_have_its_paths(tmp_path: Path, name: str, shown: str) -> None:
    assert reason_of_file(write(tmp_path, "data", zipped({name: b"{}"}))) == f"{CREDENTIALS} in it, {shown}"


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"page.html": b"x", "deploy/.env": b"A=1"}, "a file of variables in it, deploy/.env"),
        ({"page.html": b"x", "x.txt": KEY}, "a private key in it, x.txt"),
        ({"page.html": b"x", "ca.pem": f"{BEGIN}CERTIFICATE-----\n{BASE64}".encode()}, ""),
        (
            {"x.dist-info/METADATA": b"Home-page: https://a:b@host.example"},
            f"{PASSWORD_IN_URL} in it, x.dist-info/METADATA",
        ),
    ],
)
def test_archives_are_looked_into(tmp_path: Path, kind: str, files: dict[str, bytes], reason: str) -> None:
    assert reason_of_file(write(tmp_path, "data", ARCHIVES[kind](files))) == reason


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_one_compressed_file_is_looked_into(tmp_path: Path, suffix: str) -> None:
    def reason(name: str, content: bytes) -> str:
        return reason_of_file(write(tmp_path, name, COMPRESSED[suffix](content)))

    assert reason(f"server.{suffix}", KEY) == "a private key in it, server"
    assert reason("server", KEY) == "a private key in it"
    assert reason(f"prod.env.{suffix}", b"A=1") == "a file of variables in it, prod.env"
    assert reason(f".NETRC.{suffix.upper()}", b"x") == f"{CREDENTIALS} in it, .NETRC"
    assert (
        reason(f"pip.conf.{suffix}", b"index-url = https://me:secret@host.example")
        == f"{PASSWORD_IN_URL} in it, pip.conf"
    )
    assert reason(f"prod.env.{suffix}.bak", b"A=1") == "a file of variables in it, prod.env"
    assert reason(f"example.env.{suffix}", b"A=1") == ""
    inner = zipped({f"conf/credentials.json.{suffix}": COMPRESSED[suffix](b"{}")})
    assert reason_of_file(write(tmp_path, "data", inner)) == f"{CREDENTIALS} in it, conf/credentials.json"


@pytest.mark.parametrize("more", [b"", b"anything"])
def test_the_name_that_gzip_notes_counts(tmp_path: Path, more: bytes) -> None:
    buffer = io.BytesIO()
    with gzip.GzipFile(filename=".env", fileobj=buffer, mode="wb") as file:
        file.write(b"A=1")
    content = bytearray(buffer.getvalue())
    if more:
        content[3] |= 4
        content[10:10] = len(more).to_bytes(2, "little") + more
    assert reason_of_file(write(tmp_path, "backup.gz", content)) == "a file of variables in it, .env"


def test_a_damaged_file_in_a_zip_is_looked_into(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.txt": KEY}))
    for at in (14, content.index(b"PK\x01\x02") + 16):
        content[at] ^= 255
    assert reason_of_file(write(tmp_path, "data", content)) == "a private key in it, a.txt"


class Counting(io.BytesIO):
    """A file that counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self.count += len(content)
        return content

    def read1(self, size: int | None = -1, /) -> bytes:
        content = super().read1(size)
        self.count += len(content)
        return content


def member_of_tar(name: str, kind: bytes, size: bytes, content: bytes = b"", real_size: int = 0) -> bytes:
    """One entry by its fields, in GNU's form: the real size of a sparse file has a field of its own."""
    header = bytearray(512)
    fields = {0: name.encode(), 124: size, 156: kind, 257: b"ustar  \0", 483: b"%011o" % real_size}
    for start, field in fields.items():
        header[start : start + len(field)] = field
    header[148:156] = b"%06o\0 " % (sum(header) + 8 * ord(" "))
    return bytes(header) + content + bytes(-len(content) % 512)


def test_of_a_sparse_file_in_a_tar_what_stands_there_is_read() -> None:
    many = b"".join(member_of_tar(str(number), b"S", b"0", real_size=2**33 - 1) for number in range(100))
    stream = Counting(many + member_of_tar("x", b"S", b"%011o" % len(KEY), KEY, real_size=2**33 - 1) + bytes(1024))
    assert reason_of_archive(["many.tar"], stream, Budget()) == "a private key in it, x"
    assert stream.count < 5 * len(many)


@pytest.mark.parametrize("step", [1, 512, 1024, 2**17 + 1024])
def test_a_tar_whose_entries_lead_back_is_read_once(step: int) -> None:
    record = b"12 comment=\n" * (2**17 // 12)
    back = member_of_tar("x", b"0", (-step).to_bytes(12, "big", signed=True))
    content = member_of_tar("y", b"x", b"%011o" % len(record), record) + back + bytes(1024)
    stream = Counting(content)
    assert reason_of_archive(["loop.tar"], stream, Budget()) == ""
    assert stream.count < 5 * len(content)


def changed(content: bytes, mark: bytes, at: int, new: bytes) -> bytes:
    """A zip with other bytes in the header that a mark is the beginning of."""
    start = content.index(mark) + at
    return content[:start] + new + content[start + len(new) :]


ODD_ZIPS = {
    "another name in the directory": (b"PK\1\2", 46, b"b"),
    "another name at the file": (b"PK\3\4", 30, b"b"),
    "another method in the directory": (b"PK\1\2", 10, b"\0"),
    "another method at the file": (b"PK\3\4", 8, b"\0"),
    "a method that nobody knows": (b"PK\1\2", 10, b"\x09"),
    "said to be encrypted": (b"PK\1\2", 8, b"\1"),
    "no size in the directory": (b"PK\1\2", 20, bytes(8)),
    "no size at the file": (b"PK\3\4", 18, bytes(8)),
    "another checksum": (b"PK\1\2", 16, bytes(4)),
    "for a later program": (b"PK\1\2", 6, b"\x63"),
}


@pytest.mark.parametrize("odd", ODD_ZIPS)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_file_in_a_zip_is_looked_into_whichever_of_its_headers_is_right(odd: str, method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("a.txt", KEY)
    assert reason_of_archive(["x.zip"], buffer, Budget()) == "a private key in it, a.txt"
    content = changed(buffer.getvalue(), *ODD_ZIPS[odd])
    name = "b.txt" if odd == "another name at the file" else "a.txt"
    assert reason_of_archive(["x.zip"], io.BytesIO(content), Budget()) == f"a private key in it, {name}"


def test_each_name_of_a_file_in_a_zip_counts() -> None:
    content = zipped({"a.pfx": b"x"})
    for name in (b"PK\1\2", 46, b"a.txt"), (b"PK\3\4", 30, b"a.txt"):
        odd = io.BytesIO(changed(content, *name))
        assert reason_of_archive(["x.zip"], odd, Budget()) == "a private key in it, a.pfx"


def test_an_odd_entry_of_a_zip_hides_no_other(tmp_path: Path) -> None:
    content = zipped({"a.txt": b"x" * 70_000, "b.txt": KEY, ".env": b"A=1"})
    odd = changed(content, b"PK\1\2", 6, b"\x63")
    assert reason_of_file(write(tmp_path, "x.zip", odd)) == "a private key in it, b.txt"
    assert reason_of_file(write(tmp_path, "x.zip", odd.replace(b"b.txt", b".key."))) == "a private key in it, .key."
    only_name = changed(zipped({"a.txt": b"x", ".env": b"A=1"}), b"PK\1\2", 6, b"\x63")
    assert reason_of_file(write(tmp_path, "x.zip", only_name)) == "a file of variables in it, .env"


@pytest.mark.parametrize("end", [slice(-8), slice(-20)])
def test_what_was_compressed_is_looked_into_as_far_as_it_can_be_read(tmp_path: Path, end: slice) -> None:
    for content in (gzip.compress(KEY)[end], gzip.compress(KEY)[end] + bytes(8)):
        assert reason_of_file(write(tmp_path, "x.gz", content)) == "a private key in it, x"
    damaged = bytearray(gzip.compress(KEY + random.Random(1).randbytes(2_000)))
    damaged[-500:] = b"\xff" * 500
    assert reason_of_file(write(tmp_path, "x.gz", damaged)) == "a private key in it, x"


def immense(tar: bytes) -> bytes:
    """A tar that begins with more to say of a file, in 2^64 bytes less one."""
    header = bytearray(tar[:512])
    header[124:136], header[156:157] = b"\x80\0\0\0" + b"\xff" * 8, b"x"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + tar[512:]


DAMAGED = {
    "empty": b"",
    "zeros": bytes(2000),
    "only the magic of a zip": b"PK\x03\x04 is no zip",
    "a zip of nothing": b"PK\5\6" + bytes(18),
    "only the magic of bzip2": b"BZh9 is no bzip2",
    "only the magic of gzip": b"\x1f\x8b",
    "a zip without its beginning": zipped({"x": b"y" * 999})[20:],
    "a tar with a header larger than any can be": immense(tarred({"x": b"y" * 999})),
    "a tar without its end": tarred({"x": b"y" * 9999})[:3000],
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_no_archive_or_a_damaged_one_is_no_secret(tmp_path: Path, name: str) -> None:
    assert reason_of_file(write(tmp_path, "data", DAMAGED[name])) == ""


def test_what_can_be_read_of_an_archive_that_was_cut_off_counts(tmp_path: Path) -> None:
    whole = gzip.compress(tarred({"page.html": b"x", ".env": b"A=1", "later": random.Random(1).randbytes(2**20)}))
    assert reason_of_file(write(tmp_path, "data", whole[: len(whole) // 2])) == "a file of variables in it, .env"


def test_names_in_an_archive_that_is_encrypted_count(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.txt": b"unreadable", "b.pfx": b"x"}))
    directory = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[directory + 8] |= 1
    assert reason_of_file(write(tmp_path, "data", bytes(content))) == "a private key in it, b.pfx"


def test_no_more_is_unpacked_than_there_is_time_for() -> None:
    budget = Budget(left=2**20)
    many = zipped({str(number): gzip.compress(bytes(2**20), 1) for number in range(3)} | {".env": b""})
    assert reason_of_archive(["many.zip"], io.BytesIO(many), budget) == "a file of variables in it, .env"
    assert budget.left == 0


def test_files_of_archives_count_in_all() -> None:
    def reason(archive: bytes) -> str:
        return reason_of_archive(["many"], io.BytesIO(archive), Budget(files=10))

    few = {str(number): b"" for number in range(4)}
    assert reason(zipped({"1.zip": zipped(few), ".env": b""})) == "a file of variables in it, .env"
    for make in (zipped, tarred):
        nested = {f"{number}.zip": make(few | {f"of {number}": b""}) for number in range(4)}
        assert reason(zipped(nested | {".env": b""})) == ""


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_files_of_a_zip_at_the_end_of_a_tar_count_once(compress: Callable[[bytes], bytes]) -> None:
    few = {str(number): b"xy" for number in range(6)}

    def reason(archive: bytes, budget: Budget) -> str:
        return reason_of_archive(["data"], io.BytesIO(compress(archive)), budget)

    inner = zipped(few)
    archive = tarred({"assets.zip": inner, "prod.env": b"A=1"})
    found = "a file of variables in it, prod.env"
    assert [reason(archive, Budget(files=8)), reason(archive, Budget(files=7))] == [found, ""]
    deep = tarred({"x.tar": archive, "page.html": b""})
    assert [reason(deep, Budget(files=9)), reason(deep, Budget(files=8))] == [found, ""]
    key = tarred({"assets.zip": inner, "x": KEY})
    size = len(key) * (compress is not bytes) + len(inner) + 12 + len(KEY)
    assert reason(key, Budget(left=size)) == f"{PRIVATE_KEY} in it, x"


def test_a_zip_counts_once_wherever_it_is_and_is_looked_into_as_deep_as_it_can_be() -> None:
    inner = zipped({str(number): b"" for number in range(5)} | {"x.tar": tarred({"y.gz": gzip.compress(KEY)})})
    deeper = zipped({"1.zip": zipped({"2.zip": inner}), "3.zip": inner, "4.zip": inner})
    assert reason_of_archive(["data"], io.BytesIO(zipped({"deeper.zip": deeper})), Budget()) == ""
    budget = Budget()
    assert reason_of_archive(["data"], io.BytesIO(deeper), budget) == f"{PRIVATE_KEY} in it, y"
    same = zipped({"1.zip": zipped({"page.html": b""}), "2.zip": zipped({"page.html": b""}), ".env": b""})
    assert reason_of_archive(["data"], io.BytesIO(same), Budget(files=4)) == "a file of variables in it, .env"


def test_both_a_tar_and_a_zip_after_it_are_looked_into() -> None:
    few = {str(number): b"" for number in range(6)}
    for first, second in ((few, few | {".env": b""}), (few | {".env": b""}, few)):
        archive = tarred(first) + zipped(second)
        assert reason_of_archive(["x"], io.BytesIO(archive), Budget(files=13)) == "a file of variables in it, .env"


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_files_after_the_end_of_a_tar_are_found(compress: Callable[[bytes], bytes]) -> None:
    first, second = tarred({"page.html": b"x"}), tarred({"prod.env": b"A=1"})
    archives = [compress(first + between + second) for between in (b"", bytes(99 * 512), b"\xff" * 512)]
    for archive in [*archives, compress(first) + compress(second)]:
        found = reason_of_archive(["two.tar"], io.BytesIO(archive), Budget())
        assert found == "a file of variables in it, prod.env"


@pytest.mark.parametrize("padding", [4, 2**17])
def test_all_streams_of_an_xz_are_looked_into(padding: int) -> None:
    first, second = lzma.compress(tarred({"page.html": b"x"})), lzma.compress(tarred({"prod.env": b"A=1"}))
    for end in (b"", bytes(8), b"damaged"):
        content = io.BytesIO(first + bytes(padding) + second + end)
        assert reason_of_archive(["x.tar.xz"], content, Budget()) == "a file of variables in it, prod.env"
    budget = Budget(left=100)
    assert reason_of_archive(["x.xz"], io.BytesIO(lzma.compress(bytes(200)) + second), budget) == ""
    assert budget.left == 0
    for damaged in (first + bytes(padding), first + b"x" + second, first[:-1] + second):
        assert reason_of_archive(["x.tar.xz"], io.BytesIO(damaged), Budget()) == ""


def test_only_a_tar_is_searched_for_later_files() -> None:
    content = b"\xff" * 512 + tarred({"prod.env": b"A=1"})
    assert reason_of_archive(["data"], io.BytesIO(content), Budget()) == ""


@pytest.mark.parametrize("after", [bytes, random.Random(1).randbytes])
def test_after_the_end_of_a_tar_only_so_much_is_searched(
    monkeypatch: pytest.MonkeyPatch, after: Callable[[int], bytes]
) -> None:
    appended = tarred({"page.html": b"x"}) + after(2**20) + tarred({"prod.env": b"A=1"})
    assert reason_of_archive(["two.tar"], io.BytesIO(appended), Budget()) == "a file of variables in it, prod.env"
    monkeypatch.setattr(secret_contents, "UNPACKED_BYTES", len(appended) - 1)
    assert reason_of_archive(["two.tar"], io.BytesIO(appended), Budget()) == ""
    several = tarred({"page.html": b"x", ".env": b""}) + appended
    assert reason_of_archive(["two.tar"], io.BytesIO(several), Budget()) == "a file of variables in it, .env"


def test_files_of_a_tar_count_by_their_bytes_too() -> None:
    budget = Budget(left=1000)
    archive = tarred({"1": bytes(600), "2": bytes(600), ".env": b""})
    assert reason_of_archive(["many.tar"], io.BytesIO(archive), budget) == "a file of variables in it, .env"
    assert budget.left == 0
    later = tarred({"1": bytes(1000), "x": KEY})
    assert reason_of_archive(["many.tar"], io.BytesIO(later), Budget(left=1000)) == ""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was opened as a zip."""
    found: list[object] = []

    def members_of(stream: io.BufferedReader, budget: Budget, depth: int) -> Iterator[Member]:
        found.append(stream)
        yield from members_of_zip(stream, budget, depth)

    monkeypatch.setattr(secret_contents, "members_of_zip", members_of)
    return found


def test_an_archive_is_opened_once_whatever_names_it_has(tmp_path: Path, opened: list[object]) -> None:
    path = write(tmp_path, "data", zipped({"page.html": b"x"}))
    assert reason_of_file(path, ["a.bin", "b.bin", "c.zip"]) == ""
    # It, and the file in it.
    assert len(opened) == 2


def test_no_archive_is_opened_when_enough_files_were_looked_at(opened: list[object]) -> None:
    few = {str(number): b"" for number in range(9)}
    many = zipped({f"{number}.zip": zipped(few | {f"of {number}": b""}) for number in range(20)})
    assert reason_of_archive(["many.zip"], io.BytesIO(many), Budget(files=15)) == ""
    # It, and two of those in it.
    assert len(opened) == 3


def test_a_file_in_a_zip_counts_by_each_of_its_names_compressed_too() -> None:
    content = zipped({"a.pfx.gz": gzip.compress(b"x")})
    for name in (b"PK\1\2", 46, b"a.txt.gz"), (b"PK\3\4", 30, b"a.txt.gz"):
        odd = io.BytesIO(changed(content, *name))
        assert reason_of_archive(["x.zip"], odd, Budget()) == "a private key in it, a.pfx"


def test_what_is_compressed_counts_by_the_name_that_gzip_notes(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="pip.conf", fileobj=buffer, mode="wb") as file:
        file.write(b"index-url = https://me:secret@host.example")
    assert reason_of_file(write(tmp_path, "x.gz", buffer.getvalue())) == f"{PASSWORD_IN_URL} in it, pip.conf"
