import inspect
from importlib.metadata import entry_points

import falcon
import falcon.asgi

from . import stock

GROUP = "acme.inventory.formats"


class Startup:
    started = False

    async def process_startup(self, scope, event):
        self.started = True


class Formats:
    async def on_get(self, req, resp):
        points = entry_points(group=GROUP)
        (dist,) = {(point.dist.name, point.dist.version) for point in points}
        resp.media = {"formats": sorted(points.names), "distribution": dist[0], "version": dist[1]}


class Items:
    def __init__(self, rows):
        self.rows = rows

    async def on_get(self, req, resp, extension):
        points = entry_points(group=GROUP)
        if extension not in points.names:
            raise falcon.HTTPNotFound(title="no such format")
        minimum = req.get_param_as_int("minimum", default=0)
        form = points[extension].load()
        if inspect.isclass(form):
            form = form()
        resp.content_type = form.content_type
        resp.text = form([row for row in self.rows if row["count"] >= minimum])


class Total:
    async def on_post(self, req, resp):
        order = await req.get_media()
        resp.media = {"total": sum(order.values())}


class Started:
    def __init__(self, startup):
        self.startup = startup

    async def on_get(self, req, resp):
        resp.media = {"started": self.startup.started}


def create():
    startup = Startup()
    app = falcon.asgi.App(middleware=[startup])
    app.add_route("/formats", Formats())
    app.add_route("/items.{extension}", Items(stock.load()))
    app.add_route("/total", Total())
    app.add_route("/started", Started(startup))
    return app
