"""Uses the admin as somebody does who is logged in: `observe.command` of pyproject.toml."""

import os
import re
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

URL = os.environ["PYSTATIC_URL"]
BROWSER = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
CHANGED = re.compile(r"/admin/notes/note/(\d+)/change/")


def get(path):
    with BROWSER.open(URL + path) as response:
        return response.read().decode()


def submit(path, **fields):
    """Fill the form of a page in, and send it to where it is from."""
    fields["csrfmiddlewaretoken"] = TOKEN.search(get(path))[1]
    request = urllib.request.Request(URL + path, urllib.parse.urlencode(fields).encode(), {"Referer": URL + path})
    with BROWSER.open(request) as response:
        page = response.read().decode()
    assert "errornote" not in page, page
    return page


user, password = os.environ["DJANGO_SUPERUSER_USERNAME"], os.environ["DJANGO_SUPERUSER_PASSWORD"]
submit("/admin/login/?next=/admin/", username=user, password=password)
for path in ("/admin/", "/admin/notes/", "/admin/jsi18n/", "/admin/auth/user/", "/admin/auth/group/add/"):
    get(path)
note = CHANGED.search(submit("/admin/notes/note/add/", text="from the admin", _continue="1"))[1]
assert "from the admin" in get("/admin/notes/note/?q=admin")
submit(f"/admin/notes/note/{note}/change/", text="changed")
assert "changed" in get(f"/admin/notes/note/{note}/history/")
selected = {"action": "delete_selected", "_selected_action": note, "post": "yes"}
submit("/admin/notes/note/", **selected)
get("/admin/password_change/")
