from __future__ import annotations

import pytest
from pages import EVIDENCE, LIBRARY, PACKAGES

from pystatic_tasks.report.reasons import NEVER, Evidence, Reason, Reasons, module_name, place, slim_name


@pytest.mark.parametrize(
    ("path", "module"),
    [
        (f"{PACKAGES}falcon/app.pyc", "falcon.app"),
        (f"{PACKAGES}falcon/__init__.pyc", "falcon"),
        (f"{PACKAGES}falcon/__pycache__/app.cpython-313.opt-2.pyc", "falcon.app"),
        (f"{PACKAGES}falcon/_c.cpython-313-x86_64-linux-gnu.so", "falcon._c"),
        (f"{PACKAGES}bcrypt/_bcrypt.abi3.so", "bcrypt._bcrypt"),
        (f"{PACKAGES}plain.so", "plain"),
        (f"{LIBRARY}os.pyc", "os"),
        (f"{LIBRARY}lib-dynload/_ssl.cpython-313-x86_64-linux-gnu.so", "_ssl"),
        ("/usr/local/lib/python3.13/site-packages/falcon/app.pyc", "falcon.app"),
        ("/shop!/shop!/PYZ.pyz!/falcon.app", "falcon.app"),
        (f"{PACKAGES}falcon/static/logo.svg", ""),
        ("/shop!/lib/libssl.so.3", ""),
        ("/etc/passwd", ""),
    ],
)
def test_a_module_is_known_by_where_it_lies(path: str, module: str) -> None:
    assert module_name(path) == module


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"{PACKAGES}falcon/app.pyc", "falcon/app.pyc"),
        (f"{LIBRARY}email/parser.pyc", "email/parser.pyc"),
        ("/lib/x86_64-linux-gnu/libssl.so.3", "libssl.so.3"),
        ("/shop!/lib/libssl.so.3", "libssl.so.3"),
        ("/shop!/bin/interpreter", "bin/interpreter"),
        ("/etc/ssl/certs/ca-certificates.crt", "etc/ssl/certs/ca-certificates.crt"),
    ],
)
def test_files_are_shown_from_where_python_sees_them(path: str, shown: str) -> None:
    assert place(path) == shown


def test_slim_knows_modules_by_name_and_data_by_folder() -> None:
    paths = (f"{PACKAGES}falcon/app.pyc", f"{PACKAGES}falcon/static/logo.svg", "/etc/passwd", f"{PACKAGES}one.txt")
    assert [slim_name(path) for path in paths] == ["falcon.app", "falcon/static/", "", ""]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        # The entry script asks by name for all that was seen, which says nothing.
        (f"{PACKAGES}falcon/__init__.pyc", Reason(names=("shop.web",), first_use=0)),
        (f"{PACKAGES}falcon/app.pyc", Reason(names=("falcon",), first_use=1)),
        (f"{PACKAGES}falcon/static/logo.svg", Reason(first_use=1)),
        (f"{PACKAGES}sparepart/__init__.pyc", Reason(names=("shop.web",), first_use=NEVER)),
        ("/shop!/lib/libcrypto.so.3", Reason(names=("libssl.so.3", "_ssl"))),
        (f"{PACKAGES}numpy.libs/libopenblas-1.so", Reason()),
        ("/etc/passwd", Reason()),
    ],
)
def test_what_a_file_is_there_for(path: str, reason: Reason) -> None:
    assert Reasons(EVIDENCE).why(path) == reason


def test_what_was_not_run_is_not_called_unused() -> None:
    reasons = Reasons(Evidence(imported_by=EVIDENCE.imported_by, optional=("sparepart",)))
    assert reasons.why(f"{PACKAGES}sparepart/__init__.pyc") == Reason(names=("shop.web",))
    assert reasons.unused() == set()


def test_what_slim_would_leave_out_is_what_was_not_used_and_is_not_kept() -> None:
    reasons = Reasons(EVIDENCE)
    assert reasons.unused() == {"sparepart"}
    assert reasons.unused(["spare*"]) == set()
    assert reasons.is_unused(f"{PACKAGES}sparepart/deep/down.pyc", {"sparepart"})
    assert not reasons.is_unused("/etc/passwd", {"sparepart"})
