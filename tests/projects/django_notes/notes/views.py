from django.http import JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from .models import Note


def index(request):
    return render(request, "notes/index.html", {"notes": Note.objects.all()})


@csrf_exempt
@require_POST
def add(request):
    text = request.POST.get("text", "")
    if not text:
        return JsonResponse({"error": "no text"}, status=400)
    note = Note.objects.create(text=text)
    return JsonResponse({"id": note.pk, "text": note.text}, status=201)


def listing(request):
    return JsonResponse({"notes": list(Note.objects.values_list("text", flat=True))})


def stylesheet(request):
    return JsonResponse({"url": static("notes/notes.css")})


def header(request):
    return JsonResponse({"seen": request.seen})
