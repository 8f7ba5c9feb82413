from datetime import datetime, timezone

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

router = APIRouter(prefix="/readings", tags=["readings"])


class Reading(BaseModel):
    celsius: float
    at: datetime


READINGS = {1: Reading(celsius=21.5, at=datetime(2024, 6, 1, 12, tzinfo=timezone.utc))}


@router.get("/")
async def all_readings(limit: int = 10) -> list[Reading]:
    return list(READINGS.values())[:limit]


@router.get("/{number}")
async def one_reading(number: int) -> Reading:
    if number not in READINGS:
        raise HTTPException(status_code=404)
    return READINGS[number]


@router.post("/", status_code=201)
async def add_reading(reading: Reading) -> int:
    number = max(READINGS) + 1
    READINGS[number] = reading
    return number
