from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from .models import Book


@csrf_exempt
@require_http_methods(["GET", "POST"])
def books(request):
    if request.method == "POST":
        book = Book.objects.create(title=request.POST["title"])
        return JsonResponse({"id": book.pk, "title": book.title}, status=201)
    return JsonResponse({"books": list(Book.objects.values_list("title", flat=True))})
