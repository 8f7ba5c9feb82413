from flask import Flask


def create_app(config: dict | None = None) -> Flask:
    from . import pages

    app = Flask(__name__)
    app.config.update(config or {})
    app.register_blueprint(pages.bp)

    @app.get("/healthz")
    def healthz():
        return {"status": "ok"}

    return app
