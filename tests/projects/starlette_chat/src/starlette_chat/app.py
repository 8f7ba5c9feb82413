import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from .client import talk


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, list[str]]]:
    app.state.open = True
    yield {"rooms": ["lobby"]}
    app.state.open = False


async def index(request: Request) -> Response:
    return PlainTextResponse(f"Rooms: {', '.join(request.state.rooms)}")


async def health(request: Request) -> Response:
    return JSONResponse({"open": request.app.state.open})


async def stream(request: Request) -> Response:
    async def numbers() -> AsyncIterator[str]:
        for number in range(5):
            yield f"{number} "
            await asyncio.sleep(0.01)
        yield "end"

    return StreamingResponse(numbers(), media_type="text/plain")


async def echo(request: Request) -> Response:
    body = await request.body()
    return JSONResponse({"body": body.decode(), "length": len(body)})


async def websocket_check(request: Request) -> Response:
    """A WebSocket conversation of the service with itself."""
    host, port = request.scope["server"]
    return JSONResponse({"heard": await talk(host, port, "/ws", ["hello", "äöü"])})


async def ws(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text.upper())


async def implementation(request: Request) -> Response:
    """What uvicorn took of what is installed."""
    loop = type(asyncio.get_running_loop()).__module__
    there = [name for name in ("httptools", "h11") if f"uvicorn.protocols.http.{name}_impl" in sys.modules]
    return JSONResponse({"loop": loop, "http": there[0]})


async def worker(request: Request) -> Response:
    return JSONResponse({"process": os.getpid()})


def create() -> Starlette:
    return Starlette(
        routes=[
            Route("/", index),
            Route("/health", health),
            Route("/stream", stream),
            Route("/echo", echo, methods=["POST"]),
            Route("/websocket-check", websocket_check),
            Route("/implementation", implementation),
            Route("/worker", worker),
            WebSocketRoute("/ws", ws),
        ],
        lifespan=lifespan,
    )
