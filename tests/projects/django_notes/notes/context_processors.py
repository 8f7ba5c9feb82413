def owner(request):
    return {"owner": "a Djangonaut"}
