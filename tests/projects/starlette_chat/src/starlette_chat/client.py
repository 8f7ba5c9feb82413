"""A very small WebSocket client: short text messages, one answer to each."""

import asyncio
import base64
import os


def frame(payload: bytes, opcode: int = 1) -> bytes:
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + masked


async def talk(host: str, port: int, path: str, messages: list[str]) -> list[str]:
    reader, writer = await asyncio.open_connection(host, port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 101 " not in head.split(b"\r\n")[0]:
        raise ConnectionError(head.decode())
    answers = []
    for message in messages:
        writer.write(frame(message.encode()))
        _, length = await reader.readexactly(2)
        answers.append((await reader.readexactly(length)).decode())
    writer.write(frame(b"\x03\xe8", opcode=8))
    await writer.drain()
    writer.close()
    return answers
