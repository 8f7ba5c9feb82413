def seen(get_response):
    def middleware(request):
        request.seen = "by the middleware"
        return get_response(request)

    return middleware
