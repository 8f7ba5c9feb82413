import falcon


class Index:
    def on_get(self, request, response):
        response.content_type = falcon.MEDIA_HTML
        response.text = "<!doctype html><title>Polls</title>"


app = falcon.App()
app.add_route("/", Index())
