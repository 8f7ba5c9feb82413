from fastapi.testclient import TestClient
from weather_station.main import app


def test_readings_are_numbered():
    assert TestClient(app).get("/readings/1").json()["celsius"] == 21.5
