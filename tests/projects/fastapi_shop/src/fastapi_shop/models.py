from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field, field_validator


class Item(BaseModel):
    name: str
    price: Annotated[Decimal, Field(gt=0, decimal_places=2)]
    tags: list[str] = []

    @field_validator("tags")
    @classmethod
    def lower(cls, tags: list[str]) -> list[str]:
        return [tag.lower() for tag in tags]


class Order(BaseModel):
    name: str
    count: Annotated[int, Field(ge=1)] = 1


class Price(BaseModel):
    total: Decimal
    count: int
