import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.websockets import WebSocket

from .client import talk

HERE = Path(__file__).parent
templates = Jinja2Templates(directory=HERE / "templates")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, bool]]:
    app.state.started = True
    yield {"started": True}


async def index(request: Request) -> Response:
    return templates.TemplateResponse(request, "index.html", {"since": "the start"})


async def started(request: Request) -> Response:
    return JSONResponse({"started": request.state.started and request.app.state.started})


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
    first, second = await talk(host, port, "/ws", ["hello", "äöü"])
    (answer,) = await talk(host, port, "/ws-json", ["41"])
    return JSONResponse({"first": first, "second": second, "json": {"answer": int(answer)}})


async def ws(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text.upper())


async def ws_json(websocket: WebSocket) -> None:
    await websocket.accept()
    number = await websocket.receive_json()
    await websocket.send_json(number + 1)
    await websocket.close()


app = Starlette(
    routes=[
        Route("/", index),
        Route("/started", started),
        Route("/stream", stream),
        Route("/echo", echo, methods=["POST"]),
        Route("/websocket-check", websocket_check),
        WebSocketRoute("/ws", ws),
        WebSocketRoute("/ws-json", ws_json),
        Mount("/static", StaticFiles(packages=[("starlette_live", "static")]), name="static"),
    ],
    lifespan=lifespan,
)
