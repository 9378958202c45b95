from django.urls import include, path, re_path

from rest_framework_simplejwt import views as jwt

token_obtain_pair = jwt.TokenObtainPairView.as_view()
token_refresh = jwt.TokenRefreshView.as_view()

v1 = [
    path("auth/", include((
        [
            path("login", token_obtain_pair, name="login"),
            re_path(r"^refresh/?$", token_refresh, name="refresh"),
        ],
        "auth",
    ), namespace="auth")),
    path("", include("apps.people.api.urls")),
]

urlpatterns = [path("api/v1/", include((v1, "v1")))]
