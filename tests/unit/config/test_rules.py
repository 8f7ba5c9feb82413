from __future__ import annotations

import datetime
import re
from typing import Any

import jsonschema
import pytest

from pystatic_tasks.config.rules import RULES

TOO_LONG = "x" * 129
NOT_A_SIZE = 'is not a valid size; write a number and a unit, such as "9MB"'
NOT_A_NAME = "is not a valid image name; use lower-case letters, digits and single '-', '_' or '.' between them"
NOT_A_SERVICE = "is not a valid service name; use lower-case letters, digits and single '-', '_' or '.' between them"
NOT_A_WORD = "has a NUL character, which an argument cannot contain"
NOT_KEPT = 'is not a valid name; write a module, a folder such as "shop/texts/", or a pattern such as "email.*"'
NOT_A_TARGET = 'is not a valid target; write "package.module:callable" or "package.module:factory()"'
NOT_NUMBERS = 'must be numeric, such as "65535:65535", so that Kubernetes can tell that it is not root'
IS_ROOT = "is root, which is not allowed; choose another user"
OUT_OF_RANGE = "is out of range; the largest user or group number is 4294967294"
NOT_A_TAG = 'is not a valid tag; use a tag such as "1.4" or a reference such as "registry.example/shop:1.4"'
CAPITALS = "has capital letters in the repository's name, which engines and registries reject; use lower-case letters"
NOT_A_PORT = "is not a valid port; ports range from 1 to 65535"
NOT_A_PATH = 'must begin with "/"'
NOT_DATA = 'must be "SOURCE:FOLDER", such as "templates:templates"'
NOT_INSIDE = "must end in a folder inside the program, without a leading '/' or '..'"
NOT_ASCII = 'must not contain spaces or non-ASCII characters; write "%20" for a space'
NOT_A_STATUS = "is not a valid HTTP status; use a number from 100 to 599"
NOT_SECONDS = "must be a number of seconds above 0 and at most 86400"
NOT_A_VARIABLE = "is not a valid variable name"
NOT_A_HEADER = "is not a valid HTTP header"
NOT_JSON = "must contain only strings, numbers, booleans, lists and tables"
TOO_LARGE = "is too large; the maximum is 1000000GB"
NAME_TOO_LONG = "is too long; names have at most 128 characters"
RESERVED = "is reserved for something beside the program, such as image.tar; choose another name"
NOT_A_FILE_PATH = "is not a valid path; it is too long or has a control character"
NOT_AN_INTERPRETER = 'is not an interpreter; name one as Nox does, such as "3.13", or by its path'
NOT_A_REQUIREMENT = "is not a valid requirement; it is too long or has a control character"
NOT_A_METHOD = 'is not a valid HTTP method; use one such as "POST"'
SEVERAL_LINES = "has a value with a line break or control character, which a Dockerfile cannot contain"
LONG_URL = "shop @ https://git.example/shop.whl?" + "x" * 300
LONG_PATH = "/".join(["x" * 99] * 50)
NOT_A_FILE = "must be the absolute path of a file in the image, without '..'"


RIGHT: list[tuple[str, Any, Any]] = [
    ("size", 9_000_000, 9_000_000),
    ("size", "9000000", 9_000_000),
    ("size", "9MB", 9_000_000),
    ("size", " 9 mb ", 9_000_000),
    ("size", "8.5 MiB", 8_912_896),
    ("size", "1kB", 1000),
    ("size", "1KiB", 1024),
    ("size", "2GB", 2_000_000_000),
    ("size", "1GiB", 1_073_741_824),
    ("size", "512B", 512),
    ("optimize", 0, 0),
    ("optimize", 1, 1),
    ("optimize", 2, 2),
    ("name", "shop", "shop"),
    ("name", "shop-web_2.x", "shop-web_2.x"),
    ("name", "7", "7"),
    ("service", "postgresql-15.2", "postgresql-15.2"),
    ("word", "größe\n", "größe\n"),
    ("word", "", ""),
    ("kept", "email.*", "email.*"),
    ("kept", "[!a]*.[b]", "[!a]*.[b]"),
    ("kept", "shop/größe 2/", "shop/größe 2/"),
    ("app", "shop:app", "shop:app"),
    ("app", "shop.web:make_app()", "shop.web:make_app()"),
    ("app", "shop.web:make('x', y=1)", "shop.web:make('x', y=1)"),
    ("user", "1000", "1000:1000"),
    ("user", "1000:2000", "1000:2000"),
    ("user", "4294967294:0", "4294967294:0"),
    ("user", "007:03", "7:3"),
    ("tag", "1.4", "1.4"),
    ("tag", "v1_2-rc.1", "v1_2-rc.1"),
    ("tag", "shop:1.4", "shop:1.4"),
    ("tag", "registry.example/shop", "registry.example/shop:latest"),
    ("tag", "registry.example/shop:1.4", "registry.example/shop:1.4"),
    ("tag", "localhost:5000/shop", "localhost:5000/shop:latest"),
    ("tag", "localhost:5000/team/shop:1.4", "localhost:5000/team/shop:1.4"),
    ("tag", "registry.example:5000/a/b", "registry.example:5000/a/b:latest"),
    ("tag", "Registry.Example/shop:1", "Registry.Example/shop:1"),
    ("tag", "a/b__c/d-e.f:V1", "a/b__c/d-e.f:V1"),
    ("tag", "a_b/c---d", "a_b/c---d:latest"),
    ("tag", "x" * 128, "x" * 128),
    ("tag", f"team/{'x' * 240}:1", f"team/{'x' * 240}:1"),
    ("tag", f"{'x' * 237}:1", f"{'x' * 237}:1"),
    ("tag", f"registry.example/{'x' * 238}:1", f"registry.example/{'x' * 238}:1"),
    ("tag", "REGISTRY:5000/shop:V1", "REGISTRY:5000/shop:V1"),
    ("tag", "localhost/shop:1", "localhost/shop:1"),
    ("port", 1, 1),
    ("port", 65535, 65535),
    ("path", "/", "/"),
    ("path", "/health?deep=1", "/health?deep=1"),
    ("data", "templates:shop/templates", "templates:shop/templates"),
    ("data", "odd:name:folder", "odd:name:folder"),
    ("data", "templates:.", "templates:."),
    ("file", {"/etc/shop.toml": "shop.toml"}, {"/etc/shop.toml": "shop.toml"}),
    ("file", {}, {}),
    ("status", 100, 100),
    ("status", 599, 599),
    ("seconds", 1, 1.0),
    ("seconds", 0.001, 0.001),
    ("env", {"MY_VAR": "a=b", "größe": ""}, {"MY_VAR": "a=b", "größe": ""}),
    ("headers", {"X-Shop": "größe\t1", "A": ""}, {"X-Shop": "größe\t1", "A": ""}),
    ("seconds", 86400, 86400.0),
    ("size", "1000000GB", 10**15),
    ("name", "x" * 128, "x" * 128),
    ("json", {"a": [1, 2.5, None, True, "x"]}, {"a": [1, 2.5, None, True, "x"]}),
    ("server", {"config": "a.py", "workers": 2}, {"config": "a.py", "workers": 2}),
    ("argument", "größe\n", "größe\n"),
    ("source", "größe 1/x", "größe 1/x"),
    ("source", "", ""),
    ("requirement", ".[web]", ".[web]"),
    ("requirement", LONG_URL, LONG_URL),
    ("method", "M-SEARCH", "M-SEARCH"),
    ("image env", {"MY_VAR": "a=b\tc", "größe": ""}, {"MY_VAR": "a=b\tc", "größe": ""}),
    ("labels", {"a b": "größe\t1"}, {"a b": "größe\t1"}),
]


@pytest.mark.parametrize(("rule", "value", "kept"), RIGHT)
def test_a_right_value_is_kept_in_one_form(rule: str, value: object, kept: object) -> None:
    assert RULES[rule].check(value) == kept


@pytest.mark.parametrize(("rule", "value", "kept"), RIGHT)
def test_the_schema_of_a_rule_takes_what_the_rule_takes(rule: str, value: object, kept: object) -> None:
    for each in (value, kept):
        jsonschema.Draft7Validator(RULES[rule].schema).validate(each)


def test_of_a_refused_tag_all_but_the_credentials_may_be_shown() -> None:
    assert RULES["tag"].shown("me:secret@registry.example/shop") == "***@registry.example/shop"
    assert RULES["app"].shown("me:secret@shop") == "me:secret@shop"


@pytest.mark.parametrize(
    ("rule", "value", "text"),
    [
        ("size", "big", NOT_A_SIZE),
        ("size", "", NOT_A_SIZE),
        ("size", "9.5.1MB", NOT_A_SIZE),
        ("size", "9XB", NOT_A_SIZE),
        ("size", "MB", NOT_A_SIZE),
        ("size", "-9MB", NOT_A_SIZE),
        ("size", -1, NOT_A_SIZE),
        ("size", 0, NOT_A_SIZE),
        ("size", "0MB", NOT_A_SIZE),
        ("size", "0.4B", NOT_A_SIZE),
        ("size", "٣MB", NOT_A_SIZE),
        ("optimize", 3, "must be 0, 1 or 2"),
        ("optimize", -1, "must be 0, 1 or 2"),
        ("name", "", NOT_A_NAME),
        ("name", "Shop", NOT_A_NAME),
        ("name", "a--b", NOT_A_NAME),
        ("name", "-a", NOT_A_NAME),
        ("name", "a-", NOT_A_NAME),
        ("name", "a/b", NOT_A_NAME),
        ("name", "..", NOT_A_NAME),
        ("name", "a b", NOT_A_NAME),
        ("name", "größe", NOT_A_NAME),
        ("name", "a\n", NOT_A_NAME),
        ("service", "", NOT_A_SERVICE),
        ("service", "My SQL", NOT_A_SERVICE),
        ("service", "../x", NOT_A_SERVICE),
        ("word", "a\0b", NOT_A_WORD),
        ("kept", "", NOT_KEPT),
        ("kept", "*[", NOT_KEPT),
        ("kept", "a[b].[c", NOT_KEPT),
        ("kept", "/", NOT_KEPT),
        ("kept", "/usr/share/x/", NOT_KEPT),
        ("kept", "a\nb", NOT_KEPT),
        ("app", "", NOT_A_TARGET),
        ("app", "shop", NOT_A_TARGET),
        ("app", "shop:", NOT_A_TARGET),
        ("app", "shop: ", NOT_A_TARGET),
        ("app", ":app", NOT_A_TARGET),
        ("app", "shop..web:app", NOT_A_TARGET),
        ("app", "shop.:app", NOT_A_TARGET),
        ("app", "shop-web:app", NOT_A_TARGET),
        ("app", "class:x", NOT_A_TARGET),
        ("app", "shop/web.py:app", NOT_A_TARGET),
        ("user", "", NOT_NUMBERS),
        ("user", "nonroot", NOT_NUMBERS),
        ("user", "1000:", NOT_NUMBERS),
        ("user", ":1000", NOT_NUMBERS),
        ("user", "-1", NOT_NUMBERS),
        ("user", "1:2:3", NOT_NUMBERS),
        ("user", "0", IS_ROOT),
        ("user", "00", IS_ROOT),
        ("user", "0:1000", IS_ROOT),
        ("user", "4294967295", OUT_OF_RANGE),
        ("user", "1000:4294967295", OUT_OF_RANGE),
        ("tag", "", NOT_A_TAG),
        ("tag", "a b", NOT_A_TAG),
        ("tag", "-x", NOT_A_TAG),
        ("tag", ".x", NOT_A_TAG),
        ("tag", "größe", NOT_A_TAG),
        ("tag", TOO_LONG, NOT_A_TAG),
        ("tag", "shop:", NOT_A_TAG),
        ("tag", "registry.example/shop:", NOT_A_TAG),
        ("tag", "registry.example/Shop:1.4", CAPITALS),
        ("tag", "UPPER/case", CAPITALS),
        ("tag", "Upper/case:1.4", CAPITALS),
        ("tag", "Shop:1.4", CAPITALS),
        ("tag", "LOCALHOST/shop", CAPITALS),
        ("tag", "a_b/C", CAPITALS),
        ("tag", "/x", NOT_A_TAG),
        ("tag", "x/", NOT_A_TAG),
        ("tag", ":x", NOT_A_TAG),
        ("tag", "a//b", NOT_A_TAG),
        ("tag", "a/b..c", NOT_A_TAG),
        ("tag", "a/b-", NOT_A_TAG),
        ("tag", "a/b___c", NOT_A_TAG),
        ("tag", "a..b/c", NOT_A_TAG),
        ("tag", "a.-b/c", NOT_A_TAG),
        ("tag", "a b/c:1", NOT_A_TAG),
        ("tag", "a:b:c", NOT_A_TAG),
        ("tag", "a/b:5000/c", NOT_A_TAG),
        ("tag", "registry.example:/shop", NOT_A_TAG),
        ("tag", "registry.example:port/shop", NOT_A_TAG),
        ("tag", "http://registry.example/shop", NOT_A_TAG),
        ("tag", "[::1]:5000/shop", NOT_A_TAG),
        ("tag", "[::1]/shop:1", NOT_A_TAG),
        ("tag", "x/y@sha256:abc", NOT_A_TAG),
        ("tag", f"x/y:{TOO_LONG}", NOT_A_TAG),
        ("port", 0, NOT_A_PORT),
        ("port", -80, NOT_A_PORT),
        ("port", 65536, NOT_A_PORT),
        ("path", "", NOT_A_PATH),
        ("path", "health", NOT_A_PATH),
        ("path", "http://host/health", NOT_A_PATH),
        ("path", "/a b", NOT_ASCII),
        ("path", "/straße", NOT_ASCII),
        ("path", "/a\r\nHost: b", NOT_ASCII),
        ("status", 99, NOT_A_STATUS),
        ("status", 600, NOT_A_STATUS),
        ("seconds", 0, NOT_SECONDS),
        ("seconds", -1.5, NOT_SECONDS),
        ("seconds", float("nan"), NOT_SECONDS),
        ("seconds", float("inf"), NOT_SECONDS),
        ("env", {"": "x"}, f"'' {NOT_A_VARIABLE}"),
        ("env", {"OK": "x", "A=B": "x"}, f"'A=B' {NOT_A_VARIABLE}"),
        ("env", {"A\0": "x"}, f"'A\\x00' {NOT_A_VARIABLE}"),
        ("env", {"OK": "x", "A": "x\0"}, "'A' has a value with a NUL character, which a variable cannot contain"),
        ("headers", {"": "x"}, f"'' {NOT_A_HEADER}"),
        ("headers", {"A B": "x"}, f"'A B' {NOT_A_HEADER}"),
        ("headers", {"A:": "x"}, f"'A:' {NOT_A_HEADER}"),
        ("headers", {"OK": "x", "A": "x\ny"}, f"'A' {NOT_A_HEADER}"),
        ("headers", {"A": "€"}, f"'A' {NOT_A_HEADER}"),
        ("json", {"a": datetime.date(2026, 1, 1)}, NOT_JSON),
        ("json", datetime.time(12), NOT_JSON),
        ("data", "", NOT_DATA),
        ("data", "templates", NOT_DATA),
        ("data", "templates:", NOT_DATA),
        ("data", ":templates", NOT_DATA),
        ("data", "templates:/templates", NOT_INSIDE),
        ("data", "templates:../templates", NOT_INSIDE),
        ("data", "templates:a/../b", NOT_INSIDE),
        ("file", {"etc/x": "x"}, f"'etc/x' {NOT_A_FILE}"),
        ("file", {"/ok": "x", "/etc/": "x"}, f"'/etc/' {NOT_A_FILE}"),
        ("file", {"/": "x"}, f"'/' {NOT_A_FILE}"),
        ("file", {"/a/../x": "x"}, f"'/a/../x' {NOT_A_FILE}"),
        ("file", {"": "x"}, f"'' {NOT_A_FILE}"),
        ("file", {"/a/./x": "x"}, f"'/a/./x' {NOT_A_FILE}"),
        ("file", {"//x": "x"}, f"'//x' {NOT_A_FILE}"),
        ("file", {"/x": ""}, "'/x' has no source"),
        ("file", {f"/{LONG_PATH}": "x"}, NOT_A_FILE_PATH),
        ("file", {"/x": "a\0b"}, NOT_A_FILE_PATH),
        ("folder", f"/{LONG_PATH}", NOT_A_FILE_PATH),
        ("data", f"{'x' * 256}:y", NOT_A_FILE_PATH),
        ("source", LONG_PATH, NOT_A_FILE_PATH),
        ("source", "x" * 256, NOT_A_FILE_PATH),
        ("source", "ü" * 128, NOT_A_FILE_PATH),
        ("source", "a\nb", NOT_A_FILE_PATH),
        ("interpreter", "https://host.example", NOT_AN_INTERPRETER),
        ("interpreter", "a\nb", NOT_A_FILE_PATH),
        ("requirement", "x\0", NOT_A_REQUIREMENT),
        ("requirement", "x" * 5000, NOT_A_REQUIREMENT),
        ("argument", "a\0b", NOT_A_WORD),
        ("method", "", NOT_A_METHOD),
        ("method", "GET /\r\n", NOT_A_METHOD),
        ("size", "9" * 5000, NOT_A_SIZE),
        ("size", "9" * 20 + "GB", TOO_LARGE),
        ("size", 2**63 - 1, TOO_LARGE),
        ("seconds", 86401, NOT_SECONDS),
        ("seconds", 10**400, NOT_SECONDS),
        ("user", "9" * 5000, NOT_NUMBERS),
        ("user", "9" * 40, OUT_OF_RANGE),
        ("tag", "/".join(["x" * 99] * 5), NOT_A_TAG),
        ("tag", f"team/{'x' * 241}:1", NOT_A_TAG),
        ("tag", f"registry.example/{'x' * 239}:1", NOT_A_TAG),
        ("name", "x" * 129, NAME_TOO_LONG),
        ("service", "x" * 129, NAME_TOO_LONG),
        ("name", "image.tar", RESERVED),
        ("name", "sbom.cdx.json", RESERVED),
        ("name", "environments", RESERVED),
        ("name", "linux", RESERVED),
        ("name", "index.html", RESERVED),
        ("server", {"config": "a\0b"}, "config is not a valid path; it has a NUL character"),
        ("server", {"bind": datetime.time(12)}, NOT_JSON),
        ("image env", {"": "x"}, f"'' {NOT_A_VARIABLE}"),
        ("image env", {"A B": "x"}, f"'A B' {NOT_A_VARIABLE}"),
        ("image env", {"A$B": "x"}, f"'A$B' {NOT_A_VARIABLE}"),
        ("image env", {"A": "x\ny"}, f"'A' {SEVERAL_LINES}"),
        ("labels", {"": "x"}, "'' is not a valid label name"),
        ("labels", {"a\n": "x"}, "'a\\n' is not a valid label name"),
        ("labels", {"a": "x\ny"}, f"'a' {SEVERAL_LINES}"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(rule: str, value: object, text: str) -> None:
    with pytest.raises(ValueError, match=rf"\A{re.escape(text)}\Z"):
        RULES[rule].check(value)
