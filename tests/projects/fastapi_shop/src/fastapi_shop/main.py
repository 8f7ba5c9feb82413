import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Annotated

import orjson
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response

from .models import Item, Order, Price

Shelf = dict[str, Item]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.shelf = {"Tea": Item(name="Tea", price=Decimal("3.50"), tags=["Drink"])}
    yield
    app.state.shelf.clear()


app = FastAPI(title="Fastapi shop", lifespan=lifespan)


def shelf(request: Request) -> Shelf:
    return request.app.state.shelf


def item(name: str, shelf: Annotated[Shelf, Depends(shelf)]) -> Item:
    if name not in shelf:
        raise HTTPException(404, f"no {name} here")
    return shelf[name]


@app.get("/items")
async def items(shelf: Annotated[Shelf, Depends(shelf)], limit: Annotated[int, Query(le=100)] = 10) -> list[Item]:
    """All that is on the shelf."""
    return list(shelf.values())[:limit]


@app.get("/items/{name}")
async def one(item: Annotated[Item, Depends(item)]) -> Item:
    return item


@app.post("/price")
async def price(order: Order, shelf: Annotated[Shelf, Depends(shelf)]) -> Price:
    return Price(total=item(order.name, shelf).price * order.count, count=order.count)


@app.get("/when")
async def when() -> Response:
    content = orjson.dumps({"day": date(2024, 2, 29), "bytes": isinstance(orjson.dumps(1), bytes)})
    return Response(content, media_type="application/json")


@app.get("/thread")
def thread() -> dict[str, bool]:
    return {"worker_thread": threading.current_thread() is not threading.main_thread()}


@app.get("/server")
async def server(request: Request) -> dict[str, object]:
    worker = next((name for name in ("uvicorn_worker", "gunicorn.workers.gasgi") if name in sys.modules), None)
    return {"worker": worker, "opened": hasattr(request.app.state, "shelf")}
