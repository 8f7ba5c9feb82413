"""A small shop."""

from importlib.metadata import version

from flask import Flask, jsonify, render_template

from . import articles

__all__ = ["create_app"]


def create_app() -> Flask:
    from .cart import blueprint as cart

    app = Flask(__name__)
    app.config.from_mapping(SECRET_KEY="development")
    app.config.from_prefixed_env("SHOP")
    app.register_blueprint(cart)

    @app.get("/")
    def index():
        return render_template("index.html", articles=articles.ALL.values())

    @app.get("/version")
    def show_version():
        return {"version": version(__package__.replace("_", "-"))}

    @app.get("/api/articles/<int:number>")
    def article(number: int):
        if number not in articles.ALL:
            return jsonify(error="no such article"), 404
        return jsonify(articles.ALL[number])

    return app
