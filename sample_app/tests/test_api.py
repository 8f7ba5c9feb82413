from __future__ import annotations

import falcon.testing
import pytest
from random_number.api import app, create_app

LARGEST = 2**53 - 1
Client = falcon.testing.TestClient


@pytest.fixture
def client() -> Client:
    return Client(app)


def test_a_number_is_between_zero_and_a_hundred(client: Client) -> None:
    answers = [client.simulate_get("/").json for _ in range(50)]
    assert {(answer["min"], answer["max"]) for answer in answers} == {(0, 100)}
    assert all(0 <= answer["number"] <= 100 for answer in answers)
    assert len({answer["number"] for answer in answers}) > 1


def test_a_number_is_json(client: Client) -> None:
    answer = client.simulate_get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert set(answer.json) == {"number", "min", "max"}


def test_both_bounds_are_included(client: Client) -> None:
    numbers = {client.simulate_get("/", params={"min": 1, "max": 3}).json["number"] for _ in range(100)}
    assert numbers == {1, 2, 3}


@pytest.mark.parametrize(
    ("query", "low", "high"),
    [
        ("min=6&max=6", 6, 6),
        ("min=-10&max=-10", -10, -10),
        ("max=0", 0, 0),
        ("min=100", 100, 100),
        (f"min={LARGEST}&max={LARGEST}", LARGEST, LARGEST),
        (f"min={-LARGEST}&max={-LARGEST}", -LARGEST, -LARGEST),
    ],
)
def test_bounds_may_be_chosen(client: Client, query: str, low: int, high: int) -> None:
    answer = client.simulate_get("/", query_string=query)
    assert answer.json == {"number": low, "min": low, "max": high}


@pytest.mark.parametrize(("query", "low", "high"), [("min=7&max=6", 7, 6), ("min=101", 101, 100), ("max=-1", 0, -1)])
def test_crossed_bounds_are_refused(client: Client, query: str, low: int, high: int) -> None:
    answer = client.simulate_get("/", query_string=query)
    assert answer.status_code == 400
    assert answer.json == {
        "title": "Bounds are crossed",
        "description": f'"min" is {low} and must not be above "max", which is {high}.',
    }


@pytest.mark.parametrize("value", ["six", "1.5", "", "1e3", "0x10", pytest.param("9" * 5000, id="endless")])
@pytest.mark.parametrize("name", ["min", "max"])
def test_a_bound_must_be_a_whole_number(client: Client, name: str, value: str) -> None:
    answer = client.simulate_get("/", query_string=f"{name}={value}")
    assert answer.status_code == 400
    assert answer.json == {
        "title": "Invalid parameter",
        "description": f'The "{name}" parameter is invalid. The value must be an integer.',
    }


@pytest.mark.parametrize(
    ("value", "limit"),
    [
        (LARGEST + 1, f"The value may not exceed {LARGEST}"),
        (-LARGEST - 1, f"The value must be at least {-LARGEST}"),
        (10**30, f"The value may not exceed {LARGEST}"),
    ],
)
def test_a_bound_has_its_limits(client: Client, value: int, limit: str) -> None:
    answer = client.simulate_get("/", params={"max": value})
    assert answer.status_code == 400
    assert answer.json == {"title": "Invalid parameter", "description": f'The "max" parameter is invalid. {limit}'}


def test_the_service_says_that_it_is_well(client: Client) -> None:
    answer = client.simulate_get("/health")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_there_is_nothing_else(client: Client) -> None:
    assert client.simulate_get("/numbers").status_code == 404


@pytest.mark.parametrize("path", ["/", "/health"])
def test_numbers_are_only_read(client: Client, path: str) -> None:
    assert client.simulate_post(path).status_code == 405


def test_every_application_is_its_own() -> None:
    assert create_app() is not app
