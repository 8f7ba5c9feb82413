def main() -> None:
    import uvicorn

    uvicorn.run("weather_station.main:app", reload=True)
