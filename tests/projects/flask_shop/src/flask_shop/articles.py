from dataclasses import dataclass


@dataclass
class Article:
    id: int
    name: str
    price: float


ALL = {each.id: each for each in (Article(1, "Käse", 4.5), Article(2, "Brot", 3.2))}
