from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from weather_station.routers import readings
from weather_station.settings import Settings

settings = Settings()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.station = settings.station
    yield


app = FastAPI(title="Weather station", lifespan=lifespan)
app.include_router(readings.router)


@app.get("/health", include_in_schema=False)
async def health() -> dict[str, str]:
    return {"station": app.state.station}
