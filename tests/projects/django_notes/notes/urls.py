from django.urls import path

from . import views

urlpatterns = [
    path("", views.index),
    path("add", views.add),
    path("notes.json", views.listing),
    path("stylesheet", views.stylesheet),
    path("header", views.header),
]
