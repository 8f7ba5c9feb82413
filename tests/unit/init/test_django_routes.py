from __future__ import annotations

import pytest
from unit.init.conftest import Write

from pystatic_tasks.init.django_routes import django_routes
from pystatic_tasks.init.modules import read_code
from pystatic_tasks.init.routes import Routes

IMPORTS = "from django.contrib import admin\nfrom django.urls import include, path, re_path\nfrom . import views\n"
VIEWS = """\
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect

def index(request): pass

@login_required
def secret(request): pass

def away(request):
    return redirect("/x")
"""


def routes(write: Write, patterns: str, **more: str) -> Routes:
    files = {
        "config/__init__.py": "",
        "config/settings.py": 'ROOT_URLCONF = "config.urls"\n',
        "config/urls.py": IMPORTS + patterns,
        "config/views.py": VIEWS,
        **{f"{name}.py": IMPORTS + text for name, text in more.items()},
    }
    root = write(files)
    return django_routes(read_code(root, [root]))


ADMIN = 'path("admin/", admin.site.urls)'


@pytest.mark.parametrize(
    ("patterns", "paths"),
    [
        (f"urlpatterns = [{ADMIN}]", ["/admin/login/"]),
        (f'urlpatterns = [{ADMIN}, path("books/", views.index)]', ["/books/", "/admin/login/"]),
        ('urlpatterns = [path("", views.index)]', ["/"]),
        ('urlpatterns = [path("a/<int:n>/", views.index), path("b/", views.index)]', ["/b/"]),
        ('urlpatterns = [re_path(r"^a/$", views.index), re_path(r"^b/(\\\\d+)$", views.index)]', ["/a/"]),
        ('urlpatterns = [path("a/", views.secret), path("b/", views.away)]', []),
        ('urlpatterns = [path("a/", views.index)]\nurlpatterns += [path("b/", views.index)]', ["/a/", "/b/"]),
        ('urlpatterns: list = [path("a/", views.index)] + static(MEDIA_URL)', ["/a/"]),
        ('urlpatterns = [path("shop/", include("shop"))]', ["/shop/cart/"]),
        ('urlpatterns = [path("shop/", include(("shop", "shop")))]', ["/shop/cart/"]),
        ('urlpatterns = [path("shop/", include([path("a/", views.index)]))]', []),
    ],
)
def test_paths_are_known(write: Write, patterns: str, paths: list[str]) -> None:
    found = routes(
        write, "from django.conf.urls.static import static\n" + patterns, shop="urlpatterns = [path('cart/', f)]"
    )
    assert [each.path for each in found.known if each.answers] == paths
    assert not found.may_serve_root


@pytest.mark.parametrize(
    "patterns",
    [
        'urlpatterns = [path("", include("somebody.elses"))]',
        'urlpatterns = i18n_patterns(path("", views.index))',
        "urlpatterns = [path(PATH, views.index)]",
    ],
)
def test_what_may_serve_the_root_is_seen(write: Write, patterns: str) -> None:
    assert routes(write, patterns).may_serve_root


def test_without_settings_nothing_is_known(write: Write) -> None:
    root = write({"urls.py": "urlpatterns = []"})
    assert django_routes(read_code(root, [root])) == Routes()


def test_urls_that_include_each_other_end(write: Write) -> None:
    found = routes(write, 'urlpatterns = [path("a/", include("config.urls")), path("b/", views.index)]')
    assert "/b/" in [each.path for each in found.known]
