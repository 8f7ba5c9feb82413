import json
from importlib.resources import files


def load() -> list[dict]:
    text = files("acme.inventory").joinpath("data", "stock.json").read_text(encoding="utf-8")
    return json.loads(text)
