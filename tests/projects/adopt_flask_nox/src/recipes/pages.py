from flask import Blueprint, abort, render_template

bp = Blueprint("pages", __name__)
RECIPES = {"soup": ["leek", "potato"], "salad": ["cucumber", "dill"]}


@bp.route("/")
def index():
    return render_template("index.html", recipes=RECIPES)


@bp.route("/recipes/<name>")
def recipe(name: str):
    if name not in RECIPES:
        abort(404)
    return {"name": name, "ingredients": RECIPES[name]}
