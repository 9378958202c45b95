def stamp(get_response):
    """A middleware as projects have their own."""

    def answer(request):
        response = get_response(request)
        response["X-Stamp"] = "1"
        return response

    return answer
