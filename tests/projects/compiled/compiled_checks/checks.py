import asyncio
import io
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import grpc
import lxml.etree
import numpy as np
import orjson
import psycopg
import pydantic
import uvloop
from cryptography import x509
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image


def check_orjson():
    value = {"id": uuid.UUID(int=1), "at": datetime(2024, 5, 1, tzinfo=timezone.utc), "name": "Käse"}
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return text == '{"at":"2024-05-01T00:00:00+00:00","id":"00000000-0000-0000-0000-000000000001","name":"Käse"}'


class Point(pydantic.BaseModel):
    x: int
    y: int = pydantic.Field(ge=0)


def check_pydantic():
    try:
        Point.model_validate_json('{"x": "1", "y": -1}')
    except pydantic.ValidationError as error:
        problem = error.errors()[0]["type"]
    return problem == "greater_than_equal" and Point(x="1", y=2).model_dump() == {"x": 1, "y": 2}


def check_cryptography():
    box = Fernet(Fernet.generate_key())
    token = box.encrypt(b"secret")
    try:
        Fernet(Fernet.generate_key()).decrypt(token)
    except InvalidToken:
        refused = True
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(b"text", ec.ECDSA(hashes.SHA256()))
    key.public_key().verify(signature, b"text", ec.ECDSA(hashes.SHA256()))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    name = x509.Name.from_rfc4514_string("CN=example.org")
    return refused and box.decrypt(token) == b"secret" and pem.startswith(b"-----BEGIN") and len(list(name)) == 1


def check_lxml():
    tree = lxml.etree.fromstring('<shop><item price="3">Tee</item><item price="9">Käse</item></shop>')
    sheet = lxml.etree.XSLT(
        lxml.etree.XML(
            '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
            '<xsl:output method="text"/><xsl:template match="/"><xsl:value-of select="count(//item)"/></xsl:template>'
            "</xsl:stylesheet>"
        )
    )
    return tree.xpath("//item[@price > 5]/text()") == ["Käse"] and str(sheet(tree)).strip() == "2"


def check_psycopg():
    try:
        psycopg.connect("host=127.0.0.1 port=1 dbname=none user=none connect_timeout=2")
    except psycopg.OperationalError as error:
        refused = "127.0.0.1" in str(error)
    return refused and psycopg.pq.__impl__ == "binary" and psycopg.pq.version() >= 100000


def check_pillow():
    red = Image.new("RGB", (8, 6), "red")
    seen = []
    for kind in ("PNG", "JPEG"):
        file = io.BytesIO()
        red.save(file, kind)
        file.seek(0)
        again = Image.open(file)
        seen.append((again.format, again.size, again.convert("RGB").getpixel((3, 3))[0] > 250))
    return seen == [("PNG", (8, 6), True), ("JPEG", (8, 6), True)]


def check_numpy():
    solution = np.linalg.solve(np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([9.0, 8.0]))
    random = np.random.default_rng(7).normal(size=1000)
    return bool(np.allclose(solution, [2, 3]) and abs(random.mean()) < 0.2 and np.fft.fft([1, 0])[1] == 1)


def check_uvloop():
    async def main():
        await asyncio.sleep(0.001)
        return type(asyncio.get_running_loop()).__module__

    loop = uvloop.new_event_loop()
    try:
        return loop.run_until_complete(main()).startswith("uvloop")
    finally:
        loop.close()


def check_grpc():
    def shout(request, context):
        return request.upper()

    server = grpc.server(ThreadPoolExecutor(2))
    handlers = {"Shout": grpc.unary_unary_rpc_method_handler(shout)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("demo.Loud", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
            return channel.unary_unary("/demo.Loud/Shout")(b"hello", timeout=10) == b"HELLO"
    finally:
        server.stop(None).wait()


CHECKS = {
    "orjson": check_orjson,
    "pydantic": check_pydantic,
    "cryptography": check_cryptography,
    "lxml": check_lxml,
    "psycopg": check_psycopg,
    "pillow": check_pillow,
    "numpy": check_numpy,
    "uvloop": check_uvloop,
    "grpc": check_grpc,
}
