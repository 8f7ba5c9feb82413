from flask import Blueprint, redirect, render_template, request, session, url_for

from ..articles import ALL

blueprint = Blueprint("cart", __name__, url_prefix="/cart", template_folder="templates", static_folder="static")


@blueprint.get("/")
def show():
    return render_template("cart/cart.html", articles=[ALL[number] for number in session.get("cart", [])])


@blueprint.post("/")
def add():
    number = request.form.get("article", type=int)
    if number in ALL:
        session["cart"] = [*session.get("cart", []), number]
    return redirect(url_for("cart.show"))
