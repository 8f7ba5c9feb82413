# Refused by gunicorn where the package h2 is not installed.
excludedimports = ["gunicorn.http2.connection", "gunicorn.http2.async_connection", "gunicorn.http2.errors"]
