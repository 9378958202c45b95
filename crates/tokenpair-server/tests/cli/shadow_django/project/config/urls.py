from django.urls import path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework_simplejwt import views


@api_view()
@permission_classes([IsAuthenticated])
def me(request):
    """Who is calling."""
    user = request.user
    names = {name: getattr(user, name) for name in ["email", "first_name", "last_name"]}
    return Response({"id": user.pk, "username": user.get_username(), **names})


urlpatterns = [
    path("auth/login/", views.token_obtain_pair),
    path("auth/refresh/", views.token_refresh),
    path("auth/verify/", views.token_verify),
    path("auth/logout/", views.token_blacklist),
    path("auth/sliding/", views.token_obtain_sliding),
    path("auth/sliding/refresh/", views.token_refresh_sliding),
    path("api/me/", me),
]
