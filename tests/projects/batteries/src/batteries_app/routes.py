import bz2
import hashlib
import locale
import lzma
import multiprocessing
import os
import socket
import sqlite3
import ssl
import subprocess
import sys
import urllib.request
import uuid
import zlib
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import certifi
import requests

TIMEOUT = 10


def target():
    if "TARGET_URL" not in os.environ:
        raise LookupError("TARGET_URL is not set")
    return os.environ["TARGET_URL"]


def with_requests():
    """REQUESTS_CA_BUNDLE names another bundle than certifi's."""
    response = requests.get(target(), timeout=TIMEOUT)
    return {"status": response.status_code, "text": response.text}


def with_urllib():
    """SSL_CERT_FILE names the bundle."""
    with urllib.request.urlopen(target(), timeout=TIMEOUT, context=ssl.create_default_context()) as response:
        return {"status": response.status, "text": response.read().decode()}


def tls():
    """Both bundles can be read."""
    loaded = [ssl.create_default_context(cafile=certifi.where()), ssl.create_default_context()]
    certifis, systems = (context.cert_store_stats()["x509_ca"] > 10 for context in loaded)
    return {"certifi": certifis, "system": systems}


def zone():
    berlin = ZoneInfo("Europe/Berlin")
    winter, summer = (datetime(2024, month, 1, tzinfo=berlin).utcoffset().total_seconds() / 3600 for month in (1, 7))
    try:
        ZoneInfo("Europe/Atlantis")
    except ZoneInfoNotFoundError as error:
        unknown = type(error).__name__
    there = bool(ZoneInfo("America/Argentina/Buenos_Aires"))
    return {"winter": winter, "summer": summer, "there": there, "unknown": unknown}


def utf8():
    texts = files(__package__) / "texts"
    return {
        "text": (texts / "grüße.txt").read_text(encoding="utf-8").strip(),
        "names": [each.name for each in texts.iterdir()],
        "encoding": sys.getfilesystemencoding(),
        "locale": locale.getpreferredencoding(False).lower().replace("utf8", "utf-8"),
    }


def sqlite():
    with sqlite3.connect(":memory:") as database:
        (length,) = database.execute("SELECT json_array_length(?)", ("[1, 2, 3]",)).fetchone()
        database.create_function("cube", 1, lambda number: number**3)
        (cube,) = database.execute("SELECT cube(2.0)").fetchone()
        database.execute("CREATE VIRTUAL TABLE texts USING fts5(body)")
        database.executemany("INSERT INTO texts VALUES (?)", [("the quick brown fox",), ("a lazy dog",)])
        found = [row[0] for row in database.execute("SELECT body FROM texts WHERE texts MATCH 'quick AND fox'")]
    return {"json": length, "fts": found, "math": cube}


def square(number):
    return number * number


def process_id(_):
    return os.getpid()


def pool():
    with multiprocessing.get_context("fork").Pool(2) as workers:
        squares = workers.map(square, range(5))
        # Forked from a worker of gunicorn they would not end by TERM.
        workers.close()
        workers.join()
    return squares


def processes():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as executor:
        squares = list(executor.map(square, range(4)))
        others = set(executor.map(process_id, range(4)))
    return {"squares": squares, "other_process": os.getpid() not in others}


def threads():
    with ThreadPoolExecutor(2) as executor:
        return list(executor.map(square, range(4)))


def missing_program():
    try:
        subprocess.run(["no-such-program", "--version"], check=True)
    except FileNotFoundError as error:
        return {"missing": type(error).__name__}


def addresses(name):
    return sorted({info[4][0] for info in socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)})


def lookup():
    """The addresses of localhost, and of the name in LOOKUP."""
    local = {"127.0.0.1", "::1"}.issuperset(addresses("localhost"))
    return {"localhost": local, "other": addresses(os.environ["LOOKUP"]) if "LOOKUP" in os.environ else []}


def small_things():
    packed = [module.compress(b"text" * 100) for module in (zlib, bz2, lzma)]
    return {
        "decimal": str(Decimal("0.1") + Decimal("0.2")),
        "uuid": uuid.uuid4().version,
        "hash": hashlib.sha256(b"abc").hexdigest()[:8],
        "compressed": all(len(each) < 100 for each in packed),
    }


ROUTES = {
    "/requests": with_requests,
    "/urllib": with_urllib,
    "/tls": tls,
    "/zoneinfo": zone,
    "/utf8": utf8,
    "/sqlite": sqlite,
    "/pool": pool,
    "/processes": processes,
    "/threads": threads,
    "/subprocess": missing_program,
    "/lookup": lookup,
    "/decimal": small_things,
}
