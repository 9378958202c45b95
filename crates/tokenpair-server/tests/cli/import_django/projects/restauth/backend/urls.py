from django.urls import include, path
from rest_framework_simplejwt.views import TokenVerifyView
from dj_rest_auth.jwt_auth import get_refresh_view

urlpatterns = [
    path("api/auth/", include("dj_rest_auth.urls")),
    path("api/token/verify/", TokenVerifyView.as_view(), name="token_verify"),
    path("api/token/refresh/", get_refresh_view().as_view(), name="token_refresh"),
]
