from django.http import JsonResponse
from django.shortcuts import render

from .models import Book


def index(request):
    return render(request, "library/index.html")


def books(request):
    return JsonResponse({"books": [str(book) for book in Book.objects.all()]})
