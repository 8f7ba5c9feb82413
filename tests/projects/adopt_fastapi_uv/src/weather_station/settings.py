from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    station: str = "roof"
